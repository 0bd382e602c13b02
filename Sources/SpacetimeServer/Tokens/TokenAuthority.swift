import SpacetimeHost
import SpacetimeSATS

/// Issues tokens, and finds out who shows one.
final class TokenAuthority: Sendable {
    let options: TokenOptions
    private let clock: any HostClock
    let issuers: IssuerKeys
    private let verified = VerifiedTokens()

    /// The issuer of the server's own tokens.
    static let ownIssuer = "localhost"
    private static let ownAudience = "spacetimedb"
    /// How long a token for opening a WebSocket is good.
    static let webSocketTokenSeconds: Int64 = 60
    /// A token of another issuer is checked again after this time, since the issuer may have dropped a key.
    private static let foreignRecheck = TimeDuration.seconds(300)
    /// Tokens of the server itself are good for as long as it runs.
    private static let ownRecheck = TimeDuration.days(1)

    /// - Parameter documents: fetches what other issuers publish.
    init(_ options: TokenOptions, documents: any HTTPExecutor, clock: any HostClock = SystemClock()) {
        self.options = options
        self.clock = clock
        issuers = IssuerKeys(documents, clock: clock)
    }

    /// The public key of the server, as PEM.
    var publicKeyText: String { options.keys.publicKeyText }

    // MARK: Finding out

    /// Who makes a request.
    ///
    /// - Parameters:
    ///   - authorization: the header of this name, which counts first.
    ///   - queryToken: the parameter `token` of the address, percent-decoded.
    /// - Returns: somebody new if there is neither.
    /// - Throws: 400 if the header is none of a bearer, 401 if the token does not hold.
    func authenticate(authorization: String?, queryToken: String?) async throws(Refusal) -> Principal {
        if let authorization {
            guard let token = Self.bearer(authorization) else {
                throw Refusal(400, "Authorization is invalid: malformed token")
            }
            return try await principal(of: token)
        }
        if let queryToken { return try await principal(of: queryToken) }
        return issue()
    }

    /// The token of a header like `Bearer <token>`; nil if the header has another form.
    private static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = parts[1].drop { $0 == " " }
        let isClean = token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        return token.isEmpty || !isClean ? nil : String(token)
    }

    /// Whom a token stands for.
    private func principal(of text: String) async throws(Refusal) -> Principal {
        let now = clock.now()
        if let known = verified.principal(for: text, at: now) { return known }
        do throws(TokenError) {
            let token = try WebToken(text)
            if token.claims.isExpired(at: now) { throw .expired }
            let isOwn = try await verify(token)
            let principal = Principal(
                identity: token.claims.identity, token: text, claims: token.payload, issuer: token.claims.issuer,
                isAnonymous: false)
            verified.enter(principal, until: until(token.claims, now, isOwn))
            return principal
        } catch {
            throw error.refusal
        }
    }

    /// When a token has to be checked again.
    private func until(_ claims: TokenClaims, _ now: Timestamp, _ isOwn: Bool) -> Timestamp {
        let recheck = now + (isOwn ? Self.ownRecheck : Self.foreignRecheck)
        guard let end = claims.expiresAt else { return recheck }
        let seconds = end + TokenClaims.leewayInSeconds
        // Times too far for a number of microseconds are later than the next check anyway.
        guard seconds < Double(recheck.microsecondsSinceUnixEpoch) / 1_000_000 else { return recheck }
        return Timestamp(microsecondsSinceUnixEpoch: Int64(seconds * 1_000_000))
    }

    /// Checks the signature of a token.
    ///
    /// - Returns: whether the server itself has signed it.
    private func verify(_ token: WebToken) async throws(TokenError) -> Bool {
        // Without a look at the issuer: short-lived tokens keep that of the token that they were made for.
        if options.keys.accepted.contains(where: { $0.accepts(token) }) { return true }
        let issuer = token.claims.issuer
        if issuer == Self.ownIssuer {
            guard token.algorithm == .es256 else { throw .algorithm(token.algorithm.rawValue) }
            throw .signature("no key of this server has signed it")
        }
        guard options.issuers.contains(issuer) else {
            throw .issuer("this server does not accept tokens of the issuer '\(issuer)'")
        }
        if let audience = options.audience, !token.claims.audience.contains(audience) {
            throw .claim("it is not meant for this server: its claim 'aud' has to name '\(audience)'")
        }
        try await issuers.verify(token)
        return false
    }

    // MARK: Issuing

    /// Makes a new identity, and a token without end for it.
    func issue() -> Principal {
        var random = SystemRandomNumberGenerator()
        let number = UInt128(random.next() as UInt64) << 64 | UInt128(random.next() as UInt64)
        return issue(to: Uuid.v4(random: number).description)
    }

    /// A token without end for a subject of the server's own.
    func issue(to subject: String) -> Principal {
        let identity = Identity(issuer: Self.ownIssuer, subject: subject)
        let payload = JSON.object([
            .init("hex_identity", .string(identity.hex)), .init("sub", .string(subject)),
            .init("iss", .string(Self.ownIssuer)), .init("aud", .array([.string(Self.ownAudience)])),
            .init("iat", .integer(seconds)), .init("exp", .null),
        ]).description
        return Principal(
            identity: identity, token: options.keys.token(payload), claims: payload, issuer: Self.ownIssuer,
            isAnonymous: true)
    }

    /// A token that says the same as that of a client, and is good for a minute: for addresses, which are written into logs.
    ///
    /// The server itself signs it, whoever issued the client's.
    func webSocketToken(for principal: Principal) -> String {
        guard case .object(var members)? = try? JSON(parsing: principal.claims) else {
            preconditionFailure("the claims of a verified token are no JSON object")
        }
        members.removeAll { ["iat", "exp", "hex_identity"].contains($0.key) }
        members.insert(.init("hex_identity", .string(principal.identity.hex)), at: 0)
        let now = seconds
        members.append(.init("iat", .integer(now)))
        members.append(.init("exp", .integer(now + Self.webSocketTokenSeconds)))
        return options.keys.token(JSON.object(members).description)
    }

    /// Since 1970.
    private var seconds: Int64 { clock.now().microsecondsSinceUnixEpoch / 1_000_000 }
}
