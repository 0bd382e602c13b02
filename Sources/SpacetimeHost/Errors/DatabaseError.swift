/// Why the database refused or could not finish something.
///
/// Switch on ``code``; show ``message`` to a person: it says what is wrong and what to do. An error that a reducer
/// throws itself is not wrapped in this type, its caller gets it as it is.
///
/// ```swift
/// for name in names {
///     do {
///         try context.db.user.insert(User(id: 0, name: name))
///     } catch let error as DatabaseError where error.code == .uniqueViolation {
///         taken.append(name)
///     }
/// }
/// ```
///
/// What is public throws it untyped, although nothing else comes out of most functions: the Swift 6.3 compiler crashes
/// over a `catch` with a condition inside a loop if the error's type is stated.
public struct DatabaseError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is. Later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name of the code, stable between versions.
        public let name: String

        private init(_ name: String) { self.name = name }

        public var description: String { name }

        /// Another row already has the value in the columns of a unique constraint. Nothing was written.
        public static let uniqueViolation = Code("uniqueViolation")
        /// An update found no row with that key.
        public static let noSuchRow = Code("noSuchRow")
        /// The module has no table of that name.
        public static let noSuchTable = Code("noSuchTable")
        /// The table has no index of that name.
        public static let noSuchIndex = Code("noSuchIndex")
        /// The module has no reducer of that name, or the caller may not call it.
        public static let noSuchReducer = Code("noSuchReducer")
        /// The module has no procedure of that name, or the caller may not call it.
        public static let noSuchProcedure = Code("noSuchProcedure")
        /// The context of a procedure was used after the procedure had returned.
        public static let procedureEnded = Code("procedureEnded")
        /// An interrupted durable procedure does not fit the code as it is now.
        public static let stepMismatch = Code("stepMismatch")
        /// A procedure's request has no answer: there is nothing to send it with, it failed, or it took too long.
        public static let httpFailure = Code("httpFailure")
        /// The bytes of a call's arguments are not what the reducer takes.
        public static let badArguments = Code("badArguments")
        /// Bytes that should be a row of a table are not.
        public static let malformedRow = Code("malformedRow")
        /// Bytes that should be a key of an index are not.
        public static let malformedKey = Code("malformedKey")
        /// A condition names what its table does not have.
        public static let invalidCondition = Code("invalidCondition")
        /// A number that a query computes does not fit its type, or an integer is divided by zero.
        public static let arithmeticFailure = Code("arithmeticFailure")
        /// The caller may not do this; only the owner may.
        public static let notPermitted = Code("notPermitted")
        /// A statement was stopped: it took longer than it may, or its task was cancelled.
        public static let stopped = Code("stopped")
        /// A limit was reached: rows, sizes, nesting, the numbers of an auto-incremented column.
        public static let limitReached = Code("limitReached")
        /// A query that cannot be run, or not kept up to date.
        public static let invalidQuery = Code("invalidQuery")
        /// The definition of the module breaks rules; the message lists all of them.
        public static let invalidModule = Code("invalidModule")
        /// A reducer or a read tried to open another transaction of the same database.
        public static let nestedTransaction = Code("nestedTransaction")
        /// A table handle or context was used after the transaction it belongs to.
        public static let transactionEnded = Code("transactionEnded")
        /// A write was tried where only reading is allowed.
        public static let readOnly = Code("readOnly")
        /// A subscriber fell behind further than its buffer allows, and was dropped.
        public static let subscriptionOverflow = Code("subscriptionOverflow")
        /// A client has subscribed to a set of queries under this number already.
        public static let alreadySubscribed = Code("alreadySubscribed")
        /// The connection was closed before.
        public static let disconnected = Code("disconnected")
        /// The database was closed, or nobody kept it.
        public static let closed = Code("closed")
        /// The database takes no more writes, because going on could damage data.
        public static let writesRefused = Code("writesRefused")
        /// The module failed in a way that is not an error it threw: a trap of a guest, say.
        public static let moduleFailure = Code("moduleFailure")
        /// A file of the database is damaged; the message names it, the place, and what can be done.
        public static let damaged = Code("damaged")
        /// The disk refused a read, a write or a sync, or is full.
        public static let storageFailure = Code("storageFailure")
        /// Another process, or another database object of this one, has the directory open.
        public static let inUse = Code("inUse")
        /// The files were written by a newer version, or belong to another database.
        public static let incompatibleFiles = Code("incompatibleFiles")
        /// The tables of the module differ from the stored ones in a way that would lose or misread data.
        public static let migrationRefused = Code("migrationRefused")
        /// The module was replaced by another one at this moment. Nothing has happened; call again, and the new one is called.
        public static let moduleReplaced = Code("moduleReplaced")
        /// The operation does not fit the database: it is not on disk, was closed, has no such offset.
        public static let notPossible = Code("notPossible")
        /// The database found its own state to be wrong. Please report it.
        public static let internalInconsistency = Code("internalInconsistency")
    }

    /// What to tell failures apart by.
    public let code: Code
    /// A sentence that says what is wrong and what to do.
    public let message: String
    /// The error beneath, if there is one.
    public let cause: (any Error)?

    /// For disks, clocks and modules of one's own; a reducer throws ``SenderError`` or an error of its own type.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { "\(code): \(message)" }
}
