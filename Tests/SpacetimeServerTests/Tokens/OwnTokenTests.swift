import Crypto
import JWTKit
import SpacetimeHost
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Tokens that the server signs itself.
@Suite struct OwnTokenTests {
    static let subject = "11111111-2222-4333-8444-555555555555"
    static let identity = "c2003a649183275719a1176e2b7de9767e15116140665412d14aab473d731a35"
    static let payload =
        #"{"hex_identity":"\#(identity)","sub":"\#(subject)","iss":"localhost","aud":["spacetimedb"],"iat":1700000000,"exp":null}"#
    static let header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9"
    static let workedToken =
        header
        + ".eyJoZXhfaWRlbnRpdHkiOiJjMjAwM2E2NDkxODMyNzU3MTlhMTE3NmUyYjdkZTk3NjdlMTUxMTYxNDA2NjU0MTJkMTRhYWI0NzNkNzMxYTM1Iiwic3ViIjoiMTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1IiwiaXNzIjoibG9jYWxob3N0IiwiYXVkIjpbInNwYWNldGltZWRiIl0sImlhdCI6MTcwMDAwMDAwMCwiZXhwIjpudWxsfQ.rU4g5fRGtPWD88Wl619d2ZGAollOFf0Mxv0ecBZLUSkc8fvvtqCvdshYTl7RcYwR58krcDKONTk-fr9gttRCPw"
    static let workedKey = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEF7y6FNHNB5UiKPhg4ONT5Wuo8+vD
        DKsRbVtOlv8/K+As32SQMQA4w/5YXE+laA7Moh6iagMf2ff5eAIYYcQtnw==
        -----END PUBLIC KEY-----
        """

    let clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_000_000))
    let documents = StubDocuments()

    func authority(_ change: (inout TokenOptions) -> Void = { _ in }) -> TokenAuthority {
        var options = TokenOptions()
        change(&options)
        return TokenAuthority(options, documents: documents, clock: clock)
    }

    func outcome(_ authority: TokenAuthority, _ token: String) async -> Result<Principal, Refusal> {
        do throws(Refusal) {
            return .success(try await authority.authenticate(authorization: "Bearer \(token)", queryToken: nil))
        } catch { return .failure(error) }
    }

    func refusal(_ authority: TokenAuthority, _ token: String) async -> Refusal? {
        if case .failure(let refusal) = await outcome(authority, token) { refusal } else { nil }
    }

    @Test func theWorkedExampleIsAccepted() async throws {
        let key = try P256.Signing.PublicKey(pemRepresentation: Self.workedKey)
        let authority = authority {
            $0.keys = TokenKeys(signing: P256.Signing.PrivateKey(), publicKeyText: "", retired: [key])
        }
        let principal = try await outcome(authority, Self.workedToken).get()
        #expect(principal.identity.hex == Self.identity)
        #expect(principal.claims == Self.payload)
        #expect(principal.token == Self.workedToken)
        #expect(!principal.isAnonymous)
        // The second time it is known already.
        #expect(try await outcome(authority, Self.workedToken).get() == principal)
    }

    @Test func anIssuedTokenLooksAsThatOfTheWorkedExample() async throws {
        let authority = authority()
        let principal = authority.issue(to: Self.subject)
        #expect(principal.claims == Self.payload)
        #expect(principal.identity.hex == Self.identity)
        #expect(
            principal.token.hasPrefix(Self.workedToken.split(separator: ".").dropLast().joined(separator: ".") + "."))
        #expect(principal.isAnonymous)
        #expect(try await outcome(authority, principal.token).get().identity == principal.identity)
    }

    @Test func anotherLibraryAcceptsAnIssuedToken() async throws {
        struct Claims: JWTPayload {
            var identity: String
            var exp: Int?
            enum CodingKeys: String, CodingKey {
                case identity = "hex_identity"
                case exp
            }
            func verify(using algorithm: some JWTAlgorithm) throws {}
        }
        let authority = authority()
        let principal = authority.issue()
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: try ES256PublicKey(pem: authority.publicKeyText))
        let claims = try await keys.verify(principal.token, as: Claims.self)
        #expect(claims.identity == principal.identity.hex)
        #expect(claims.exp == nil)
    }

    @Test func whoShowsNothingIsSomebodyNewEachTime() async throws {
        let authority = authority()
        let one = try await authority.authenticate(authorization: nil, queryToken: nil)
        let other = try await authority.authenticate(authorization: nil, queryToken: nil)
        #expect(one.isAnonymous && other.isAnonymous)
        #expect(one.identity != other.identity)
        #expect(one.identity.hex.hasPrefix("c200"))
        let subject = try #require(try JSON(parsing: one.claims)["sub"]?.stringValue)
        #expect(Uuid(subject)?.version == 4)
        #expect(Uuid(subject)?.description == subject)
    }

    @Test(arguments: ["", "Bearer", "Bearer ", "Basic abc", "bearer a b", "Bearer ü", "token"])
    func aHeaderOfAnotherFormIsMalformed(header: String) async {
        let authority = authority()
        await #expect(throws: Refusal(400, "Authorization is invalid: malformed token")) {
            try await authority.authenticate(authorization: header, queryToken: nil)
        }
    }

    @Test func theHeaderCountsBeforeTheParameter() async throws {
        let authority = authority()
        let (one, other) = (authority.issue(), authority.issue())
        #expect(
            try await authority.authenticate(authorization: "bearer \(one.token)", queryToken: other.token).identity
                == one.identity)
        #expect(
            try await authority.authenticate(authorization: nil, queryToken: other.token).identity == other.identity)
    }

    @Test(arguments: [
        ("", "three parts"), ("a.b", "three parts"), ("a.b.c.d", "three parts"), ("!.e30.", "header is not base64url"),
        ("e30.e30.e30", "names no algorithm"), ("W10.e30.", "header is no JSON object"), ("e30=.e30.", "base64url"),
    ]) func textsThatAreNoTokensAreRefused(text: String, reason: String) async {
        let authority = authority()
        do {
            _ = try await authority.authenticate(authorization: nil, queryToken: text)
            Issue.record("it was accepted")
        } catch {
            #expect(error.status == 401)
            #expect(error.text.hasPrefix("Invalid token: "))
            #expect(error.text.contains(reason), "\(error.text)")
        }
    }

    @Test func aTokenWithoutSignatureIsRefused() async throws {
        let authority = authority()
        for name in ["none", "None", "NONE", "ES384", "EdDSA"] {
            let token = try Forging.token(header: #"{"typ":"JWT","alg":"\#(name)"}"#, payload: Self.payload)
            #expect(await refusal(authority, token)?.text.contains("'\(name)'") == true)
        }
        let bare = Self.header + "." + Self.workedToken.split(separator: ".")[1] + "."
        #expect(await refusal(authority, bare)?.status == 401)
    }

    @Test func aTokenOfAnotherServerIsRefused() async throws {
        let token = authority().issue().token
        let refusal = await refusal(authority(), token)
        #expect(refusal == Refusal(401, "Invalid token: no key of this server has signed it"))
        #expect(documents.requests.isEmpty, "the issuer localhost is nobody to ask")
    }

    @Test func eachChangedCharacterBreaksAToken() async throws {
        let authority = authority()
        let token = Array(authority.issue().token.utf8)
        for position in stride(from: 0, to: token.count, by: 7) {
            var forged = token
            forged[position] = forged[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(await refusal(authority, String(decoding: forged, as: UTF8.self))?.status == 401)
        }
    }

    /// The public key is known to all, and must not serve as the secret of another algorithm.
    @Test func thePublicKeyIsNoSecret() async throws {
        let authority = authority()
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: Array(authority.publicKeyText.utf8)), digestAlgorithm: .sha256)
        let token = try await keys.sign(TestClaims(iss: "localhost", sub: "somebody"))
        #expect(await refusal(authority, token)?.text.contains("'HS256'") == true)
    }

    @Test(arguments: [
        (#"{"sub":"a","iat":1}"#, "'iss'"), (#"{"iss":"","sub":"a","iat":1}"#, "'iss'"),
        (#"{"iss":"a","sub":7,"iat":1}"#, "'sub'"),
        (#"{"iss":"a","sub":"\#(String(repeating: "s", count: 129))","iat":1}"#, "'sub'"),
        (#"{"iss":"a","sub":"a"}"#, "'iat'"), (#"{"iss":"a","sub":"a","iat":1.5}"#, "'iat'"),
        (#"{"iss":"a","sub":"a","iat":"1"}"#, "'iat'"), (#"{"iss":"a","sub":"a","iat":1,"exp":"2"}"#, "'exp'"),
        (#"{"iss":"a","sub":"a","iat":1,"aud":{}}"#, "'aud'"), (#"{"iss":"a","sub":"a","iat":1,"aud":[1]}"#, "'aud'"),
        (#"{"iss":"a","sub":"a","iat":1,"hex_identity":"c2003a"}"#, "'hex_identity'"),
        (#"{"iss":"a","sub":"a","iat":1,"hex_identity":"\#(identity)"}"#, "'hex_identity'"),
        (#"{"iss":"a","sub":"a","iat":1,"exp":1699999939}"#, "expired"),
    ]) func claimsOfAnotherFormAreRefused(payload: String, reason: String) async throws {
        let key = P256.Signing.PrivateKey()
        let authority = authority { $0.keys = TokenKeys(signing: key, publicKeyText: "", retired: []) }
        let refusal = await refusal(authority, try Forging.token(payload: payload, key: key))
        #expect(refusal?.status == 401)
        #expect(refusal?.text.contains(reason) == true, "\(refusal?.text ?? "accepted")")
    }

    @Test(arguments: [
        #"{"iss":"a","sub":"a","iat":1}"#, #"{"iss":"a","sub":"a","iat":1,"exp":null,"hex_identity":null,"aud":null}"#,
        #"{"iss":"a","sub":"a","iat":1,"exp":1699999941,"aud":"x","nbf":9999999999}"#,
        #"{"iss":"a","sub":"a","iat":1,"exp":1e999,"aud":["x","y"]}"#,
        #"{"iss":"\#(String(repeating: "i", count: 128))","sub":"\#(String(repeating: "s", count: 128))","iat":1}"#,
    ]) func claimsWithinTheRulesAreAccepted(payload: String) async throws {
        let key = P256.Signing.PrivateKey()
        let authority = authority { $0.keys = TokenKeys(signing: key, publicKeyText: "", retired: []) }
        let principal = try await outcome(authority, try Forging.token(payload: payload, key: key)).get()
        #expect(principal.claims == payload)
    }

    @Test func aTokenThatWasAcceptedEndsNevertheless() async throws {
        let key = P256.Signing.PrivateKey()
        let authority = authority { $0.keys = TokenKeys(signing: key, publicKeyText: "", retired: []) }
        let token = try Forging.token(payload: #"{"iss":"a","sub":"a","iat":1,"exp":1700000100}"#, key: key)
        #expect(await refusal(authority, token) == nil)
        clock.advance(by: .seconds(159))
        #expect(await refusal(authority, token) == nil, "clocks may differ by a minute")
        clock.advance(by: .seconds(2))
        #expect(await refusal(authority, token)?.text == "Invalid token: it has expired; get a new one")
    }

    @Test func aHeaderThatDemandsExtensionsIsRefused() async throws {
        let key = P256.Signing.PrivateKey()
        let authority = authority { $0.keys = TokenKeys(signing: key, publicKeyText: "", retired: []) }
        let token = try Forging.token(
            header: #"{"alg":"ES256","crit":["b64"],"b64":false}"#, payload: Self.payload, key: key)
        #expect(await refusal(authority, token)?.text.contains("extensions") == true)
    }

    @Test func aHugeTokenIsNotEvenRead() async {
        #expect(await refusal(authority(), String(repeating: "a", count: 20_000))?.text.contains("16384 bytes") == true)
    }

    // MARK: Short-lived tokens

    @Test func aWebSocketTokenSaysTheSameForAMinute() async throws {
        let key = P256.Signing.PrivateKey()
        let authority = authority { $0.keys = TokenKeys(signing: key, publicKeyText: "", retired: []) }
        let payload =
            #"{"iss":"https://a.example","sub":"u","aud":["x"],"iat":5,"exp":1800000000,"role":{"admin":true}}"#
        let long = try await outcome(authority, try Forging.token(payload: payload, key: key)).get()
        let short = try await outcome(authority, authority.webSocketToken(for: long)).get()
        #expect(short.identity == long.identity)
        #expect(
            short.claims
                == #"{"hex_identity":"\#(long.identity.hex)","iss":"https://a.example","sub":"u","aud":["x"],"role":{"admin":true},"iat":1700000000,"exp":1700000060}"#
        )
        clock.advance(by: .seconds(121))
        #expect(await refusal(authority, short.token)?.text.contains("expired") == true)
        #expect(documents.requests.isEmpty, "the server's own key is enough, whoever the issuer is")
    }
}
