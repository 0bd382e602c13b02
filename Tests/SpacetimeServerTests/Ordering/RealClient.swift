import SpacetimeClientKit
import SpacetimeServerTestSupport
import Synchronization

/// The real client in the place of the model's: it does random things, loses its connection now and then, and after each commit that
/// it is told its cache is compared with what the database had behind that commit.
final class RealClient<Base: ClientTransport>: Sendable {
    private struct Watched {
        let subscription: ClientSubscription
        let queries: [ModelQuery]
    }

    private struct State {
        var watched: [Watched] = []
        /// Those that were left, and whose rows may still be there.
        var left: [Watched] = []
        var lastTurn: UInt64 = 0
        var exactChecks = 0
        var checks = 0
        var problems: [String] = []
    }

    let client: DatabaseClient
    private let transport: CuttableTransport<Base>
    private let database: Identity
    private let state = Mutex(State())

    /// - Parameter database: by which the history is kept.
    init(_ base: Base, _ database: Identity, address: String, resumes: Bool) async throws {
        transport = CuttableTransport(base)
        self.database = database
        var options = ClientOptions()
        options.resumes = resumes
        // Where all tests begin at once, a greeting may take longer than a client waits for one.
        options.connectTimeout = .seconds(600)
        options.reconnection = ClientOptions.Reconnection(
            firstDelay: .milliseconds(1), longestDelay: .milliseconds(5))
        client = try await DatabaseClient.connect(
            to: address, database: "ledger", over: transport, options: options)
        client.onChange(Turn.self) { [weak self] _ in self?.check() }
        try await client.subscribe(Turn.all)
    }

    var problems: [String] { state.withLock { $0.problems } }
    /// How often the cache was compared, and how often there was exactly one thing that it could be.
    var checks: (all: Int, exact: Int) { state.withLock { ($0.checks, $0.exactChecks) } }

    /// With how many sets it has gone on where it was.
    var resumed: Int { transport.resumed }

    // MARK: Acting

    func act(_ count: Int, seed: UInt64) async throws {
        var dice = Dice(seed: seed)
        for _ in 0..<count {
            switch dice.below(12) {
            case 0: transport.cut()
            case 1...2:
                let queries = (0..<1 + dice.below(3)).map { _ in ModelQuery(&dice) }
                let subscription = try client.beginSubscribing(queries.map(\.text))
                state.withLock { $0.watched.append(Watched(subscription: subscription, queries: queries)) }
                if dice.below(2) == 0 { try await subscription.applied() }
            case 3:
                let leaving = state.withLock { state -> Watched? in
                    guard !state.watched.isEmpty else { return nil }
                    let leaving = state.watched.remove(at: Int(dice.below(UInt32(state.watched.count))))
                    state.left.append(leaving)
                    return leaving
                }
                leaving?.subscription.cancel()
            case 4: try await settle(&dice)
            default:
                let seed = UInt32(truncatingIfNeeded: dice.next())
                try client.post(Ledger.change, seed, dice.below(5) == 0)
            }
        }
        try await settle(&dice)
    }

    /// Makes a call until it is known to have been carried out: what was left is gone by then.
    private func settle(_ dice: inout Dice) async throws {
        let left = state.withLock { Set($0.left.map { ObjectIdentifier($0.subscription) }) }
        while true {
            do {
                try await client.call(Ledger.change, UInt32(truncatingIfNeeded: dice.next()), false)
                break
            } catch let error as ClientError where error.code == .connectionLost {}
        }
        state.withLock { $0.left.removeAll { left.contains(ObjectIdentifier($0.subscription)) } }
    }

    // MARK: Checking

    /// The cache stands still while a callback runs.
    private func check() {
        do {
            let number = try client.table(Turn.self).first { $0.id == 0 }?.number ?? 0
            guard let moment = History.moment(after: number, in: database) else {
                return state.withLock { $0.problems.append("there was no commit \(number)") }
            }
            let parcels = Set(try client.table(Parcel.self).rows())
            state.withLock { state in
                func rows(_ sets: [Watched]) -> Set<Parcel> {
                    let queries = Set(sets.flatMap(\.queries))
                    return Set(moment.parcels.filter { parcel in queries.contains { $0.matches(parcel, moment) } })
                }
                let active = state.watched.filter { $0.subscription.state == .active }
                let possible = rows(state.watched + state.left)
                if active.count == state.watched.count, state.left.isEmpty { state.exactChecks += 1 }
                state.checks += 1
                if number < state.lastTurn { state.problems.append("commit \(number) came behind \(state.lastTurn)") }
                state.lastTurn = number
                if !rows(active).isSubset(of: parcels) || !parcels.isSubset(of: possible) {
                    state.problems.append(
                        "at commit \(number) the cache has \(parcels.count) rows, and should have "
                            + "\(rows(active).count) to \(possible.count)")
                }
            }
        } catch { state.withLock { $0.problems.append("\(error)") } }
    }
}
