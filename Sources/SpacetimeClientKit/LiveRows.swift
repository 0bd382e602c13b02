public import Observation
public import SpacetimeClient
public import SpacetimeKit
import SpacetimeSATS

/// The rows of a query as they are now, for user interfaces: views that read ``rows`` are drawn again when they change.
///
/// ```swift
/// let messages = LiveRows(Message.where { $0.room == "lobby" }, on: client) { $0.sent < $1.sent }
/// for message in messages.rows { print(message.text) }
/// ```
///
/// The query is watched from the first look at the rows on, over all connections of the client, until this goes. What calls that are
/// predicted would change is among the rows. In SwiftUI `@LiveQuery` holds one.
@MainActor
public final class LiveRows<Row: TableRow>: Observable {
    private struct Content {
        var rows: [Row] = []
        /// The bytes of each row, by which it is found again.
        var images: [[UInt8]] = []
        var isLoading = true
        var error: (any Error)?
    }

    private let registrar = ObservationRegistrar()
    private var content = Content()
    private let makeChanges: () -> AsyncThrowingStream<RowChanges<Row>, any Error>
    private let precedes: ((Row, Row) -> Bool)?
    private var watching: Task<Void, Never>?

    /// Rows of a query, which is not watched yet.
    ///
    /// - Parameters:
    ///   - query: a query for whole rows of one table. Of windows and semijoins rows that other subscriptions deliver are among them.
    ///   - client: what watches it.
    ///   - precedes: the order of the rows; by default that in which they came. Updated rows keep their places then.
    public init(
        _ query: some QueryConvertible<Row>, on client: DatabaseClient, by precedes: ((Row, Row) -> Bool)? = nil
    ) {
        makeChanges = { client.changes(of: query, bufferLimit: 1_024, marksFirstRows: true) }
        self.precedes = precedes
    }

    deinit { watching?.cancel() }

    /// The rows, in order. Empty until the first ones have come.
    public var rows: [Row] {
        observe(\.rows)
        return content.rows
    }

    /// Whether the first rows have not come yet.
    public var isLoading: Bool {
        observe(\.isLoading)
        return content.isLoading
    }

    /// Why the rows are not kept up to date any more: the server refused the query, or the client has ended with an error. They stay
    /// as they were.
    public var error: (any Error)? {
        observe(\.error)
        return content.error
    }

    private func observe<Value>(_ path: KeyPath<LiveRows, Value>) {
        start()
        registrar.access(self, keyPath: path)
    }

    private func start() {
        if watching != nil { return }
        let changes = makeChanges()
        watching = Task { [weak self] in
            do {
                for try await change in changes { self?.apply(change) }
            } catch { self?.end(error) }
        }
    }

    private func end(_ error: any Error) {
        registrar.withMutation(of: self, keyPath: \.error) { content.error = error }
    }

    private func apply(_ change: RowChanges<Row>) {
        // The mark behind the first rows.
        if change.count == 0 {
            return registrar.withMutation(of: self, keyPath: \.isLoading) { content.isLoading = false }
        }
        registrar.withMutation(of: self, keyPath: \.rows) {
            replace(change.updated)
            remove(change.deleted)
            for row in change.inserted {
                content.rows.append(row)
                content.images.append(row.bsatn())
            }
            sort()
        }
    }

    private func replace(_ updated: [(old: Row, new: Row)]) {
        if updated.isEmpty { return }
        var places: [[UInt8]: Int] = [:]
        for (place, image) in content.images.enumerated() { places[image] = place }
        for (old, new) in updated {
            guard let place = places[old.bsatn()] else { continue }
            content.rows[place] = new
            content.images[place] = new.bsatn()
        }
    }

    private func remove(_ deleted: [Row]) {
        if deleted.isEmpty { return }
        let gone = Set(deleted.map { $0.bsatn() })
        let kept = content.images.indices.filter { !gone.contains(content.images[$0]) }
        (content.rows, content.images) = (kept.map { content.rows[$0] }, kept.map { content.images[$0] })
    }

    private func sort() {
        guard let precedes else { return }
        // Stable, so that rows without an order of their own stay where they are.
        let order = content.rows.indices.sorted { left, right in
            if precedes(content.rows[left], content.rows[right]) { return true }
            return !precedes(content.rows[right], content.rows[left]) && left < right
        }
        (content.rows, content.images) = (order.map { content.rows[$0] }, order.map { content.images[$0] })
    }
}
