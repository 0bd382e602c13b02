"""curl asks every route: with good, bad and unauthorised input."""

import json
import subprocess
import unittest

import jwt

from server import PATIENCE, Server


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}

    @property
    def text(self): return self.body.decode()

    @property
    def json(self): return json.loads(self.body)

    def __repr__(self): return f"{self.status} {self.body[:300]!r}"


class HTTP(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.guest = cls.curl("POST", "/v1/identity").json
        private, _ = cls.server.keys
        cls.owner = jwt.encode({"iss": "localhost", "sub": "owner", "iat": 1700000000}, private, algorithm="ES256")

    @classmethod
    def curl(cls, method, path, *options, token=None, body=None, kind=None):
        command = ["curl", "--silent", "--show-error", "--include", "--max-time", str(PATIENCE), "--path-as-is", *options]
        command += ["--head"] if method == "HEAD" else ["--request", method]
        command += ["--header", "Expect:"]
        if token:
            command += ["--header", f"Authorization: Bearer {token}"]
        if kind:
            command += ["--header", f"Content-Type: {kind}"]
        elif body is not None:
            command += ["--header", "Content-Type:"]
        if body is not None:
            command += ["--data-binary", "@-"]
        done = subprocess.run(
            [*command, cls.server.url + path], input=body.encode() if isinstance(body, str) else body, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return Answer(done.stdout)

    def call(self, reducer, arguments, **options):
        return self.curl("POST", f"/v1/database/chat/call/{reducer}", body=arguments, kind="application/json", **options)

    def sql(self, text, **options):
        return self.curl("POST", "/v1/database/chat/sql", body=text, **options)

    def assertStatus(self, answer, status):
        self.assertEqual(answer.status, status, answer)

    # Liveness and figures

    def test_ping_health_and_metrics(self):
        self.assertStatus(self.curl("GET", "/v1/ping"), 200)
        self.assertStatus(self.curl("GET", "/v1/health"), 200)
        metrics = self.curl("GET", "/v1/metrics")
        self.assertStatus(metrics, 200)
        self.assertRegex(metrics.text, r"(?m)^# TYPE \S+ (counter|gauge|histogram|summary)$")

    def test_paths_that_are_none(self):
        for path in ["/v1/nothing", "/v1/database/chat/", "/v1/database/chat/nothing", "/nothing"]:
            with self.subTest(path):
                self.assertStatus(self.curl("GET", path), 404)

    def test_other_methods_are_refused_with_those_that_there_are(self):
        answer = self.curl("DELETE", "/v1/identity")
        self.assertStatus(answer, 405)
        self.assertIn("POST", answer.headers["allow"])

    def test_pages_of_other_origins_may_ask(self):
        answer = self.curl(
            "OPTIONS", "/v1/identity/websocket-token", "-H", "Origin: https://elsewhere.example",
            "-H", "Access-Control-Request-Method: POST", "-H", "Access-Control-Request-Headers: authorization")
        self.assertStatus(answer, 200)
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        self.assertIn("authorization", answer.headers["access-control-allow-headers"])
        refused = self.curl("POST", "/v1/identity/websocket-token", "-H", "Origin: https://elsewhere.example")
        self.assertEqual(refused.headers["access-control-allow-origin"], "*")

    # Identities

    def test_a_new_identity(self):
        one, other = (self.curl("POST", "/v1/identity") for _ in range(2))
        self.assertStatus(one, 200)
        self.assertEqual(one.headers["content-type"], "application/json")
        self.assertRegex(one.json["identity"], "^c200[0-9a-f]{60}$")
        self.assertNotEqual(one.json["identity"], other.json["identity"])
        self.assertStatus(self.curl("GET", f"/v1/identity/{one.json['identity']}/verify", token=one.json["token"]), 204)
        self.assertStatus(self.curl("GET", f"/v1/identity/{other.json['identity']}/verify", token=one.json["token"]), 400)
        self.assertStatus(self.curl("GET", f"/v1/identity/{one.json['identity']}/verify"), 401)
        self.assertStatus(self.curl("GET", "/v1/identity/12/verify", token=one.json["token"]), 400)

    def test_a_brief_token_for_a_socket(self):
        path = "/v1/identity/websocket-token"
        brief = self.curl("POST", path, token=self.guest["token"]).json["token"]
        claims = jwt.decode(brief, self.server.keys[1], algorithms=["ES256"], audience="spacetimedb")
        self.assertEqual(claims["exp"] - claims["iat"], 60)
        self.assertEqual(claims["hex_identity"], self.guest["identity"])
        self.assertStatus(self.curl("GET", f"/v1/identity/{self.guest['identity']}/verify", token=brief), 204)
        self.assertStatus(self.curl("POST", path), 401)
        self.assertStatus(self.curl("POST", path, token="nonsense"), 401)
        self.assertStatus(self.curl("POST", path, "-H", "Authorization: Basic abc"), 400)

    def test_the_public_key_is_the_file(self):
        answer = self.curl("GET", "/v1/identity/public-key")
        self.assertStatus(answer, 200)
        self.assertEqual(answer.text, self.server.keys[1])

    # Databases

    def test_a_database_by_name_and_by_identity(self):
        identity = self.curl("GET", "/v1/database/chat/identity").text.strip()
        self.assertRegex(identity, "^[0-9a-f]{64}$")
        for segment in ["chat", identity, identity.upper(), "0x" + identity]:
            answer = self.curl("GET", f"/v1/database/{segment}")
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json["database_identity"]["__identity__"], "0x" + identity)
        self.assertEqual(self.curl("GET", f"/v1/database/{identity}/names").json, {"names": ["chat"]})
        unknown = self.curl("GET", "/v1/database/nobody")
        self.assertEqual((unknown.status, unknown.text), (404, "`nobody` not found"))
        missing = self.curl("GET", f"/v1/database/{'1' * 64}")
        self.assertEqual((missing.status, missing.text), (404, "No such database."))
        for name in ["Chat", "a--b", "-a"]:
            self.assertStatus(self.curl("GET", f"/v1/database/{name}"), 400)

    def test_every_answer_names_who_asked(self):
        anonymous = self.curl("GET", "/v1/database/chat")
        self.assertRegex(anonymous.headers["spacetime-identity"], "^c200[0-9a-f]{60}$")
        known = self.curl("GET", "/v1/database/chat", token=self.guest["token"])
        self.assertEqual(known.headers["spacetime-identity"], self.guest["identity"])
        self.assertEqual(known.headers["spacetime-identity-token"], self.guest["token"])

    def test_the_schema_in_both_versions(self):
        old = self.curl("GET", "/v1/database/chat/schema?version=9")
        self.assertEqual(old.headers["content-type"], "application/json")
        self.assertLessEqual({"user", "room", "message", "sweep"}, {table["name"] for table in old.json["tables"]})
        sections = {name for section in self.curl("GET", "/v1/database/chat/schema?version=10").json["sections"] for name in section}
        self.assertLessEqual({"Typespace", "Types", "Tables", "Reducers", "Schedules", "LifeCycleReducers", "ExplicitNames"}, sections)
        for query in ["", "?version=8", "?version="]:
            self.assertStatus(self.curl("GET", f"/v1/database/chat/schema{query}"), 400)

    def test_calls(self):
        done = self.call("open", '["study"]', token=self.guest["token"])
        self.assertStatus(done, 200)
        self.assertEqual(done.body, b"")
        self.assertRegex(done.headers["spacetime-execution-duration-micros"], r"^\d+$")
        self.assertStatus(self.call("send", '{"room":"study","text":"by name"}'), 200)
        refused = self.call("open", '["study"]')
        self.assertStatus(refused, 530)
        self.assertIn("study", refused.text)
        bad = self.call("open", "[1]")
        self.assertStatus(bad, 400)
        self.assertTrue(bad.text.startswith("invalid arguments for reducer open: "), bad)
        for arguments in ["", "{", "[]", '["a","b"]', '"study"']:
            self.assertStatus(self.call("open", arguments), 400)
        self.assertStatus(self.call("nothing", "[]"), 404)
        self.assertStatus(self.call("set_up", "[]"), 400)
        path = "/v1/database/chat/call/open"
        self.assertStatus(self.curl("POST", path, body='["x"]'), 400)
        for kind in ["text/plain", "application/json; charset=utf-8"]:
            self.assertStatus(self.curl("POST", path, body='["x"]', kind=kind), 415)
        self.assertStatus(self.curl("POST", path, body='["x"]', kind="application/json", token="nonsense"), 401)

    def test_a_body_beyond_the_limit(self):
        self.assertStatus(self.call("open", '["' + "x" * (2 << 20) + '"]'), 413)

    def test_calls_leave_no_client_behind(self):
        self.call("send", '["lobby","I was never here"]')
        [result] = self.sql("SELECT * FROM st_client", token=self.owner).json
        self.assertLessEqual(len(result["rows"]), 1)

    def test_sql(self):
        [result] = self.sql("SELECT name, message_count FROM room WHERE name = 'lobby'").json
        self.assertEqual([element["name"] for element in result["schema"]["elements"]], [{"some": "name"}, {"some": "message_count"}])
        self.assertEqual([element["algebraic_type"] for element in result["schema"]["elements"]], [{"String": []}, {"U32": []}])
        self.assertEqual(result["rows"][0][0], "lobby")
        self.assertLessEqual({"rows_inserted", "rows_deleted", "rows_updated"}, set(result["stats"]))
        for text in ["", "SELEKT", "SELECT * FROM nothing", "SELECT * FROM sweep", "SELECT * FROM room; SELECT * FROM room"]:
            self.assertStatus(self.sql(text), 400)

    def test_only_the_owner_changes_rows_by_sql(self):
        text = "INSERT INTO room (name, created, message_count) VALUES ('vault', '2026-01-01T00:00:00Z', 0)"
        self.assertStatus(self.sql(text, token=self.guest["token"]), 400)
        [result] = self.sql(text, token=self.owner).json
        self.assertEqual(result["stats"]["rows_inserted"], 1)
        [result] = self.sql("DELETE FROM room WHERE name = 'vault'", token=self.owner).json
        self.assertEqual(result["stats"]["rows_deleted"], 1)
        self.assertEqual(len(self.sql("SELECT * FROM sweep", token=self.owner).json[0]["rows"]), 1)

    def test_the_log_is_the_owners(self):
        self.assertStatus(self.curl("GET", "/v1/database/chat/logs"), 403)
        self.assertStatus(self.curl("GET", "/v1/database/chat/logs", token=self.guest["token"]), 403)
        answer = self.curl("GET", "/v1/database/chat/logs?num_lines=10", token=self.owner)
        self.assertStatus(answer, 200)
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        for line in answer.text.splitlines():
            self.assertIn("message", json.loads(line))

    def test_offers_of_other_protocols_are_passed_over(self):
        self.assertStatus(self.curl("GET", "/v1/ping", "--http2"), 200)
        self.assertStatus(self.curl("GET", "/chat.js", "-H", "Connection: Upgrade", "-H", "Upgrade: nonsense"), 200)
        self.assertStatus(self.curl(
            "POST", "/v1/database/chat/sql", "-H", "Connection: Upgrade", "-H", "Upgrade: h2c", body="SELECT * FROM room"), 200)

    # Pages

    def test_the_pages_bring_everything_along(self):
        pages = ["/", "/chat.js", "/chat.css", "/inspect", "/inspect/inspector.js", "/inspect/inspector.css"]
        for path in [*pages, "/client.js", "/react.js"]:
            with self.subTest(path):
                answer = self.curl("GET", path)
                self.assertStatus(answer, 200)
                # What pages from elsewhere load says nothing of what they may do.
                self.assertEqual("content-security-policy" in answer.headers, path in pages)
                for scheme in ["http://", "https://"]:
                    for kind in ['src="', 'href="', "url(", "import(", 'from "']:
                        self.assertNotIn(kind + scheme, answer.text)
        self.assertStatus(self.curl("POST", "/inspect"), 405)
        self.assertStatus(self.curl("GET", "/inspect/nothing.js"), 404)


if __name__ == "__main__":
    unittest.main()
