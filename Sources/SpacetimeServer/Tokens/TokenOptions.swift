public import SpacetimeHost

/// Whose tokens a server accepts.
public struct TokenOptions: Sendable {
    /// The server's own keys. By default they are made at each start and kept nowhere, so that tokens end with the server.
    public var keys = TokenKeys()
    /// Which other issuers vouch for users.
    public var issuers: TrustedIssuers = .any
    /// What the claim `aud` of other issuers' tokens has to name; nil if it is not looked at. Set it to what your issuer
    /// writes there for this service: a token that the same issuer made for somebody else is refused then.
    public var audience: String?
    /// The issuer whose tokens alone may create databases; nil if everybody may.
    public var publishingIssuer: String?
    /// What fetches the documents of other issuers; nil for the server's own client.
    public var documents: (any HTTPExecutor)?

    public init() {}
}

/// The issuers, beside the server itself, whose tokens are accepted.
///
/// The keys of an issuer are found by OpenID Connect discovery: from `<issuer>/.well-known/openid-configuration`.
public struct TrustedIssuers: Hashable, Sendable {
    /// Nil for any.
    let names: Set<String>?

    private init(names: Set<String>?) { self.names = names }

    /// Whoever publishes keys. Each issuer speaks for its own subjects only, so nobody becomes somebody else; but strangers
    /// can have the server ask for documents at addresses of their choice.
    public static let any = TrustedIssuers(names: nil)
    /// Only the server itself.
    public static let none = TrustedIssuers(names: [])
    /// These, spelled as in the claim `iss`.
    public static func only(_ issuers: String...) -> TrustedIssuers { TrustedIssuers(names: Set(issuers)) }

    func contains(_ issuer: String) -> Bool { names?.contains(issuer) ?? true }
}
