public import SpacetimeKit
import SpacetimeSATS
import Synchronization

/// The rows of a watched query, kept up to date by the commits.
///
/// Ends when it is dropped or ``cancel()`` is called; the rows then stay as they are.
public final class LiveRows<Row: TableRow>: Sendable {
    private struct State {
        var rows: [UInt64: Row] = [:]
        /// The place of a row by its bytes. Rows of a table are distinct, so bytes name a row; events that are not are
        /// never deleted.
        var places: [[UInt8]: UInt64] = [:]
        var nextPlace: UInt64 = 0
        var changes: [Change<Row>] = []
        var observation: QueryObserver?

        mutating func takePlace() -> UInt64 {
            nextPlace += 1
            return nextPlace
        }
    }

    private let state = Mutex(State())

    init() {}

    deinit { state.withLock { $0.observation }?.cancel() }

    func keep(_ observation: QueryObserver) { state.withLock { $0.observation = observation } }

    func apply(_ change: Change<Row>) {
        state.withLock { state in
            if !change.isInitial { state.changes.append(change) }
            for row in change.deleted {
                if let place = state.places.removeValue(forKey: row.bsatn()) { state.rows[place] = nil }
            }
            for update in change.updated {
                // An updated row keeps its place among the others.
                let place = state.places.removeValue(forKey: update.old.bsatn()) ?? state.takePlace()
                state.places[update.new.bsatn()] = place
                state.rows[place] = update.new
            }
            for row in change.inserted {
                let place = state.takePlace()
                state.places[row.bsatn()] = place
                state.rows[place] = row
            }
        }
    }

    /// The rows now: those that were there at first in the order of the table, then in the order in which they came. Copies
    /// and sorts them each time.
    public var rows: [Row] {
        state.withLock { state in state.rows.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// How many rows there are now.
    public var count: Int { state.withLock { $0.rows.count } }

    /// What the commits since the subscription began have changed: one element per commit that touched the query.
    public var changes: [Change<Row>] { state.withLock { $0.changes } }

    /// Takes the changes that were not taken yet.
    public func takeChanges() -> [Change<Row>] {
        state.withLock { state in
            defer { state.changes = [] }
            return state.changes
        }
    }

    /// What the query has cost, how many share it, and how it is answered.
    ///
    /// - Throws: `DatabaseError` with code `closed` once the subscription has ended.
    public func cost() throws -> SubscriptionCost {
        guard let observer = state.withLock({ $0.observation }) else {
            throw DatabaseError(.closed, "the subscription has ended; ask while it is watched")
        }
        return try observer.cost()
    }

    /// Ends the subscription.
    public func cancel() { state.withLock { $0.observation }?.cancel() }
}
