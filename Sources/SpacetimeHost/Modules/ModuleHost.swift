package import SpacetimeSATS
package import SpacetimeSchema

/// What runs a module's functions. Native Swift modules and WASM guests are two implementations.
///
/// There are two ways in, because a function either is part of a transaction, and then nothing in it may suspend, or is
/// outside of all, and then it may take as long as it likes. Typed calls of native reducers take neither: they run the
/// reducer's own code between `beginCall` and `commitCall`.
package protocol ModuleHost: AnyObject, Sendable {
    /// What the module defines. Asked once per opening of a database, which checks the answer.
    func describe() throws(DatabaseError) -> RawModuleDefV10

    /// What native modules can say of their functions beyond the definition. Asked once.
    var traits: ModuleTraits { get }

    /// The tables of each Swift type of rows, if the module has any. Asked once.
    var rowTypes: [ObjectIdentifier: RowTables] { get }

    /// Whether views may be called on any thread, beside transactions and each other: then a snapshot's need no lock.
    var runsViewsAnywhere: Bool { get }

    /// Does what has to be done once before the module's functions can be called in a database, so that what stands against it
    /// is found before anybody relies on the module. Called before the database is created, or an update to the module is
    /// made; outside of transactions, and without a lock.
    ///
    /// - Throws: what the first call would throw.
    func prepare(for identity: Identity) throws(DatabaseError)

    /// Runs a reducer or a view inside a transaction that the database has begun, and ends after the call by its
    /// outcome.
    ///
    /// - Parameters:
    ///   - arguments: BSATN of the arguments, from outside: an implementation checks them completely before user
    ///     code runs, and throws `DatabaseError` with code `badArguments` if they do not fit.
    ///   - transaction: access to tables and to the facts of the call; a view's cannot write. It trusts what it is
    ///     given; code that is not trusted gets a ``GuestTransaction`` over it.
    /// - Throws: what the function threw, unwrapped; the transaction is then rolled back. `DatabaseError` with code
    ///   `moduleFailure` for what is no error of the function's own, as a trap.
    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome

    /// Runs a reducer: what ``call(_:arguments:in:)`` does for one, which leaves nothing behind that would have to be returned.
    func callReducer(
        _ position: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws

    /// Runs a procedure or a handler, outside of transactions. Many run at once.
    ///
    /// - Parameters:
    ///   - input: from outside, as the arguments of the other form.
    ///   - call: the facts of the call, and the transactions that it makes. Code that runs on a thread of its own, as a
    ///     guest's, uses ``ProcedureCall/onThisThread(_:)``.
    func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome
}

extension ModuleHost {
    package var traits: ModuleTraits { ModuleTraits() }
    package var rowTypes: [ObjectIdentifier: RowTables] { [:] }
    package var runsViewsAnywhere: Bool { false }

    package func prepare(for identity: Identity) throws(DatabaseError) {}

    package func callReducer(
        _ position: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws {
        _ = try call(.reducer(position), arguments: arguments, in: transaction)
    }

    /// A module that has reducers only.
    package func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
        throw DatabaseError(.moduleFailure, "the module defines a \(function.kind), but cannot run one")
    }
}

/// What a module says of its functions that its definition has no place for.
package struct ModuleTraits: Sendable {
    /// Positions of the procedures whose steps are kept.
    package var durableProcedures: Set<Int> = []
    /// How often a client may call certain reducers, by their positions.
    package var reducerRates: [Int: RateLimit] = [:]
    /// Reducers that are called for each row of a table.
    package var slicedJobs: [SlicedJobDefinition] = []

    package init() {}
}

/// The tables whose rows have one Swift type.
package struct RowTables: Sendable {
    /// The position of the type's own table, which is meant where none is named.
    package var own: Int?
    package var all: [Int]

    package init(own: Int?, all: [Int]) {
        self.own = own
        self.all = all
    }
}
