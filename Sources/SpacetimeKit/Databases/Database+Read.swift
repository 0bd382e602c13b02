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
    /// Costs time in proportion to the number of pages, not of rows. While it is kept, writers save what they change, in
    /// pieces of 256 bytes, and wait for no reader.
    public func snapshot() throws -> DatabaseSnapshot<Definition> {
        DatabaseSnapshot(core: core, try runner.snapshotWithOffset())
    }

    /// A picture of all tables as they are now. Suspends while a call is running.
    public func snapshot() async throws -> DatabaseSnapshot<Definition> {
        DatabaseSnapshot(core: core, try await runner.snapshotWithOffset())
    }

    /// The offset of the last commit. Blocks the thread while a call is running.
    public func lastOffset() throws -> TxOffset { try runner.lastOffset() }

    /// How the database would answer a query now, without running it. Takes the lock for a moment.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable` or `invalidQuery` if it cannot be run.
    public func explain(_ query: some QueryConvertible) throws -> QueryPlan {
        QueryPlan(try core.explain(core.catalog.bound(query._draft, by: core.owner)))
    }
}
