import NIOCore
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Counts the calls of reducers that have a rate, for each caller of a database. From any thread.
final class CallRates: Sendable {
    /// Whose calls count together.
    enum Caller: Hashable, Sendable {
        case identity(Identity)
        /// Somebody who has no identity of his own.
        case stranger(ConnectionCounter.Origin?)
    }

    private struct Key: Hashable {
        let caller: Caller
        /// By name: positions are those of one version of the module.
        let reducer: String
    }

    private struct State {
        var limiters: [Key: (limiter: RateLimiter, limit: RateLimit)] = [:]
        /// With more of them those are forgotten that a new one would replace.
        var limit = 1_024
    }

    private let state = Mutex(State())

    /// Counts a call, unless it comes too soon.
    ///
    /// - Returns: nil if it may be made; else how long to wait for it.
    func admit(_ reducer: String, of caller: Caller, _ limit: RateLimit, at now: NIODeadline) -> TimeAmount? {
        state.withLock { state in
            if state.limiters.count >= state.limit {
                state.limiters = state.limiters.filter { !$0.value.limiter.isFull(at: now) }
                state.limit = max(1_024, state.limiters.count * 2)
            }
            let key = Key(caller: caller, reducer: reducer)
            var known = state.limiters[key] ?? (RateLimiter(limit), limit)
            // Somebody whom another limit is about by now begins anew.
            if known.limit != limit { known = (RateLimiter(limit), limit) }
            let wait = known.limiter.admit(at: now)
            state.limiters[key] = known
            return wait
        }
    }

    /// How many are being counted.
    var count: Int { state.withLock { $0.limiters.count } }
}

/// How often one client may call the reducers of a database.
struct ReducerRates: Sendable {
    private let limits: [Int: RateLimit]
    private let names: [String]
    private let caller: CallRates.Caller
    private let counts: CallRates

    /// - Parameters:
    ///   - limits: of the client.
    ///   - declared: what the module says, by the positions of its reducers.
    ///   - reducers: the names of the module's reducers, each canonical and as the module wrote it.
    init(
        _ limits: ClientLimits, declared: [Int: RateLimit], of caller: CallRates.Caller, in counts: CallRates,
        reducers: [(name: String, sourceName: String)]
    ) {
        var rates = limits.keepsReducerRates ? declared : [:]
        for (name, rate) in limits.reducerRates {
            let position =
                reducers.firstIndex { $0.name == name } ?? reducers.firstIndex { $0.sourceName == name }
            if let position { rates[position] = rate }
        }
        self.limits = rates
        names = reducers.map(\.name)
        self.caller = caller
        self.counts = counts
    }

    /// Without rates a call need not even ask.
    var isEmpty: Bool { limits.isEmpty }

    /// - Returns: nil if the reducer may be called now; else how long to wait for it.
    func admit(_ reducer: Int, at now: NIODeadline) -> TimeAmount? {
        guard let limit = limits[reducer] else { return nil }
        return counts.admit(names[reducer], of: caller, limit, at: now)
    }

    /// What a client is told whose call came too soon.
    static func refusal(of reducer: String, wait: TimeAmount) -> String {
        let milliseconds = max(1, (wait.nanoseconds + 999_999) / 1_000_000)
        return "'\(reducer)' was called too often; wait \(milliseconds) ms and call it again"
    }
}

extension DatabaseCore {
    /// How often a client may call the reducers of the module.
    func rates(
        _ limits: ClientLimits, of caller: CallRates.Caller, in counts: CallRates
    ) -> ReducerRates {
        ReducerRates(
            limits, declared: reducerRates, of: caller, in: counts,
            reducers: catalog.schema.reducers.map { ($0.name, $0.sourceName) })
    }
}

extension HostedDatabase {
    /// How often a client may call the reducers of the module as it is now.
    func reducerRates(_ limits: ClientLimits, of caller: CallRates.Caller) -> ReducerRates {
        core.rates(limits, of: caller, in: callRates)
    }
}
