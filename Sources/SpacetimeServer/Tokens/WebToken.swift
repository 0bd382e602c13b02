import SpacetimeSATS

/// A JSON web token taken apart. Nothing in it is to be believed before its signature is checked.
struct WebToken: Sendable {
    /// How the token is signed.
    enum Algorithm: String, Sendable {
        /// ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each.
        case es256 = "ES256"
        /// RSA with SHA-256, padded as PKCS #1 v1.5 says.
        case rs256 = "RS256"
        /// A secret that both sides know.
        case hs256 = "HS256"
    }

    let algorithm: Algorithm
    /// The key that the token says it was signed with.
    let keyID: String?
    let claims: TokenClaims
    /// The payload as it was signed.
    let payload: String
    /// What the signature is of.
    let signedBytes: [UInt8]
    let signature: [UInt8]

    /// The longest token that is read, in bytes.
    static let byteLimit = 16_384

    /// Takes a token apart and checks the form of its claims, but neither its signature nor its time.
    init(_ text: String) throws(TokenError) {
        guard text.utf8.count <= Self.byteLimit else {
            throw .malformed("it has more than \(Self.byteLimit) bytes")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("three parts with dots between them were expected") }
        let header = try Self.json(parts[0], "header").json
        let (payload, bytes) = try Self.json(parts[1], "payload")
        guard let signature = Base64URL.bytes(parts[2]) else { throw .malformed("its signature is not base64url") }

        guard let name = header["alg"]?.stringValue else { throw .malformed("its header names no algorithm") }
        guard let algorithm = Algorithm(rawValue: name) else { throw .algorithm(name) }
        // A header may demand that the reader understands an extension; none is understood here.
        guard header["crit"] == nil else { throw .malformed("its header demands extensions that are not known") }
        self.algorithm = algorithm
        keyID = header["kid"]?.stringValue
        claims = try TokenClaims(payload)
        self.payload = String(decoding: bytes, as: UTF8.self)
        signedBytes = Array(parts[0]) + [UInt8(ascii: ".")] + parts[1]
        self.signature = signature
    }

    private static func json(
        _ part: Substring.UTF8View, _ what: String
    ) throws(TokenError) -> (json: JSON, bytes: [UInt8]) {
        guard let bytes = Base64URL.bytes(part) else { throw .malformed("its \(what) is not base64url") }
        guard let json = try? JSON(parsing: bytes), case .object = json else {
            throw .malformed("its \(what) is no JSON object")
        }
        return (json, bytes)
    }
}
