import Crypto
import Foundation
import JWTKit
import SpacetimeHost
import SpacetimeSATS
import Synchronization

@testable import SpacetimeServer

/// Stands in for the sites of issuers: answers with the documents that it was given.
final class StubDocuments: HTTPExecutor {
    private struct State {
        var documents: [String: String] = [:]
        var requests: [String] = []
    }

    private let state = Mutex(State())

    /// All addresses that were asked for.
    var requests: [String] { state.withLock(\.requests) }

    func publish(_ url: String, _ document: String?) { state.withLock { $0.documents[url] = document } }

    /// Publishes what an issuer has to.
    func publish(issuer: String, keys: [String], as name: String? = nil) {
        publish(
            issuer + "/.well-known/openid-configuration",
            #"{"issuer":"\#(name ?? issuer)","jwks_uri":"\#(issuer)/keys","scopes_supported":["openid"]}"#)
        publish(issuer + "/keys", #"{"keys":[\#(keys.joined(separator: ","))]}"#)
    }

    func withdraw(issuer: String) {
        publish(issuer + "/.well-known/openid-configuration", nil)
        publish(issuer + "/keys", nil)
    }

    func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
        try state.withLock { state in
            state.requests.append(request.url)
            guard let document = state.documents[request.url] else { throw Away() }
            return HTTP.Response(body: Array(document.utf8))
        }
    }

    struct Away: Error {}
}

/// The claims that the tests give out, for JWTKit.
struct TestClaims: JWTPayload {
    var iss: String
    var sub: String
    var iat: Int = 1_700_000_000
    var exp: Int?
    var aud: [String]?

    func verify(using algorithm: some JWTAlgorithm) throws {}
}

/// A key of an issuer, whose tokens JWTKit makes.
struct IssuerKey {
    let keys = JWTKeyCollection()
    let id: String
    let jwk: String

    static func es256(_ id: String) async throws -> IssuerKey {
        let key = P256.Signing.PrivateKey()
        let point = [UInt8](key.publicKey.rawRepresentation)
        let jwk = """
            {"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"\(id)",\
            "x":"\(Base64URL.text(Array(point[..<32])))","y":"\(Base64URL.text(Array(point[32...])))"}
            """
        let made = IssuerKey(id: id, jwk: jwk)
        try await made.keys.add(ecdsa: ES256PrivateKey(backing: key), kid: JWKIdentifier(string: id))
        return made
    }

    static func rs256(_ id: String) async throws -> IssuerKey {
        let key = try Insecure.RSA.PrivateKey(pem: RSATestKey.pem)
        let primitives = try key.publicKey.getKeyPrimitives()
        let jwk = """
            {"kty":"RSA","kid":"\(id)","n":"\(Base64URL.text([UInt8](primitives.modulus)))",\
            "e":"\(Base64URL.text([UInt8](primitives.publicExponent)))"}
            """
        let made = IssuerKey(id: id, jwk: jwk)
        await made.keys.add(rsa: key, digestAlgorithm: .sha256, kid: JWKIdentifier(string: id))
        return made
    }

    static func hs256(_ id: String) async -> IssuerKey {
        let secret = [UInt8]("a secret of at least thirty-two bytes".utf8)
        let made = IssuerKey(id: id, jwk: #"{"kty":"oct","kid":"\#(id)","k":"\#(Base64URL.text(secret))"}"#)
        await made.keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256, kid: JWKIdentifier(string: id))
        return made
    }

    func token(_ claims: TestClaims) async throws -> String {
        try await keys.sign(claims, kid: JWKIdentifier(string: id))
    }

    /// A token that does not name its key.
    func namelessToken(_ claims: TestClaims) async throws -> String {
        try await keys.sign(claims, header: ["alg": "ES256"])
    }
}

/// Tokens that no honest library makes.
enum Forging {
    /// Header and payload as they are, with the signature of a key over them.
    static func token(
        header: String = #"{"typ":"JWT","alg":"ES256"}"#, payload: String, key: P256.Signing.PrivateKey? = nil
    ) throws -> String {
        let text = Base64URL.text(Array(header.utf8)) + "." + Base64URL.text(Array(payload.utf8))
        let signature = try key.map { [UInt8](try $0.signature(for: Array(text.utf8)).rawRepresentation) } ?? []
        return text + "." + Base64URL.text(signature)
    }
}

/// A directory that is gone when the test is over.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "/spacetime-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}
