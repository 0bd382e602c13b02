public import SpacetimeSATS

extension V2 {
    /// What a server says.
    public enum ServerMessage: Hashable, Sendable {
        /// Who the client is. Always the first message, and sent once.
        case initialConnection(identity: Identity, connectionID: ConnectionId, token: String)
        /// A set is being watched; these are its rows, an entry per query. A table may come several times.
        case subscribeApplied(requestID: UInt32, querySetID: UInt32, rows: [TableRows])
        /// A set was left. The rows are there exactly if they were asked for.
        case unsubscribeApplied(requestID: UInt32, querySetID: UInt32, rows: [TableRows]?)
        /// A set could not be watched or left; without request id: an active one failed, and is not watched any more.
        case subscriptionError(requestID: UInt32?, querySetID: UInt32, message: String)
        /// What a transaction of somebody else changed.
        case transactionUpdate([QuerySetUpdate])
        /// The rows that were asked for once.
        case oneOffQueryResult(requestID: UInt32, result: OneOffQueryResult)
        /// What became of a call of a reducer, with what it changed for the caller.
        case reducerResult(requestID: UInt32, timestamp: Timestamp, outcome: ReducerOutcome)
        /// What became of a call of a procedure.
        case procedureResult(
            requestID: UInt32, outcome: ProcedureOutcome, timestamp: Timestamp, duration: TimeDuration)
    }

    /// Rows of one table.
    public struct TableRows: Hashable, Sendable {
        /// The name of the table.
        public var table: String
        /// The rows, which may be none.
        public var rows: RowList

        /// Rows of a table.
        public init(table: String, rows: RowList) {
            self.table = table
            self.rows = rows
        }
    }

    /// What changed in one set, by ascending name of the table.
    public struct QuerySetUpdate: Hashable, Sendable {
        /// The set.
        public var querySetID: UInt32
        /// What changed in each table.
        public var tables: [TableUpdate]

        /// What changed in one set.
        public init(querySetID: UInt32, tables: [TableUpdate]) {
            self.querySetID = querySetID
            self.tables = tables
        }
    }

    /// What changed in one table: an entry per query that has something to say.
    public struct TableUpdate: Hashable, Sendable {
        /// The name of the table.
        public var table: String
        /// What changed in each query.
        public var changes: [RowChanges]

        /// What changed in one table.
        public init(table: String, changes: [RowChanges]) {
            self.table = table
            self.changes = changes
        }
    }

    /// What changed in one query.
    public enum RowChanges: Hashable, Sendable {
        /// Rows that came and went. A row that was changed is in both, and which belong together the primary key tells.
        case persistent(inserts: RowList, deletes: RowList)
        /// Rows of an event table, which are nowhere but here.
        case event(RowList)
    }

    /// What a one-off query found.
    public enum OneOffQueryResult: Hashable, Sendable {
        /// Exactly one entry, also without any row.
        case rows([TableRows])
        /// The query could not be answered.
        case error(String)
    }

    /// What became of a call of a reducer.
    public enum ReducerOutcome: Hashable, Sendable {
        /// It was committed. `returnValue` is empty: reducers return nothing.
        case committed(returnValue: [UInt8], changes: [QuerySetUpdate])
        /// It was committed, and changed nothing that the caller watches. Means the same as ``committed(returnValue:changes:)``
        /// without changes, which is what the original sends.
        case committedEmpty
        /// The reducer threw. In general the BSATN of a text; see ``failed(_:)`` and ``failure``.
        case failedWithBytes([UInt8])
        /// It could not start, or was stopped.
        case internalError(String)
    }

    /// What became of a call of a procedure.
    public enum ProcedureOutcome: Hashable, Sendable {
        /// The BSATN of what it returned.
        case returned([UInt8])
        /// It could not start, or was stopped.
        case internalError(String)
    }
}

extension V2.ReducerOutcome {
    /// The reducer threw an error with this text.
    public static func failed(_ message: String) -> V2.ReducerOutcome { .failedWithBytes(message.bsatn()) }

    /// The text of the error that the reducer threw; nil for all other outcomes, and if the bytes hold something else.
    public var failure: String? {
        guard case .failedWithBytes(let bytes) = self else { return nil }
        return try? String(bsatn: bytes)
    }
}
