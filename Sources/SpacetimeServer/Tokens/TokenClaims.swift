import SpacetimeSATS

/// What a token says of its holder, in the form that the server demands.
struct TokenClaims: Hashable, Sendable {
    /// Who vouches for the subject.
    let issuer: String
    /// Whom the issuer means. With the issuer it makes the identity.
    let subject: String
    /// For whom the token is meant.
    let audience: [String]
    /// Seconds since 1970.
    let issuedAt: Int64
    /// Seconds since 1970; nil if the token has no end.
    let expiresAt: Double?
    /// Computed from issuer and subject.
    let identity: Identity
    /// The payload that these claims stand in.
    let payload: JSON

    /// Issuer and subject have at most so many bytes.
    static let nameByteLimit = 128
    /// Clocks that differ by less are taken to agree.
    static let leewayInSeconds = 60.0

    /// Checks the form of the claims in the payload of a token.
    init(_ payload: JSON) throws(TokenError) {
        issuer = try Self.name("iss", payload)
        subject = try Self.name("sub", payload)
        guard let issuedAt = payload["iat"]?.integerValue(as: Int64.self) else {
            throw .claim("the claim 'iat' has to be the whole seconds since 1970 at which the token was made")
        }
        self.issuedAt = issuedAt
        expiresAt = try Self.expiry(payload)
        audience = try Self.audience(payload)
        identity = Identity(issuer: issuer, subject: subject)
        self.payload = payload
        if let claimed = Self.present("hex_identity", payload) {
            guard let text = claimed.stringValue, Identity(hex: text) == identity else {
                throw .claim("the claim 'hex_identity' is not the identity of its issuer and subject, \(identity)")
            }
        }
    }

    /// Whether the token's time is over.
    func isExpired(at time: Timestamp) -> Bool {
        guard let expiresAt else { return false }
        return Double(time.microsecondsSinceUnixEpoch) / 1_000_000 > expiresAt + Self.leewayInSeconds
    }

    /// The value of a claim that may be left out; `null` is as good as nothing.
    private static func present(_ key: String, _ payload: JSON) -> JSON? {
        guard let value = payload[key], value != .null else { return nil }
        return value
    }

    private static func name(_ key: String, _ payload: JSON) throws(TokenError) -> String {
        guard let text = payload[key]?.stringValue, !text.isEmpty, text.utf8.count <= nameByteLimit else {
            throw .claim("the claim '\(key)' has to be a text of 1 to \(nameByteLimit) bytes")
        }
        return text
    }

    private static func expiry(_ payload: JSON) throws(TokenError) -> Double? {
        guard let value = present("exp", payload) else { return nil }
        guard case .number(let text) = value, let seconds = Double(text) else {
            throw .claim("the claim 'exp' has to be the seconds since 1970 at which the token ends, or null")
        }
        return seconds
    }

    private static func audience(_ payload: JSON) throws(TokenError) -> [String] {
        guard let value = present("aud", payload) else { return [] }
        if let one = value.stringValue { return [one] }
        guard let several = value.arrayValue else {
            throw .claim("the claim 'aud' has to be a text or an array of texts")
        }
        var audience: [String] = []
        for value in several {
            guard let text = value.stringValue else {
                throw .claim("the claim 'aud' has to be a text or an array of texts")
            }
            audience.append(text)
        }
        return audience
    }
}
