import Hummingbird
import HummingbirdTesting
import NIOPosix
import SpacetimeHost
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Tokens of other issuers, made by JWTKit.
@Suite struct ForeignTokenTests {
    static let issuer = "https://auth.example.com"

    let clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_000_000))
    let documents = StubDocuments()

    func authority(_ change: (inout TokenOptions) -> Void = { _ in }) -> TokenAuthority {
        var options = TokenOptions()
        change(&options)
        return TokenAuthority(options, documents: documents, clock: clock)
    }

    func refusal(_ authority: TokenAuthority, _ token: String) async -> Refusal? {
        do throws(Refusal) {
            _ = try await authority.authenticate(authorization: "Bearer \(token)", queryToken: nil)
            return nil
        } catch { return error }
    }

    func claims(_ subject: String = "user-1", _ change: (inout TestClaims) -> Void = { _ in }) -> TestClaims {
        var claims = TestClaims(iss: Self.issuer, sub: subject)
        change(&claims)
        return claims
    }

    @Test func eachAlgorithmIsAcceptedWithAKeyOfItsKind() async throws {
        let keys = [try await IssuerKey.es256("e"), try await IssuerKey.rs256("r"), await IssuerKey.hs256("h")]
        documents.publish(issuer: Self.issuer, keys: keys.map(\.jwk) + [#"{"kty":"OKP","kid":"o"}"#])
        let authority = authority()
        for key in keys {
            let token = try await key.token(claims())
            let principal = try await authority.authenticate(authorization: "Bearer \(token)", queryToken: nil)
            #expect(
                principal.identity.hex == "c2008acc5c3458231fe297e178b75c5ac86196c9097e82d680e7a7cfc2f75173")
            #expect(principal.issuer == Self.issuer)
        }
        #expect(documents.requests == [Self.issuer + "/.well-known/openid-configuration", Self.issuer + "/keys"])
    }

    @Test(arguments: ["http://127.0.0.1:99999", "https://[::1]:65536", "http://user:password@127.0.0.1"])
    func anIssuerWithoutAnAddressIsNotAsked(issuer: String) async throws {
        // With the client that a server has.
        let authority = TokenAuthority(TokenOptions(), documents: DocumentClient(group: .singleton), clock: clock)
        let token = try await IssuerKey.es256("e").token(claims { $0.iss = issuer })
        let refusal = try #require(await refusal(authority, token))
        #expect(refusal.status == 401)
        #expect(refusal.text.contains("the issuer '\(issuer)' has no address of https"))
    }

    @Test func aKeyOfAnotherKindIsNotUsed() async throws {
        let (signing, published) = (await IssuerKey.hs256("k"), try await IssuerKey.rs256("k"))
        documents.publish(issuer: Self.issuer, keys: [published.jwk])
        let refusal = await refusal(authority(), try await signing.token(claims()))
        #expect(refusal?.text == "Invalid token: no HS256 key of its issuer 'https://auth.example.com' has signed it")
    }

    @Test func aForgedTokenIsRefused() async throws {
        let (real, forger) = (try await IssuerKey.es256("k"), try await IssuerKey.es256("k"))
        documents.publish(issuer: Self.issuer, keys: [real.jwk])
        let authority = authority()
        #expect(await refusal(authority, try await forger.token(claims()))?.status == 401)
        #expect(await refusal(authority, try await real.token(claims())) == nil)
    }

    @Test func aKeyThatTheSetLacksIsRefused() async throws {
        documents.publish(issuer: Self.issuer, keys: [try await IssuerKey.es256("old").jwk])
        let refusal = await refusal(authority(), try await IssuerKey.es256("new").token(claims()))
        #expect(refusal?.text.contains("has no key 'new'") == true)
    }

    @Test func withoutNameAllKeysAreTried() async throws {
        let (one, two) = (try await IssuerKey.es256("1"), try await IssuerKey.es256("2"))
        documents.publish(issuer: Self.issuer, keys: [one.jwk, two.jwk])
        #expect(await refusal(authority(), try await two.namelessToken(claims())) == nil)
    }

    @Test func anIssuerSpeaksForItselfOnly() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk], as: Self.issuer + "/")
        let text = await refusal(authority(), try await key.token(claims()))?.text
        #expect(text?.contains("is not of the issuer") == true)
    }

    @Test func slashesAtTheEndBelongToTheNameOnly() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk], as: Self.issuer + "//")
        let token = try await key.token(claims { $0.iss = Self.issuer + "//" })
        #expect(await refusal(authority(), token) == nil)
    }

    @Test func anIssuerThatIsAwayIsNotAskedForEachToken() async throws {
        let key = try await IssuerKey.es256("k")
        let authority = authority()
        let token = try await key.token(claims())
        for _ in 0..<5 {
            #expect(await refusal(authority, token)?.text.contains("cannot be reached") == true)
        }
        #expect(documents.requests.count == 1)
        documents.publish(issuer: Self.issuer, keys: [key.jwk])
        clock.advance(by: .seconds(10))
        #expect(await refusal(authority, token) == nil)
    }

    @Test(arguments: ["issuer", "ftp://a.example", "file:///etc/passwd"])
    func namesThatAreNoAddressesAreNotAsked(issuer: String) async throws {
        let token = try await IssuerKey.es256("k").token(claims { $0.iss = issuer })
        #expect(await refusal(authority(), token)?.text.contains("no address") == true)
        #expect(documents.requests.isEmpty)
    }

    @Test func documentsOfAnotherFormAreRefused() async throws {
        let key = try await IssuerKey.es256("k")
        let address = Self.issuer + "/.well-known/openid-configuration"
        for (text, reason) in [
            ("no JSON", "did not answer with JSON"), ("{}", "is not of the issuer"),
            (#"{"issuer":"\#(Self.issuer)"}"#, "no 'jwks_uri'"),
            (#"{"issuer":"\#(Self.issuer)","jwks_uri":"file:///keys"}"#, "no address"),
        ] {
            documents.publish(address, text)
            #expect(await refusal(authority(), try await key.token(claims()))?.text.contains(reason) == true)
        }
    }

    // MARK: Ageing

    @Test func keysAreRefreshedBesideTheirUse() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.es256("new"))
        documents.publish(issuer: Self.issuer, keys: [old.jwk])
        let authority = authority()
        #expect(await refusal(authority, try await old.token(claims("a"))) == nil)
        documents.publish(issuer: Self.issuer, keys: [new.jwk])

        clock.advance(by: .seconds(299))
        #expect(await refusal(authority, try await old.token(claims("b"))) == nil)
        #expect(documents.requests.count == 2)

        clock.advance(by: .seconds(1))
        #expect(await refusal(authority, try await old.token(claims("c"))) == nil, "nobody waits for the new keys")
        await authority.issuers.waitForFetches()
        #expect(documents.requests.count == 4)
        #expect(await refusal(authority, try await old.token(claims("d"))) != nil)
        #expect(await refusal(authority, try await new.token(claims("e"))) == nil)
    }

    @Test func keysOutliveTheirIssuerForTwoHours() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk])
        let authority = authority()
        #expect(await refusal(authority, try await key.token(claims("a"))) == nil)
        documents.withdraw(issuer: Self.issuer)
        clock.advance(by: .seconds(7_199))
        #expect(await refusal(authority, try await key.token(claims("b"))) == nil)
        await authority.issuers.waitForFetches()
        clock.advance(by: .seconds(1))
        #expect(await refusal(authority, try await key.token(claims("c"))) != nil)
    }

    @Test func anAcceptedTokenFallsWithItsKey() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk])
        let authority = authority()
        let token = try await key.token(claims())
        #expect(await refusal(authority, token) == nil)
        documents.publish(issuer: Self.issuer, keys: [])
        clock.advance(by: .seconds(300))
        #expect(await refusal(authority, token) == nil)
        await authority.issuers.waitForFetches()
        clock.advance(by: .seconds(300))
        #expect(await refusal(authority, token) != nil)
    }

    @Test func aNewKeyOfAnIssuerIsFoundAtOnce() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.es256("new"))
        documents.publish(issuer: Self.issuer, keys: [old.jwk])
        let authority = authority()
        #expect(await refusal(authority, try await old.token(claims())) == nil)
        documents.publish(issuer: Self.issuer, keys: [old.jwk, new.jwk])
        clock.advance(by: .seconds(10))
        #expect(await refusal(authority, try await new.token(claims())) == nil)
    }

    // MARK: Options

    @Test func aTokenForSomebodyElseIsRefusedIfAnAudienceIsDemanded() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk])
        let (demanding, open) = (authority { $0.audience = "arena" }, authority())
        for audience in [nil, [], ["shop"]] as [[String]?] {
            let token = try await key.token(claims { $0.aud = audience })
            #expect(await refusal(open, token) == nil)
            #expect(await refusal(demanding, token)?.text.contains("'aud' has to name 'arena'") == true)
        }
        #expect(await refusal(demanding, try await key.token(claims { $0.aud = ["shop", "arena"] })) == nil)
        #expect(await refusal(demanding, demanding.issue().token) == nil, "the server's own tokens are for it")
    }

    @Test func onlyTrustedIssuersAreAsked() async throws {
        let key = try await IssuerKey.es256("k")
        documents.publish(issuer: Self.issuer, keys: [key.jwk])
        let token = try await key.token(claims())
        #expect(await refusal(authority { $0.issuers = .none }, token)?.text.contains("does not accept") == true)
        #expect(await refusal(authority { $0.issuers = .only("https://b.example") }, token) != nil)
        #expect(documents.requests.isEmpty)
        #expect(await refusal(authority { $0.issuers = .only(Self.issuer) }, token) == nil)
    }

    // MARK: Over a socket

    @Test func anIssuerIsAskedOverHTTP() async throws {
        let key = try await IssuerKey.es256("k")
        let router = Router()
        router.get(".well-known/openid-configuration") { request, _ in
            let base = "http://\(request.head.authority ?? "")"
            return #"{"issuer":"\#(base)","jwks_uri":"\#(base)/keys"}"#
        }
        router.get("keys") { _, _ in #"{"keys":[\#(key.jwk)]}"# }
        router.get("away/.well-known/openid-configuration") { _, _ in
            Response(status: .found, headers: [.location: "/.well-known/openid-configuration"])
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let authority = TokenAuthority(TokenOptions(), documents: DocumentClient(group: group), clock: clock)
        try await Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0))
        ).test(.live) { client in
            let base = "http://127.0.0.1:\(try #require(client.port))"
            #expect(await refusal(authority, try await key.token(claims { $0.iss = base })) == nil)
            let text = await refusal(authority, try await key.token(claims { $0.iss = base + "/away" }))?.text
            #expect(text?.contains("answered with status 302") == true, "redirects are not followed")
        }
    }
}
