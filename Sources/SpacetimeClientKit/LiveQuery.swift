#if canImport(SwiftUI)
public import SpacetimeClient
public import SpacetimeKit
public import SwiftUI

/// The rows of a query in a view, which is drawn again when they change.
///
/// ```swift
/// struct Lobby: View {
///     @LiveQuery(Message.where { $0.room == "lobby" }, on: client, by: { $0.sent < $1.sent }) var messages
///
///     var body: some View {
///         if $messages.isLoading { ProgressView() }
///         ForEach(messages, id: \.id) { message in Text(message.text) }
///     }
/// }
/// ```
///
/// The query is watched while the view is there. `$messages` is the ``LiveRows`` behind it, which says whether rows have come and what
/// has gone wrong. See <doc:LiveQueriesInViews>.
@MainActor @propertyWrapper
public struct LiveQuery<Row: TableRow>: DynamicProperty {
    @State private var live: LiveRows<Row>

    /// Watches a query.
    ///
    /// - Parameters:
    ///   - query: a query for whole rows of one table.
    ///   - client: what watches it.
    ///   - precedes: the order of the rows; by default that in which they came.
    public init(
        _ query: some QueryConvertible<Row>, on client: DatabaseClient, by precedes: ((Row, Row) -> Bool)? = nil
    ) {
        // SwiftUI keeps the first one, and lets go of those that it gets when the view is made again: they have watched nothing.
        _live = State(wrappedValue: LiveRows(query, on: client, by: precedes))
    }

    /// The rows, in order.
    public var wrappedValue: [Row] { live.rows }

    /// What keeps the rows.
    public var projectedValue: LiveRows<Row> { live }
}
#endif
