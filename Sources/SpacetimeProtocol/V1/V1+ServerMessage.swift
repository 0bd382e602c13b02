public import SpacetimeSATS

extension V1 {
    /// What a server says, in one of the two forms.
    public enum ServerMessage<Form: Format>: Hashable, Sendable {
        /// All rows of the queries of ``ClientMessage/subscribe(queries:requestID:)``.
        case initialSubscription([TableUpdate<Form>], requestID: UInt32, duration: TimeDuration)
        /// What a transaction changed and who did it; or that a call of the client's own failed.
        case transactionUpdate(TransactionUpdate<Form>)
        /// What a transaction changed.
        case transactionUpdateLight(requestID: UInt32, [TableUpdate<Form>])
        /// Who the client is. Always the first message.
        case identityToken(identity: Identity, token: String, connectionID: ConnectionId)
        /// The rows that were asked for once: one table, or an error and none.
        case oneOffQueryResponse(
            messageID: [UInt8], error: String?, tables: [OneOffTable<Form>], duration: TimeDuration)
        /// One query is being watched.
        case subscribeApplied(SingleApplied<Form>)
        /// One query is not watched any more; its rows are deletes.
        case unsubscribeApplied(SingleApplied<Form>)
        /// A request failed; without ids: all that the client watched is gone.
        case subscriptionError(
            microseconds: UInt64, requestID: UInt32?, queryID: UInt32?, tableID: UInt32?, message: String)
        /// A set of queries is being watched.
        case subscribeMultiApplied(MultiApplied<Form>)
        /// A set of queries is not watched any more; its rows are deletes.
        case unsubscribeMultiApplied(MultiApplied<Form>)
        /// What became of a call of a procedure.
        case procedureResult(
            outcome: ProcedureOutcome<Form>, timestamp: Timestamp, duration: TimeDuration, requestID: UInt32)
    }

    /// What changed in one table: an entry per query that has something to say.
    public struct TableUpdate<Form: Format>: Hashable, Sendable {
        /// The server's number of the table.
        public var tableID: UInt32
        /// The name of the table.
        public var table: String
        /// The rows in all changes, deleted and inserted.
        public var rowCount: UInt64
        /// What changed in each query.
        public var changes: [Form.Changes]

        /// What changed in one table.
        public init(tableID: UInt32, table: String, rowCount: UInt64, changes: [Form.Changes]) {
            self.tableID = tableID
            self.table = table
            self.rowCount = rowCount
            self.changes = changes
        }
    }

    /// A transaction, as those who watch what it changed see it, and its caller.
    public struct TransactionUpdate<Form: Format>: Hashable, Sendable {
        /// What became of it, with what it changed.
        public var status: UpdateStatus<Form>
        /// When the reducer ran.
        public var timestamp: Timestamp
        /// Who called; of SQL its user, of a procedure the database.
        public var callerIdentity: Identity
        /// The connection of the caller; none for what is no call.
        public var callerConnectionID: ConnectionId
        /// Which call it was.
        public var call: ReducerCall<Form>
        /// What it cost, where that is counted.
        public var energy: UInt128
        /// How long the server worked on it.
        public var duration: TimeDuration

        /// A transaction.
        public init(
            status: UpdateStatus<Form>, timestamp: Timestamp, callerIdentity: Identity,
            callerConnectionID: ConnectionId, call: ReducerCall<Form>, energy: UInt128 = 0, duration: TimeDuration
        ) {
            self.status = status
            self.timestamp = timestamp
            self.callerIdentity = callerIdentity
            self.callerConnectionID = callerConnectionID
            self.call = call
            self.energy = energy
            self.duration = duration
        }
    }

    /// What became of a transaction.
    public enum UpdateStatus<Form: Format>: Hashable, Sendable {
        /// It was committed, and changed this.
        case committed([TableUpdate<Form>])
        /// The reducer threw, or the call could not start.
        case failed(String)
        /// It was stopped, having used up its budget.
        case outOfEnergy
    }

    /// Which call caused a transaction.
    public struct ReducerCall<Form: Format>: Hashable, Sendable {
        /// Empty for transactions that are no reducer's.
        public var name: String
        /// The number of the reducer; ``noReducer`` for transactions that are none's.
        public var reducerID: UInt32
        /// What it was called with.
        public var arguments: Form.Arguments
        /// The number that the caller gave; 0 if it gave none, or if the call could not start.
        public var requestID: UInt32

        /// The number of what is no reducer.
        public static var noReducer: UInt32 { .max }

        /// A call.
        public init(name: String, reducerID: UInt32, arguments: Form.Arguments, requestID: UInt32) {
            self.name = name
            self.reducerID = reducerID
            self.arguments = arguments
            self.requestID = requestID
        }
    }

    /// Rows that a one-off query found.
    public struct OneOffTable<Form: Format>: Hashable, Sendable {
        /// The name of the table.
        public var table: String
        /// The rows, which may be none.
        public var rows: Form.Rows

        /// Rows of a table.
        public init(table: String, rows: Form.Rows) {
            self.table = table
            self.rows = rows
        }
    }

    /// The answer to a subscription to one query, or to its end.
    public struct SingleApplied<Form: Format>: Hashable, Sendable {
        /// The number of the request.
        public var requestID: UInt32
        /// How long the server worked on it, in microseconds.
        public var microseconds: UInt64
        /// The id of the subscription.
        public var queryID: UInt32
        /// In a message the number and the name of the table stand twice.
        public var rows: TableUpdate<Form>

        /// The answer with its rows.
        public init(requestID: UInt32, microseconds: UInt64, queryID: UInt32, rows: TableUpdate<Form>) {
            self.requestID = requestID
            self.microseconds = microseconds
            self.queryID = queryID
            self.rows = rows
        }
    }

    /// The answer to a subscription to a set of queries, or to its end.
    public struct MultiApplied<Form: Format>: Hashable, Sendable {
        /// The number of the request.
        public var requestID: UInt32
        /// How long the server worked on it, in microseconds.
        public var microseconds: UInt64
        /// The id of the subscription.
        public var queryID: UInt32
        /// The rows, by table.
        public var tables: [TableUpdate<Form>]

        /// The answer with its rows.
        public init(requestID: UInt32, microseconds: UInt64, queryID: UInt32, tables: [TableUpdate<Form>]) {
            self.requestID = requestID
            self.microseconds = microseconds
            self.queryID = queryID
            self.tables = tables
        }
    }

    /// What became of a call of a procedure.
    public enum ProcedureOutcome<Form: Format>: Hashable, Sendable {
        /// What it returned.
        case returned(Form.Arguments)
        /// It was stopped, having used up its budget.
        case outOfEnergy
        /// It could not start, or was stopped.
        case internalError(String)
    }
}
