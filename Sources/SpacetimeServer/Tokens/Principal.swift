import SpacetimeSATS

/// Who asks, as a verified token says.
struct Principal: Sendable {
    /// Computed from the token's issuer and subject.
    let identity: Identity
    /// The token as it was presented, or the one that was made for somebody who had none.
    let token: String
    /// The payload of the token: JSON, which modules may read while the client is connected.
    let claims: String
}

/// A refusal of a request before anything was done, as HTTP says it.
struct Refusal: Error, Equatable {
    /// The code of the status, like 404.
    let status: Int
    /// What is wrong and what would be right; the body of the answer.
    let text: String

    init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }
}
