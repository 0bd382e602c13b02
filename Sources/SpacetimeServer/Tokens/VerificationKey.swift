import Crypto
import CryptoExtras
import SpacetimeSATS

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A key that checks signatures, each for one algorithm only: a token that chooses its algorithm does not choose how a
/// key is used.
struct VerificationKey: Sendable {
    private enum Content: Sendable {
        case es256(P256.Signing.PublicKey)
        case rs256(_RSA.Signing.PublicKey)
        case hs256(SymmetricKey)
    }

    private let content: Content
    /// The name of the key in its set.
    let id: String?

    init(_ key: P256.Signing.PublicKey) {
        content = .es256(key)
        id = nil
    }

    /// The key of an entry of a key set (RFC 7517); nil if it is of a kind that checks none of the algorithms, or not meant
    /// for signatures.
    init?(jwk: JSON) {
        if let use = jwk["use"]?.stringValue, use != "sig" { return nil }
        func bytes(_ key: String) -> [UInt8]? { jwk[key]?.stringValue.flatMap { Base64URL.bytes($0.utf8) } }
        switch jwk["kty"]?.stringValue {
        case "EC":
            guard jwk["crv"]?.stringValue == "P-256", let x = bytes("x"), let y = bytes("y"), x.count == 32,
                y.count == 32, let key = try? P256.Signing.PublicKey(x963Representation: [4] + x + y)
            else { return nil }
            content = .es256(key)
        case "RSA":
            // Keys of less than 2048 bits are refused by the initializer.
            guard let n = bytes("n"), let e = bytes("e"), n.count <= 1_024, e.count <= 8,
                let key = try? _RSA.Signing.PublicKey(n: n, e: e)
            else { return nil }
            content = .rs256(key)
        case "oct":
            guard let secret = bytes("k"), !secret.isEmpty else { return nil }
            content = .hs256(SymmetricKey(data: secret))
        default: return nil
        }
        id = jwk["kid"]?.stringValue
        if let name = jwk["alg"]?.stringValue, name != algorithm.rawValue { return nil }
    }

    /// What the key can check.
    var algorithm: WebToken.Algorithm {
        switch content {
        case .es256: .es256
        case .rs256: .rs256
        case .hs256: .hs256
        }
    }

    /// Whether the signature of a token is of this key.
    func accepts(_ token: WebToken) -> Bool {
        switch (content, token.algorithm) {
        case (.es256(let key), .es256):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: token.signature) else {
                return false
            }
            return key.isValidSignature(signature, for: token.signedBytes)
        case (.rs256(let key), .rs256):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: token.signature), for: token.signedBytes,
                padding: .insecurePKCS1v1_5)
        case (.hs256(let key), .hs256):
            return HMAC<SHA256>.isValidAuthenticationCode(
                token.signature, authenticating: token.signedBytes, using: key)
        default:
            return false
        }
    }
}
