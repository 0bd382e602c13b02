package import SpacetimeDurability
import SpacetimeEngine
public import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// What running a logged call again did, compared with what it did then.
public struct ReplayReport: Sendable, CustomStringConvertible {
    /// A row that only one of the two runs wrote.
    public struct Difference: Hashable, Sendable, CustomStringConvertible {
        /// One of the two runs.
        public enum Run: String, Sendable {
            /// The one that the log recorded.
            case logged
            /// The one that was made now.
            case replayed
        }

        /// Which run wrote it.
        public let run: Run
        /// The table that it was written to.
        public let table: String
        /// "insert", "replace" or "delete".
        public let change: String
        /// The row, or the key of a deleted one, as JSON.
        public let row: String

        public var description: String { "only \(run.rawValue): \(change) \(row) in '\(table)'" }
    }

    /// The commit whose call was run again.
    public let offset: TxOffset
    /// The reducer that was called.
    public let reducer: String
    /// On whose behalf it ran.
    public let caller: Identity
    /// The time that it saw, in both runs.
    public let timestamp: Timestamp
    /// What the reducer threw this time; it had succeeded.
    public let failure: (any Error)?
    /// Empty if both runs changed the same.
    public let differences: [Difference]

    public var description: String {
        let outcome =
            failure.map { "threw this time: \($0)" }
            ?? (differences.isEmpty ? "changes what it changed" : "changes other rows")
        let head = "'\(reducer)' in commit \(offset), called by \(caller) at \(timestamp), \(outcome)"
        return ([head] + differences.map(\.description)).joined(separator: "\n")
    }
}

/// Keeps the record of the one call that is run again.
private final class ReplaySink: CommitSink {
    private let changes = Mutex<[UInt8]?>(nil)

    var recorded: [UInt8]? { changes.withLock { $0 } }

    func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
        let bytes = Array(record)
        changes.withLock { $0 = bytes }
    }
}

/// Time stands still at the moment of the call.
private struct StoppedClock: HostClock {
    let time: Timestamp
    func now() -> Timestamp { time }
    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm { SystemAlarm(ring) }
}

extension DatabaseCore {
    /// Runs the call of a commit again, on the state before it, with a module's present code. Nothing is written.
    package static func replay(
        _ offset: TxOffset, of directory: String, module: any ModuleHost, on disk: any Disk
    ) throws -> ReplayReport {
        let before = try recover(directory, before: offset.rawValue, on: disk, for: offset)
        var logged: [UInt8]?
        let log = try LogReader(disk, directory: DatabaseDirectory.log(of: directory))
        _ = try log.forEachRecord(from: offset.rawValue, before: offset.rawValue + 1) { _, bytes in
            logged = Array(bytes)
        }
        guard let logged else {
            throw DatabaseError(.notPossible, "the log in '\(directory)' does not hold offset \(offset)")
        }
        return try logged.withUnsafeBytes { try replay(CommitRecord($0), offset, before, module) }
    }

    private static func replay(
        _ record: CommitRecord, _ offset: TxOffset, _ before: RecoveredDatabase, _ module: any ModuleHost
    ) throws -> ReplayReport {
        let stored = try before.schema.moduleSchema()
        guard [.reducer, .scheduled].contains(record.kind), let position = record.function,
            stored.reducers.indices.contains(position)
        else {
            throw DatabaseError(.notPossible, "commit \(offset) is no call of a reducer, so it cannot be run again")
        }
        let name = stored.reducers[position].name
        let sink = ReplaySink()
        // The name is for identities of new databases.
        var options = OpeningOptions(name: "")
        options.clock = StoppedClock(time: record.timestamp)
        options.sink = sink
        let opening = try Opening(module, options)
        guard before.schema.definition == StoredSchema.bytes(of: opening.definition) else {
            throw DatabaseError(
                .notPossible,
                "the module declares other tables or reducers than at commit \(offset); replay it with a module that "
                    + "declares the same")
        }
        let loggedChanges = try before.datastore.describe(record.changes)
        try before.datastore.restoreSequences(before: record.changes)
        let core = try opening.openCopy(of: before)
        let caller = record.caller ?? core.owner
        var failure: (any Error)?
        do {
            try core.runner.acquire()
            defer { core.runner.release() }
            _ = try core.runner.run(record.kind, reducer: position, arguments: Array(record.arguments), as: caller)
        } catch {
            failure = error
        }
        var replayed: [RowChange] = []
        if let bytes = sink.recorded {
            replayed = try bytes.withUnsafeBytes {
                try core.runner.datastore.describe(CommitRecord($0).changes, areApplied: true)
            }
        }
        return ReplayReport(
            offset: offset, reducer: name, caller: caller.identity, timestamp: record.timestamp, failure: failure,
            differences: differences(loggedChanges, replayed, core))
    }

    private static func differences(
        _ logged: [RowChange], _ replayed: [RowChange], _ core: DatabaseCore
    ) -> [ReplayReport.Difference] {
        // How far a sliced job has come is noted by the host, not by the reducer.
        let (logged, replayed) = (logged.filter(core.isOfModule), replayed.filter(core.isOfModule))
        let (before, after) = (Set(logged), Set(replayed))
        return logged.filter { !after.contains($0) }.map { core.difference(.logged, $0) }
            + replayed.filter { !before.contains($0) }.map { core.difference(.replayed, $0) }
    }

    private func isOfModule(_ change: RowChange) -> Bool {
        runner.datastore.schema(of: change.table)?.kind == .user
    }

    private func difference(_ run: ReplayReport.Difference.Run, _ change: RowChange) -> ReplayReport.Difference {
        let table = runner.datastore.schema(of: change.table)
        var columns = table?.columns ?? []
        if change.isKey, let table, let index = table.indexes.first(where: { $0.isUnique }) {
            columns = index.columns.compactMap { table.column($0) }
        }
        let type = ProductType(columns.map { ProductType.Element(name: $0.name, algebraicType: $0.type) })
        var reader = BSATNReader(change.bytes.span.bytes)
        let text =
            (try? AlgebraicValue(from: &reader, type: .product(type)).json(style: .typed, type: .product(type)))
            ?? "\(change.bytes)"
        return ReplayReport.Difference(
            run: run, table: table?.name ?? "#\(change.table.rawValue)", change: "\(change.kind)", row: text)
    }
}
