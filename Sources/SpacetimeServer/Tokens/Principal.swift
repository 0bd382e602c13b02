import SpacetimeSATS

/// Who asks, as a verified token says.
struct Principal: Hashable, Sendable {
    /// Computed from the token's issuer and subject.
    let identity: Identity
    /// The token as it was presented, or the one that was made for somebody who had none.
    let token: String
    /// The payload of the token: JSON, which modules may read while the client is connected.
    let claims: String
    /// Who vouches for the subject: the claim `iss`.
    let issuer: String
    /// Whether no token was presented, so that identity and token were made for this request.
    let isAnonymous: Bool
}
