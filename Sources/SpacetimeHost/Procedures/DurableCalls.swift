package import SpacetimeEngine
public import SpacetimeSATS
import SpacetimeSchema

/// The host's tables of durable calls that have not ended, and of the steps that they have finished.
package struct DurableTables: Sendable {
    package let calls: TableID
    package let steps: TableID
    let callKey: IndexID
    /// Ordered by call, then by the place of the step.
    let stepKey: IndexID

    static let callSchema = TableSchema(
        name: "st_durable_call",
        columns: [
            ("id", .u64), ("procedure", .string), ("arguments", .array(.u8)), ("identity", .u256),
            ("connection_id", .u128), ("timestamp", .timestamp), ("seed", .u64),
        ],
        primaryKey: [0],
        indexes: [
            IndexSchema(name: "st_durable_call_id_idx_hash", algorithm: .hash, columns: [0], isUnique: true)
        ],
        sequences: [SequenceSchema(name: "st_durable_call_id_seq", column: 0)], access: .private, kind: .system)

    static let stepSchema = TableSchema(
        name: "st_durable_step",
        columns: [("call", .u64), ("position", .u32), ("name", .string), ("result", .array(.u8))],
        indexes: [
            IndexSchema(name: "st_durable_step_call_position_idx_btree", columns: [0, 1], isUnique: true)
        ],
        access: .private, kind: .system)

    static var schemas: [TableSchema] { [callSchema, stepSchema] }

    /// Nil if the datastore has not both.
    init?(in datastore: Datastore) {
        guard let calls = datastore.tableID(named: Self.callSchema.name),
            let steps = datastore.tableID(named: Self.stepSchema.name)
        else { return nil }
        self.calls = calls
        self.steps = steps
        callKey = datastore.indexIDs(of: calls)[0]
        stepKey = datastore.indexIDs(of: steps)[0]
    }
}

/// A durable call that has not ended, as it is kept.
struct DurableCallRow: Sendable {
    let id: UInt64
    /// The canonical name.
    let procedure: String
    let arguments: [UInt8]
    let caller: Caller
    let timestamp: Timestamp
    let seed: UInt64
    /// In their order.
    var steps: [StepJournal.Step] = []

    fileprivate init(_ row: UnsafeRawBufferPointer) throws(BSATNError) {
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        id = try reader.readU64()
        procedure = try reader.readString()
        arguments = try reader.readBytes()
        caller = Caller(identity: try Identity(from: &reader), connection: try ConnectionId(from: &reader))
        timestamp = Timestamp(microsecondsSinceUnixEpoch: try Int64(from: &reader))
        seed = try reader.readU64()
    }
}

/// A durable procedure that has been called and has not ended.
public struct DurableCall: Sendable, CustomStringConvertible {
    /// Tells the calls of a database apart; in the table `st_durable_call`.
    public let id: UInt64
    /// The procedure.
    public let procedure: String
    /// On whose behalf it runs.
    public let caller: Identity
    /// The time of the call.
    public let timestamp: Timestamp
    /// The steps that it has finished, in their order.
    public let steps: [String]
    /// Why it does not go on; nil if it runs.
    public let problem: (any Error)?

    public var description: String {
        "call \(id) of '\(procedure)', called by \(caller) at \(timestamp), after \(steps.count) steps"
            + (problem.map { ": \($0)" } ?? "")
    }
}

extension Procedures {
    private var tables: DurableTables {
        get throws(DatabaseError) {
            guard let tables = runner.catalog.systemTables.durable else {
                throw DatabaseError(.internalInconsistency, "a durable call has no tables to be kept in")
            }
            return tables
        }
    }

    // MARK: Beginning and end

    /// Keeps a call that begins; it is on disk when this returns, so that no step has an effect before its call is
    /// known.
    func enter(_ call: ProcedureCall, _ arguments: [UInt8], _ journal: StepJournal) async throws {
        let seed = call.nextRandom()
        try await call.transact { transaction in
            let row = try self.enter(
                call.function.position, arguments, as: call.caller, at: call.timestamp, seed: seed, in: transaction)
            // With the lock held, so that nobody takes the row for one that nobody goes on with.
            journal.entered(as: row)
        }
        call.reseed(seed)
        try await call.untilDurable()
    }

    /// Keeps a call that will begin when the transaction has committed.
    ///
    /// - Returns: the id of its row.
    func enter(
        _ procedure: Int, _ arguments: [UInt8], as caller: Caller, at timestamp: Timestamp, seed: UInt64,
        in transaction: TransactionReference
    ) throws(DatabaseError) -> UInt64 {
        let tables = try tables
        var row = BSATNWriter()
        row.write(UInt64(0))
        row.write(table.procedures[procedure].name)
        row.write(arguments)
        caller.identity.encode(to: &row)
        caller.connection.encode(to: &row)
        row.write(timestamp.microsecondsSinceUnixEpoch)
        row.write(seed)
        return try row.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            _ = try transaction.insert(tables.calls, trusted: bytes)
            return UInt64(littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(as: UInt64.self))
        }
    }

    /// Forgets a call that has ended.
    func leave(_ call: ProcedureCall, _ journal: StepJournal) async throws {
        guard let row = journal.row else { return }
        let tables = try tables
        try await call.transact { transaction in try Self.remove(row, tables, transaction) }
    }

    private static func remove(
        _ row: UInt64, _ tables: DurableTables, _ transaction: TransactionReference
    ) throws(DatabaseError) {
        let key = row.bsatn()
        _ = try key.withBytes { key throws(DatabaseError) in try transaction.delete(tables.callKey, key: key) }
        _ = try transaction.delete(tables.stepKey, range: IndexRange(prefix: key, prefixColumns: 1))
    }

    // MARK: Looking

    /// All calls that have not ended, by id.
    func durableCallRows(in rows: DatastoreSnapshot) throws(DatabaseError) -> [DurableCallRow] {
        guard let tables = runner.catalog.systemTables.durable else { return [] }
        var calls: [UInt64: DurableCallRow] = [:]
        var steps: [UInt64: [(UInt32, StepJournal.Step)]] = [:]
        var failure: BSATNError?
        rows.forEachRow(of: tables.calls) { row in
            do throws(BSATNError) {
                let call = try DurableCallRow(row)
                calls[call.id] = call
            } catch { failure = error }
        }
        rows.forEachRow(of: tables.steps) { row in
            do throws(BSATNError) {
                var reader = BSATNReader(RawSpan(_unsafeBytes: row))
                let call = try reader.readU64()
                let position = try reader.readU32()
                let step = StepJournal.Step(name: try reader.readString(), result: try reader.readBytes())
                steps[call, default: []].append((position, step))
            } catch { failure = error }
        }
        if let failure {
            throw DatabaseError(.internalInconsistency, "a durable call cannot be read: \(failure)", cause: failure)
        }
        for (call, list) in steps { calls[call]?.steps = list.sorted { $0.0 < $1.0 }.map(\.1) }
        return calls.values.sorted { $0.id < $1.id }
    }

    /// All calls that have not ended. Linear in them and their steps.
    package func durableCalls() throws(DatabaseError) -> [DurableCall] {
        try durableCalls(in: runner.snapshot())
    }

    /// All calls that have not ended. Suspends while others have the lock.
    package func durableCalls() async throws(DatabaseError) -> [DurableCall] {
        try durableCalls(in: await runner.snapshotWithOffset().0)
    }

    private func durableCalls(in rows: DatastoreSnapshot) throws(DatabaseError) -> [DurableCall] {
        try durableCallRows(in: rows).map { row in
            DurableCall(
                id: row.id, procedure: row.procedure, caller: row.caller.identity, timestamp: row.timestamp,
                steps: row.steps.map(\.name), problem: problem(of: row.id))
        }
    }

    /// Ends a call: cancels it if it runs, and forgets it.
    ///
    /// - Returns: false if there is none.
    package func removeDurableCall(_ id: UInt64) async throws -> Bool {
        let known: [DurableCall] = try await durableCalls()
        guard known.contains(where: { $0.id == id }) else { return false }
        await cancelDurableCall(id)
        try await forget(id)
        return true
    }

    /// Forgets a call that does not run any more.
    func forget(_ id: UInt64) async throws {
        let tables = try tables
        try await runner.takingLock(toWrite: true) {
            Result {
                _ = try runner.runAndRelease(.host, as: runner.catalog.owner) { transaction in
                    try Self.remove(id, tables, transaction)
                }
            }
        }.get()
    }
}

extension ProcedureCall {
    // MARK: Steps

    /// Runs a step of a durable call, unless it was finished before: then its result is what it was.
    ///
    /// The result is on disk when this returns. If the body throws, nothing is kept of it, and the step may be begun
    /// again.
    ///
    /// - Parameter body: returns BSATN of the result.
    package func step(_ name: String, _ body: () async throws -> [UInt8]) async throws -> [UInt8] {
        let (journal, position) = try begin(name)
        guard case .new(let position) = position else {
            guard case .finished(let result) = position else { return [] }
            return result
        }
        var isFinished = false
        defer { journal.end(isFinished: isFinished) }
        let result = try await body()
        try await transact { transaction in
            try self.insertStep(name, at: position, result, journal, transaction)
        }
        // It is kept from here on, whether that can be made durable or not.
        isFinished = true
        try await untilDurable()
        return result
    }

    /// Runs a step that is one transaction, in which its result is kept as well: it has happened exactly once.
    package func transactionStep(
        _ name: String, _ body: (TransactionReference) throws -> [UInt8]
    ) async throws -> [UInt8] {
        let (journal, position) = try begin(name)
        guard case .new(let position) = position else {
            guard case .finished(let result) = position else { return [] }
            return result
        }
        var isFinished = false
        defer { journal.end(isFinished: isFinished) }
        try Task.checkCancellation()
        let result = try await transact { transaction in
            let result = try body(transaction)
            try self.insertStep(name, at: position, result, journal, transaction)
            return result
        }
        isFinished = true
        try await untilDurable()
        return result
    }

    private func begin(_ name: String) throws(DatabaseError) -> (StepJournal, StepJournal.Beginning) {
        try requireRunning()
        guard let journal else {
            throw DatabaseError(
                .notPossible,
                "'\(self.name)' has a step '\(name)', but nothing is kept of it; make it durable: @Procedure(.durable)")
        }
        return (journal, try journal.begin(name))
    }

    private func insertStep(
        _ name: String, at position: UInt32, _ result: [UInt8], _ journal: StepJournal,
        _ transaction: TransactionReference
    ) throws(DatabaseError) {
        guard let row = journal.row, let tables = runner.catalog.systemTables.durable else {
            throw DatabaseError(.internalInconsistency, "a durable call has no row")
        }
        var writer = BSATNWriter()
        writer.write(row)
        writer.write(position)
        writer.write(name)
        writer.write(result)
        _ = try writer.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(tables.steps, trusted: bytes)
        }
    }

    /// The kept result of a step cannot be read as what the code says it is. The call does not go on.
    package func unreadable(_ step: String, _ error: any Error) -> DatabaseError {
        let text = "the result of step '\(step)' is not of the type that the code says"
        return journal?.fail(text) ?? DatabaseError(.internalInconsistency, "\(text): \(error)", cause: error)
    }

    /// Waits until what it has committed is on disk.
    func untilDurable() async throws(DatabaseError) {
        if let lastOffset { try await runner.durable(lastOffset) }
    }
}
