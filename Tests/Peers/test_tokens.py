"""Tokens that another library made: those that hold are accepted, and the rest are refused."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import unittest
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from protocol import V2
from server import Server


def encoded(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Tokens(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.server.close)
        cls.private, cls.public = cls.server.keys

    def claims(self, **changes):
        claims = {"iss": "localhost", "sub": "11111111-2222-4333-8444-555555555555", "iat": int(time.time())}
        claims |= changes
        return {name: value for name, value in claims.items() if value is not ...}

    def ask(self, token):
        """The status of a request with a token, and whom the server takes it for: by HTTP, and when a WebSocket is opened."""
        answer = self.ask_by_http(token)
        self.assertEqual(self.ask_for_socket(token), answer)
        return answer

    def ask_for_socket(self, token):
        header = {"Authorization": f"Bearer {token}"}
        try:
            with connect(self.server.socket_url, subprotocols=[V2], additional_headers=header, compression=None) as socket:
                return 200, socket.response.headers["spacetime-identity"]
        except InvalidStatus as error:
            return error.response.status_code, None

    def ask_by_http(self, token):
        request = urllib.request.Request(f"{self.server.url}/v1/database/chat", headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers["spacetime-identity"]
        except urllib.error.HTTPError as error:
            self.assertTrue(error.read(), "a refusal without a word")
            return error.code, None

    def assertAccepted(self, token):
        status, identity = self.ask(token)
        self.assertEqual(status, 200)
        return identity

    def assertRefused(self, token):
        self.assertEqual(self.ask(token)[0], 401)


class OwnKeys(Tokens):
    def sign(self, key=None, algorithm="ES256", **changes):
        return jwt.encode(self.claims(**changes), key or self.private, algorithm=algorithm)

    def test_a_token_of_another_library_is_accepted(self):
        expected = "c2003a649183275719a1176e2b7de9767e15116140665412d14aab473d731a35"
        for changes in [{}, {"exp": int(time.time()) + 60}, {"exp": None}, {"aud": "spacetimedb"}, {"aud": ["a", "b"]},
                        {"hex_identity": expected}, {"name": "Ünïcode", "roles": [1, {"deep": None}]}]:
            with self.subTest(changes):
                self.assertEqual(self.assertAccepted(self.sign(**changes)), expected)

    def test_the_subject_and_the_issuer_make_the_identity(self):
        identities = {self.assertAccepted(self.sign(iss=issuer, sub=subject)) for issuer, subject in [
            ("localhost", "a"), ("localhost", "b"), ("https://example.org", "a"), ("https://example.org/", "a")]}
        self.assertEqual(len(identities), 4)

    def test_what_another_key_signed_is_refused(self):
        other = ec.generate_private_key(ec.SECP256R1())
        self.assertRefused(self.sign(other))
        self.assertRefused(self.sign(rsa.generate_private_key(65537, 2048), "RS256"))
        self.assertRefused(self.sign("a secret of 32 bytes and then some", "HS256"))

    def test_what_was_changed_after_it_was_signed_is_refused(self):
        header, payload, signature = self.sign().split(".")
        forged = encoded(self.claims(sub="owner"))
        self.assertRefused(f"{header}.{forged}.{signature}")
        for at in range(0, len(signature), 9):
            changed = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1:]
            self.assertRefused(f"{header}.{payload}.{changed}")
        self.assertRefused(f"{header}.{payload}.")
        self.assertRefused(f"{header}.{payload}")

    def test_a_token_that_says_it_needs_no_signature_is_refused(self):
        self.assertRefused(jwt.encode(self.claims(sub="owner"), None, algorithm="none"))
        signature = self.sign().split(".")[2]
        for algorithm in ["none", "None", "nOnE", ""]:
            head = encoded({"typ": "JWT", "alg": algorithm})
            self.assertRefused(f"{head}.{encoded(self.claims())}.")
            self.assertRefused(f"{head}.{encoded(self.claims())}.{signature}")

    def test_the_public_key_is_no_secret_to_sign_with(self):
        head, payload = encoded({"typ": "JWT", "alg": "HS256"}), encoded(self.claims(sub="owner"))
        for secret in [self.public, self.public.strip()]:
            mac = hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
            self.assertRefused(f"{head}.{payload}.{encoded(mac)}")

    def test_keys_that_the_token_brings_along_are_not_used(self):
        other = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(ECAlgorithm.to_jwk(other.public_key()))
        for header in [{"jwk": public}, {"jku": "http://127.0.0.1:1/keys"}, {"kid": "../../dev/null"}]:
            self.assertRefused(jwt.encode(self.claims(), other, algorithm="ES256", headers=header))

    def test_what_has_run_out_is_refused(self):
        self.assertRefused(self.sign(exp=int(time.time()) - 120))
        self.assertRefused(self.sign(exp=1))

    def test_claims_that_are_missing_or_no_claims_are_refused(self):
        for changes in [{"sub": ...}, {"iss": ...}, {"sub": ""}, {"sub": "x" * 129}, {"iat": ...}, {"iat": "now"}, {"exp": "later"},
                        {"hex_identity": "c200" + "0" * 60}]:
            with self.subTest(changes):
                payload = encoded(self.claims(**changes))
                self.assertRefused(self.signed(payload))
        for payload in [b"", b"[]", b"{", b"\xff\xfe"]:
            self.assertRefused(self.signed(encoded(payload)))

    def signed(self, payload):
        """Any payload at all, signed with the server's own key."""
        head = encoded({"typ": "JWT", "alg": "ES256"})
        key = serialization.load_pem_private_key(self.private.encode(), None)
        algorithm = ECAlgorithm(ECAlgorithm.SHA256)
        return f"{head}.{payload}.{encoded(algorithm.sign(f'{head}.{payload}'.encode(), key))}"

    def test_the_keys_last_longer_than_the_server(self):
        token = self.sign()
        before = self.assertAccepted(token)
        self.server.restart()
        self.assertEqual(self.server.keys, (self.private, self.public))
        self.assertEqual(self.assertAccepted(token), before)

    def test_nobody_else_may_read_the_private_key(self):
        mode = (self.server.data / "keys" / "id_ecdsa").stat().st_mode
        self.assertEqual(mode & 0o077, 0)


class Issuer:
    """An OpenID Connect issuer, on this machine."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(65537, 2048)
        keys = []
        for name, key, algorithm, kind in [("one", self.key, ECAlgorithm, "ES256"), ("two", self.rsa, RSAAlgorithm, "RS256")]:
            keys.append(json.loads(algorithm.to_jwk(key.public_key())) | {"kid": name, "alg": kind, "use": "sig"})
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": keys},
                }.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class OtherIssuers(Tokens):
    options = ("--audience", "chat")

    def setUp(self):
        self.issuer = Issuer()
        self.addCleanup(self.issuer.close)

    def sign(self, key=None, algorithm="ES256", kid="one", **changes):
        claims = self.claims(**({"iss": self.issuer.url, "aud": "chat"} | changes))
        return jwt.encode(claims, key or self.issuer.key, algorithm=algorithm, headers={"kid": kid} if kid else None)

    def test_a_token_of_an_issuer_that_publishes_its_keys_is_accepted(self):
        first = self.assertAccepted(self.sign())
        self.assertEqual(self.assertAccepted(self.sign(self.issuer.rsa, "RS256", "two")), first)
        self.assertEqual(self.assertAccepted(self.sign(kid=None)), first)
        self.assertEqual(self.assertAccepted(self.sign(aud=["other", "chat"])), first)

    def test_a_token_that_was_made_for_somebody_else_is_refused(self):
        for audience in ["other", ["other", "chats"], "", ...]:
            self.assertRefused(self.sign(aud=audience))

    def test_keys_that_the_issuer_does_not_publish_are_not_its_keys(self):
        self.assertRefused(self.sign(ec.generate_private_key(ec.SECP256R1())))
        self.assertRefused(self.sign(kid="three"))
        self.assertRefused(self.sign(iss="http://127.0.0.1:1"))
        # Not one issuer's key for another's name.
        other = Issuer()
        self.addCleanup(other.close)
        self.assertRefused(self.sign(other.key))


if __name__ == "__main__":
    unittest.main()
