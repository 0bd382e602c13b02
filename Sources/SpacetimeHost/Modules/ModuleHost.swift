package import SpacetimeSchema

/// What runs a module's functions. Native Swift modules and WASM guests are two implementations.
package protocol ModuleHost: AnyObject, Sendable {
    /// What the module defines. Asked once per opening of a database, which checks the answer.
    func describe() throws(DatabaseError) -> RawModuleDefV10

    /// Runs a reducer inside a transaction that the database has begun, and ends after the call by its outcome.
    ///
    /// - Parameters:
    ///   - reducer: position in the module schema.
    ///   - arguments: BSATN of the arguments, from outside: an implementation checks them completely before user
    ///     code runs, and throws `DatabaseError` with code `badArguments` if they do not fit.
    ///   - transaction: access to tables and to the facts of the call. It trusts what it is given; code that is not trusted
    ///     gets a ``GuestTransaction`` over it.
    /// - Throws: what the reducer threw, unwrapped; the transaction is then rolled back.
    func callReducer(
        _ reducer: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference) throws

    /// The tables of each Swift type of rows, if the module has any. Asked once.
    var rowTypes: [ObjectIdentifier: RowTables] { get }
}

extension ModuleHost {
    package var rowTypes: [ObjectIdentifier: RowTables] { [:] }
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
