public import SpacetimeSATS

/// On whose behalf a reducer runs.
@frozen @usableFromInline
package struct Caller: Hashable, Sendable {
    @usableFromInline package var identity: Identity
    /// `ConnectionId.none` if the call came over no connection.
    @usableFromInline package var connection: ConnectionId

    @inlinable
    package init(identity: Identity, connection: ConnectionId = .none) {
        self.identity = identity
        self.connection = connection
    }
}
