package import SpacetimeSATS

/// A call that is under way, and whose outcome is shown before it is known.
package struct PredictedCall: Hashable, Sendable {
    /// The number of the request.
    package let number: UInt32
    package let reducer: String
    package let arguments: [UInt8]
    package let identity: Identity
    package let connectionID: ConnectionId
    /// The time that it sees, however often it is run.
    package let timestamp: Timestamp

    package init(
        number: UInt32, reducer: String, arguments: [UInt8], identity: Identity, connectionID: ConnectionId,
        timestamp: Timestamp
    ) {
        self.number = number
        self.reducer = reducer
        self.arguments = arguments
        self.identity = identity
        self.connectionID = connectionID
        self.timestamp = timestamp
    }
}

/// Rows that came to a table, and such that went.
package struct CacheDifference: Hashable, Sendable {
    package let table: String
    package var inserted: PackedRows
    package var deleted: PackedRows

    package init(table: String, inserted: PackedRows = PackedRows(), deleted: PackedRows = PackedRows()) {
        self.table = table
        self.inserted = inserted
        self.deleted = deleted
    }

    package var isEmpty: Bool { inserted.isEmpty && deleted.isEmpty }
}

/// Runs calls on the rows that a client has.
///
/// It is asked with the client's lock held, so that rows do not change meanwhile: it must not call the client.
package protocol RowPredictor: AnyObject, Sendable {
    /// What queries deliver has changed.
    func follow(_ changes: [CacheDifference])

    /// What calls would change, run one after the other on the rows that were followed. The same as often as it is asked on the same
    /// rows.
    func predict(_ calls: [PredictedCall]) -> [CacheDifference]
}

/// What is seen beside what queries deliver.
struct Foresight {
    var predictor: (any RowPredictor)?
    /// In the order in which they were made.
    private(set) var calls: [PredictedCall] = []
    /// Whether the calls are others than those whose rows are shown.
    private var isStale = false

    mutating func add(_ call: PredictedCall) {
        calls.append(call)
        isStale = true
    }

    /// The outcome of a call is known: what it has done is in the rows, or will not be.
    mutating func settle(_ number: UInt32) {
        guard let place = calls.firstIndex(where: { $0.number == number }) else { return }
        calls.remove(at: place)
        isStale = true
    }

    /// Follows what queries deliver.
    ///
    /// - Returns: what is to be shown from now on; nil if it is what is shown already.
    mutating func follow(_ changes: [CacheDifference]) -> [CacheDifference]? {
        guard let predictor else { return nil }
        if !changes.isEmpty { predictor.follow(changes) }
        guard isStale || (!changes.isEmpty && !calls.isEmpty) else { return nil }
        isStale = false
        return calls.isEmpty ? [] : predictor.predict(calls)
    }
}
