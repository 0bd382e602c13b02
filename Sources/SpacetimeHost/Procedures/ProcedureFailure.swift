public import SpacetimeSATS

/// A procedure or handler that failed where nobody waits for its outcome: one that went on after a restart, a handler,
/// whose client hears of an internal error only, a transaction that was left open.
public struct ProcedureFailure: Sendable, CustomStringConvertible {
    /// The procedure or handler.
    public let name: String
    /// On whose behalf it ran.
    public let caller: Identity
    /// The time of the call.
    public let timestamp: Timestamp
    /// What it threw.
    public let error: any Error

    public var description: String { "'\(name)', called by \(caller) at \(timestamp), failed: \(error)" }
}

/// What procedures are run with.
package struct ProcedureOptions: Sendable {
    /// Sends their requests; nil if nothing does.
    package var http: (any HTTPExecutor)?
    /// How many may run at once, those that sleep included.
    package var limit = 10_000
    /// Told of failures that nobody else hears of.
    package var onFailure: (@Sendable (ProcedureFailure) -> Void)?

    package init() {}
}
