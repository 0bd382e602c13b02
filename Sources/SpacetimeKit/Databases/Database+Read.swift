import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

extension Database {
    /// Reads tables in one consistent state. Other calls wait meanwhile: for long reads take a ``snapshot()``. Blocks the
    /// thread while a call is running; in an `async` function the form that suspends is taken.
    ///
    /// ```swift
    /// let texts = try db.read { db in db.message.room.filter("lobby").map(\.text) }
    /// ```
    ///
    /// - Throws: what `body` throws. ``DatabaseError`` with code `nestedTransaction` if a reducer or a read is running
    ///   on this thread.
    @inlinable
    public func read<Result>(_ body: (Definition.TableHandles) throws -> Result) throws -> Result {
        try _read(runner, runner.beginRead(), body)
    }

    /// Reads tables in one consistent state. Suspends while a call is running, and blocks no thread.
    @inlinable
    public func read<Result>(_ body: (Definition.TableHandles) throws -> Result) async throws -> Result {
        return try await runner.takingLock {
            Swift.Result { try _read(runner, runner.beginReadHoldingLock(), body) }
        }.get()
    }

    /// The read, once it has begun.
    @inlinable @inline(__always)
    func _read<Result>(
        _ runner: TransactionRunner, _ serial: UInt64, _ body: (Definition.TableHandles) throws -> Result
    ) throws -> Result {
        defer { runner.endRead() }
        let transaction = TransactionReference(runner: runner, serial: serial)
        let result = try body(Definition.TableHandles(_spacetimeTransaction: transaction))
        try transaction.requireIntact()
        return result
    }

    /// A picture of all tables as they are now, which can be read for as long as it is kept without stopping writers.
    ///
    /// Costs time in proportion to the number of pages, not of rows; while it is kept, a writer copies each page once
    /// before changing it.
    public func snapshot() throws -> DatabaseSnapshot<Definition> {
        DatabaseSnapshot(core: core, snapshot: try runner.snapshot())
    }

    /// A picture of all tables as they are now. Suspends while a call is running.
    public func snapshot() async throws -> DatabaseSnapshot<Definition> {
        DatabaseSnapshot(core: core, snapshot: try await runner.snapshotWithOffset().0)
    }

    /// The offset of the last commit. Blocks the thread while a call is running.
    public func lastOffset() throws -> TxOffset { try runner.lastOffset() }
}

/// All tables at one moment. Reading it takes no lock.
///
/// Queries are answered as in a transaction, by looking at every row at first. The indexes of the database go on changing
/// and are not part of the snapshot; one that is searched by the columns of an index again and again (some sixteen times)
/// sorts the table's rows by them once, which takes about as long, and finds rows at once from then on:
///
/// ```swift
/// let snapshot = try db.snapshot()
/// let ada = try snapshot.first(User.where { $0.name == "Ada" })
/// ```
public struct DatabaseSnapshot<Definition: ModuleDefinition>: Sendable {
    private let core: DatabaseCore
    private let snapshot: DatastoreSnapshot

    init(core: DatabaseCore, snapshot: DatastoreSnapshot) {
        self.core = core
        self.snapshot = snapshot
    }

    /// How many rows the table has.
    ///
    /// - Parameters:
    ///   - row: the row type. One that is no table of the module stops the program.
    ///   - name: which table, if the type has several; by default its own.
    public func count<Row: TableRow>(of row: Row.Type, in name: String? = nil) -> Int {
        do throws(DatabaseError) { return snapshot.count(try core.table(of: row, named: name)) } catch {
            fatalError(error.message)
        }
    }

    /// Calls `body` with each row of a table, in no particular order.
    public func forEach<Row: TableRow>(_ row: Row.Type, _ body: (Row) throws -> Void) throws {
        try forEach(Query<Row>(.all), body)
    }

    /// Calls `body` with each row of a query, in no particular order.
    ///
    /// - Throws: what `body` throws, and ``DatabaseError`` with code `limitReached` if the condition is larger than one may
    ///   be, see ``Condition``.
    public func forEach<Row: TableRow>(_ query: Query<Row>, _ body: (Row) throws -> Void) throws {
        let table = try core.table(of: Row.self, named: query.table)
        try core.catalog.forEachRow(of: table, in: snapshot, where: query.predicate) {
            try body(_decode($0, as: Row.self))
        }
    }

    /// The rows of a query, copied, in no particular order.
    public func rows<Row: TableRow>(_ query: Query<Row>) throws -> [Row] {
        var rows: [Row] = []
        try forEach(query) { rows.append($0) }
        return rows
    }

    /// Some row of a query.
    public func first<Row: TableRow>(_ query: Query<Row>) throws -> Row? {
        var found: Row?
        do {
            try forEach(query) { row in
                found = row
                throw Enough()
            }
        } catch is Enough {}
        return found
    }

    /// How many rows a query has. Decodes none.
    public func count<Row: TableRow>(_ query: Query<Row>) throws -> Int {
        let table = try core.table(of: Row.self, named: query.table)
        var count = 0
        try core.catalog.forEachRow(of: table, in: snapshot, where: query.predicate) { _ in count += 1 }
        return count
    }
}

/// Ends a walk over rows before its end.
private struct Enough: Error {}
