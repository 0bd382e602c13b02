package import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// A call that is tried out.
package struct RehearsedCall: Hashable, Sendable {
    /// Tells calls at the same time apart: their random numbers differ by it.
    package let number: UInt64
    package let reducer: String
    package let arguments: [UInt8]
    package let caller: Caller
    package let timestamp: Timestamp

    package init(number: UInt64, reducer: String, arguments: [UInt8], caller: Caller, timestamp: Timestamp) {
        self.number = number
        self.reducer = reducer
        self.arguments = arguments
        self.caller = caller
        self.timestamp = timestamp
    }
}

/// Rows that came to a table and such that went.
package struct RehearsedRows: Sendable {
    package let table: String
    package var inserts = RowBatch()
    package var deletes = RowBatch()

    package init(table: String) { self.table = table }
}

/// Tables of a module with some of the rows of a database elsewhere, on which calls are tried out: what they would change is told,
/// and taken back.
///
/// Nothing runs by itself here: neither the module's `init`, nor what it has scheduled. A call sees the time that it is given, and
/// random numbers that follow from it alone, so that it changes the same as often as it is tried out on the same rows.
package final class Rehearsal: Sendable {
    private let core: DatabaseCore
    private let tables: [String: TableID]

    /// Tables without rows.
    package init(of module: any ModuleHost) throws {
        var options = OpeningOptions(name: "rehearsal")
        options.seed = 0
        options.callsInit = false
        core = try Opening(module, options).openNew()
        var tables: [String: TableID] = [:]
        let datastore = core.runner.datastore
        for id in datastore.tableIDs {
            // Rows of event tables are nowhere, and others are not the module's.
            guard let schema = datastore.schema(of: id), schema.kind == .user, !schema.isEvent else { continue }
            tables[schema.name] = id
        }
        self.tables = tables
    }

    /// Follows what has happened to the rows elsewhere. Rows that cannot be, as of tables that the module does not have or with keys
    /// that others have, are passed over.
    package func apply(_ changes: [RehearsedRows]) throws {
        let (runner, tables) = (core.runner, tables)
        try runner.acquire()
        defer { runner.release() }
        _ = try runner.run(.host, reducer: nil, arguments: [], as: core.owner) { _ in
            let datastore = runner.datastore
            for change in changes {
                guard let table = tables[change.table] else { continue }
                change.deletes.forEach { _ = try? datastore.deleteRow(table, equalTo: $0) }
            }
            for change in changes {
                guard let table = tables[change.table] else { continue }
                change.inserts.forEach { row in
                    var copy = Array(row)
                    _ = try? copy.withMutableBytes { (bytes) throws(EngineError) in
                        try datastore.insert(table, validating: bytes)
                    }
                }
            }
        }
    }

    /// Runs calls one after the other, each on what those before it have left, and takes everything back.
    ///
    /// - Returns: what all of them together change; those that throw change nothing.
    package func run(_ calls: [RehearsedCall]) throws -> [RehearsedRows] {
        struct End: Error {}
        let runner = core.runner
        try runner.acquire()
        defer { runner.release() }
        let (datastore, offset) = (runner.datastore, runner.state.nextOffset)
        // Numbers that were drawn stay drawn otherwise, and a call that is tried out again would draw others.
        let sequences = tables.values.map { ($0, datastore.sequencePositions(of: $0)) }
        var changes: ChangeSet?
        do {
            _ = try runner.run(.host, reducer: nil, arguments: [], as: core.owner) { transaction in
                for call in calls { run(call, in: transaction) }
                changes = datastore.netChanges { tables.values.contains($0) }
                _ = runner.state.takeRollbackWork()
                throw End()
            }
        } catch is End {}
        runner.state.nextOffset = offset
        for (table, positions) in sequences where !positions.isEmpty {
            try datastore.restartSequences(of: table, at: positions)
        }
        return (changes?.tables ?? []).compactMap { changes in
            guard let name = datastore.schema(of: changes.table)?.name else { return nil }
            var rows = RehearsedRows(table: name)
            (rows.inserts, rows.deletes) = (changes.inserts, changes.deletes)
            return rows
        }
    }

    private func run(_ call: RehearsedCall, in transaction: TransactionReference) {
        let runner = core.runner
        guard let position = try? runner.reducers.position(of: call.reducer, calledBy: call.caller) else { return }
        let savepoint = runner.datastore.savepoint()
        runner.state.caller = call.caller
        runner.state.isOwnersCall = false
        runner.state.reducer = position
        runner.state.timestamp = call.timestamp
        runner.state.hasTimestamp = true
        runner.state.isRandomSeeded = false
        runner.state.uuidCounter = 0
        // Random numbers follow from the time and the place in history.
        runner.state.nextOffset = call.number
        do {
            try call.arguments.withUnsafeBytes {
                try runner.module.callReducer(position, arguments: $0, in: transaction)
            }
            // What a read could not throw.
            if runner.state.duties.has(.fail), let failure = runner.state.takeFailure() { throw failure }
        } catch {
            if runner.state.duties.has(.fail) { _ = runner.state.takeFailure() }
            runner.datastore.rollback(to: savepoint)
        }
    }
}
