import SpacetimeHost
import SpacetimeSATS

/// The keys of other issuers, as their documents say: fetched when a token first needs them, and kept.
///
/// A set is used for as long as it is young, refreshed beside its use when it is older, and forgotten when it is old. A
/// failure is remembered for a while, so that a flood of tokens of an issuer that is away does not become a flood of requests.
actor IssuerKeys {
    private struct Entry {
        let keys: [VerificationKey]
        let fetchedAt: Timestamp
    }

    private struct Failure {
        let error: TokenError
        let at: Timestamp
    }

    private typealias Fetch = Task<Result<[VerificationKey], TokenError>, Never>

    /// From this age on a set is fetched anew, beside its use.
    static let refreshAge = TimeDuration.seconds(300)
    /// At this age a set is used no more.
    static let dropAge = TimeDuration.seconds(7_200)
    /// For so long a failure counts, and a set that lacks the key of a token is not fetched again.
    static let retryAge = TimeDuration.seconds(10)
    /// How many issuers are remembered.
    static let issuerLimit = 64
    /// How many are asked at once.
    static let fetchLimit = 16
    /// How many keys of a set are looked at.
    static let keyLimit = 64
    static let timeout = Duration.seconds(10)

    private let executor: any HTTPExecutor
    private let clock: any HostClock
    private var entries: [String: Entry] = [:]
    private var failures: [String: Failure] = [:]
    private var fetches: [String: Fetch] = [:]

    init(_ executor: any HTTPExecutor, clock: any HostClock) {
        self.executor = executor
        self.clock = clock
    }

    /// Checks the signature of a token with the keys of its issuer.
    func verify(_ token: WebToken) async throws(TokenError) {
        let issuer = token.claims.issuer
        var keys = try await keys(of: issuer)
        if let id = token.keyID, !keys.contains(where: { $0.id == id }) {
            // The issuer may have begun to use a new key.
            guard let entry = entries[issuer], clock.now() - entry.fetchedAt >= Self.retryAge else {
                throw Self.noSuchKey(id, issuer)
            }
            keys = try await fetch(issuer)
        }
        let candidates = keys.filter { token.keyID == nil || $0.id == token.keyID }
        if let id = token.keyID, candidates.isEmpty { throw Self.noSuchKey(id, issuer) }
        guard candidates.contains(where: { $0.accepts(token) }) else {
            throw .signature("no \(token.algorithm.rawValue) key of its issuer '\(issuer)' has signed it")
        }
    }

    private static func noSuchKey(_ id: String, _ issuer: String) -> TokenError {
        .signature("its issuer '\(issuer)' has no key '\(id)' that can be used")
    }

    private func keys(of issuer: String) async throws(TokenError) -> [VerificationKey] {
        let now = clock.now()
        let failure = failures[issuer].flatMap { now - $0.at < Self.retryAge ? $0.error : nil }
        if let entry = entries[issuer], now - entry.fetchedAt < Self.dropAge {
            if now - entry.fetchedAt >= Self.refreshAge, failure == nil {
                // Nobody waits for it; if it fails the old keys stay in use until they are too old.
                _ = try? running(issuer)
            }
            return entry.keys
        }
        entries[issuer] = nil
        if let failure { throw failure }
        return try await fetch(issuer)
    }

    /// Fetches the keys of an issuer; those who ask meanwhile wait for the same answer.
    private func fetch(_ issuer: String) async throws(TokenError) -> [VerificationKey] {
        try await running(issuer).value.get()
    }

    private func running(_ issuer: String) throws(TokenError) -> Fetch {
        if let running = fetches[issuer] { return running }
        guard fetches.count < Self.fetchLimit else {
            throw .issuer("too many issuers are being asked for their keys at this moment; try again")
        }
        let discovery = KeyDiscovery(executor: executor, timeout: Self.timeout, keyLimit: Self.keyLimit)
        let fetch = Fetch {
            let outcome: Result<[VerificationKey], TokenError>
            do throws(TokenError) { outcome = .success(try await discovery.keys(of: issuer)) } catch {
                outcome = .failure(error)
            }
            self.enter(outcome, of: issuer)
            return outcome
        }
        fetches[issuer] = fetch
        return fetch
    }

    private func enter(_ outcome: Result<[VerificationKey], TokenError>, of issuer: String) {
        fetches[issuer] = nil
        let now = clock.now()
        switch outcome {
        case .success(let keys):
            makeRoom()
            entries[issuer] = Entry(keys: keys, fetchedAt: now)
            failures[issuer] = nil
        case .failure(let error):
            if failures.count >= Self.issuerLimit { failures = failures.filter { now - $0.value.at < Self.retryAge } }
            if failures.count < Self.issuerLimit { failures[issuer] = Failure(error: error, at: now) }
        }
    }

    /// Returns when no issuer is being asked.
    func waitForFetches() async {
        while let fetch = fetches.first?.value { _ = await fetch.value }
    }

    private func makeRoom() {
        guard entries.count >= Self.issuerLimit else { return }
        if let oldest = entries.min(by: { $0.value.fetchedAt < $1.value.fetchedAt }) { entries[oldest.key] = nil }
    }
}

/// Finds the keys of an issuer as OpenID Connect says.
struct KeyDiscovery: Sendable {
    let executor: any HTTPExecutor
    let timeout: Duration
    let keyLimit: Int

    /// The largest document that is read, in bytes.
    static let documentByteLimit = 1 << 20

    func keys(of issuer: String) async throws(TokenError) -> [VerificationKey] {
        var base = issuer
        while base.hasSuffix("/") { base.removeLast() }
        let configuration = try await document(base + "/.well-known/openid-configuration", issuer)
        // Otherwise anybody could answer for anybody by a redirect of names.
        guard configuration["issuer"]?.stringValue == issuer else {
            throw .issuer("the configuration at '\(base)' is not of the issuer '\(issuer)'")
        }
        guard let address = configuration["jwks_uri"]?.stringValue else {
            throw .issuer("the configuration of the issuer '\(issuer)' names no 'jwks_uri'")
        }
        guard let keys = try await document(address, issuer)["keys"]?.arrayValue else {
            throw .issuer("the key set of the issuer '\(issuer)' has no 'keys'")
        }
        return keys.prefix(keyLimit).compactMap { VerificationKey(jwk: $0) }
    }

    private func document(_ address: String, _ issuer: String) async throws(TokenError) -> JSON {
        guard DocumentAddress.isValid(address) else {
            throw .issuer("the issuer '\(issuer)' has no address of https where its keys could be found")
        }
        let response: HTTP.Response
        do {
            response = try await executor.send(
                HTTP.Request(.get, address, headers: ["accept": "application/json"]), timeout: timeout)
        } catch {
            throw .issuer("the issuer '\(issuer)' cannot be reached for its keys")
        }
        guard response.status == 200 else {
            throw .issuer("the issuer '\(issuer)' answered with status \(response.status) when asked for its keys")
        }
        guard response.body.count <= Self.documentByteLimit, let json = try? JSON(parsing: response.body) else {
            throw .issuer("the issuer '\(issuer)' did not answer with JSON when asked for its keys")
        }
        return json
    }
}
