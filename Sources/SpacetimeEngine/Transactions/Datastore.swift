import SpacetimeSATS
package import SpacetimeSchema
import Synchronization

// Memory safety. The state is made by `init` and destroyed by `deinit`; what refers to it goes before.

/// Tables and one running transaction over them: the byte-level face of the engine.
///
/// Not `Sendable`: it belongs to one isolation domain, in a database the holder of its lock. Rows go in and come out
/// as BSATN images; pointers that come out are valid until the next write.
///
/// Mutable state lies behind `let` pointers: accesses then need no run-time exclusivity checks, and the hot functions
/// of the typed interface cost what their memory accesses cost.
@usableFromInline
package final class Datastore {
    /// Where an index is.
    struct IndexEntry {
        /// `nil` once the table is dropped.
        var table: TableRef?
        var rows: RowsRef
        var index: Ref<TableIndex>
        /// The place of the index in its table.
        var position: Int
        var point: PointAccess
    }

    struct State: ~Copyable {
        /// By table id; `nil` once dropped.
        var tables = Buffer<TableRef?>(capacity: 8)
        /// Those that are there.
        var directory = TableDirectory()
        /// By index id.
        var indexes = Buffer<IndexEntry>(capacity: 16)
        var undo = UndoLog()
        var serial: UInt64 = 0
        var isInTransaction = false
        var nextSnapshot: UInt64 = 1
        /// Of the snapshots that are alive, as far as is known, ascending.
        var snapshotMemories: [SnapshotMemory] = []
        /// Snapshots that have been dropped, as far as is known.
        var droppedSnapshots = 0
        var changes = ChangeCollector()
        /// True once ``changes`` holds all net changes of the running transaction, which is about to end.
        var hasCollected = false
        /// Tables whose changes commits report.
        var observedCount = 0
        /// Scans opened since the last transaction ended; not zero means that some may have to be closed.
        var openScanTables = 0
        /// The tables of the first of these scans.
        var scanned = Buffer<TableRef>(capacity: State.scannedLimit)
        /// With more scans than these, all tables are looked at for some that are open.
        static var scannedLimit: Int { 16 }
        /// Set while a commit finds rows of event tables.
        var hasEventRows = false
        /// The rows that were found last, newest first: an update mostly means one of them.
        var found = RecentRow()
        var foundBefore = RecentRow()
        /// Sequences that have moved since the last commit that was encoded.
        var movedSequences: [MovedSequence] = []
        /// The running transaction's positions are encoded: its commit makes them known to the log.
        var hasEncodedSequences = false
        /// Another number, of all datastores of the process, whenever a table comes or goes: by it whoever keeps what it
        /// knows of tables sees that it is out of date.
        var schemaVersion: UInt64 = 0

        deinit {
            for position in 0..<tables.count { tables[position]?.destroy() }
        }
    }

    private let stateReference: Ref<State>

    var state: State {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(stateReference.pointer) }
        @inline(__always) unsafeMutableAddress { unsafe stateReference.pointer }
    }

    /// What the hashes of keys are mixed with.
    package let hashSeed: UInt64
    let snapshots = SnapshotRegistry()
    let pool: PagePool

    /// - Parameter hashSeed: mixed into the hashes of keys. Results never depend on it; taking it from the random seam
    ///   keeps outsiders from choosing keys that collide.
    package convenience init(hashSeed: UInt64 = 0x5EED_5EED_5EED_5EED) {
        self.init(hashSeed: hashSeed, pool: PagePool())
    }

    init(hashSeed: UInt64, pool: PagePool) {
        self.hashSeed = hashSeed
        self.pool = pool
        stateReference = Ref(State())
    }

    deinit {
        stateReference.destroy()
    }

    // MARK: Schema

    /// Makes an empty table. Not inside a transaction: making tables is not undone by a rollback.
    ///
    /// - Parameters:
    ///   - wanted: the id it had when its rows were logged or saved; the next free one if nil.
    ///   - isEphemeral: whether the log and saved snapshots leave the table out: what is in it can be found out again. It
    ///     has no sequences.
    package func createTable(
        _ schema: TableSchema, id wanted: TableID? = nil, isEphemeral: Bool = false
    ) throws(EngineError) -> TableID {
        try requireNoTransaction("createTable")
        if isEphemeral, !schema.sequences.isEmpty {
            throw .unsupportedSchema(table: schema.name, reason: "an ephemeral table has no sequences")
        }
        // One that is given must be one that files can have, too.
        let id = wanted ?? nextTableID
        try state.reserve(id)
        let firstIndex = IndexID(UInt32(state.indexes.count))
        state.register(
            TableRef(
                try Table(
                    id: id, schema: schema, isEphemeral: isEphemeral, firstIndex: firstIndex, seed: hashSeed, pool: pool
                )))
        return id
    }

    /// Removes a table and its rows. Not inside a transaction. Snapshots that hold it stay readable.
    package func dropTable(_ id: TableID) throws(EngineError) {
        try requireNoTransaction("dropTable")
        let table = try self.table(id)
        state.unregister(table)
        table.destroy()
    }

    /// The id that the next table gets for which none is wanted.
    package var nextTableID: TableID { TableID(UInt32(state.tables.count)) }

    func requireNoTransaction(_ operation: String) throws(EngineError) {
        if state.isInTransaction {
            throw .transactionState("\(operation) is not possible inside a transaction")
        }
    }

    /// The ids of all tables, ascending.
    package var tableIDs: [TableID] {
        state.directory.ids
    }

    /// The ids of the tables whose rows are kept in files, ascending.
    package var keptTableIDs: [TableID] {
        tableIDs.filter { state.tables[Int($0.rawValue)]?.isEphemeral == false }
    }

    /// Finds a table by its canonical name, else by its source name.
    package func tableID(named name: String) -> TableID? {
        state.directory.first(named: name)
    }

    /// Finds an index by its canonical name, else by its source name.
    package func indexID(named name: String) -> IndexID? {
        func first(_ matches: (IndexSchema) -> Bool) -> IndexID? {
            for id in tableIDs {
                guard let table = state.tables[Int(id.rawValue)] else { continue }
                for i in 0..<table.indexCount where matches(table.indexes[i].schema) {
                    return table.indexes[i].id
                }
            }
            return nil
        }
        return first { $0.name == name } ?? first { $0.sourceName == name }
    }

    package func schema(of id: TableID) -> TableSchema? {
        guard Int(id.rawValue) < state.tables.count else { return nil }
        return state.tables[Int(id.rawValue)]?.schema
    }

    package func schema(of id: IndexID) -> IndexSchema? {
        guard Int(id.rawValue) < state.indexes.count else { return nil }
        let entry = state.indexes[Int(id.rawValue)]
        return entry.table?.indexes[entry.position].schema
    }

    /// The ids of a table's indexes, in the order of its schema.
    package func indexIDs(of id: TableID) -> [IndexID] {
        guard let table = try? table(id) else { return [] }
        return (0..<table.indexCount).map { table.indexes[$0].id }
    }

    @inline(__always)
    func table(_ id: TableID) throws(EngineError) -> TableRef {
        guard Int(id.rawValue) < state.tables.count, let table = state.tables[Int(id.rawValue)] else {
            throw noSuchTable(id)
        }
        return table
    }

    @inline(__always)
    func index(_ id: IndexID) throws(EngineError) -> (table: TableRef, position: Int) {
        guard let entry = entry(id), let table = entry.table else { throw noSuchIndex(id) }
        return (table, entry.position)
    }

    /// The place of a living index.
    @inline(__always)
    func entry(_ id: IndexID) -> IndexEntry? {
        guard Int(id.rawValue) < state.indexes.count else { return nil }
        let entry = state.indexes[Int(id.rawValue)]
        return entry.table == nil ? nil : entry
    }

    @inline(never)
    func noSuchIndex(_ id: IndexID) -> EngineError { .noSuchIndex("#\(id.rawValue)") }

    @inline(never)
    func noSuchTable(_ id: TableID) -> EngineError { .noSuchTable("#\(id.rawValue)") }
}

extension Datastore.State {
    /// Table ids above this one would make the list of tables absurdly long: they can only come from damaged files.
    static var tableLimit: Int { 1 << 20 }

    /// Sees to it that a table can take this id.
    mutating func reserve(_ id: TableID) throws(EngineError) {
        let position = Int(id.rawValue)
        guard position < Self.tableLimit, position >= tables.count || tables[position] == nil else {
            throw .malformedChanges(
                "table id #\(id.rawValue) is taken or out of range; a database that has had so many tables is closed and opened "
                    + "again, and then counts anew")
        }
        while tables.count < position { tables.append(nil) }
    }

    fileprivate mutating func noteSchemaChange() {
        schemaVersion = schemaVersions.add(1, ordering: .relaxed).newValue
    }

    /// Enters a table whose id is reserved.
    mutating func register(_ table: TableRef) {
        place(table)
        for position in 0..<table.indexCount {
            indexes.append(
                Datastore.IndexEntry(
                    table: table, rows: table.rows, index: table.indexes.reference(to: position), position: position,
                    point: PointAccess(table, table.indexes[position])))
        }
    }

    /// Enters a table that was here before, whose indexes have their ids still.
    mutating func registerAgain(_ table: TableRef) {
        place(table)
        for position in 0..<table.indexCount { indexes[Int(table.indexes[position].id.rawValue)].table = table }
    }

    private mutating func place(_ table: TableRef) {
        noteSchemaChange()
        directory.enter(table.id, table.schema)
        let position = Int(table.id.rawValue)
        if position < tables.count { tables[position] = table } else { tables.append(table) }
    }

    /// Takes a table out, which nobody scans or follows any more.
    mutating func unregister(_ table: TableRef) {
        for position in 0..<table.indexCount { indexes[Int(table.indexes[position].id.rawValue)].table = nil }
        tables[Int(table.id.rawValue)] = nil
        directory.remove(table.id, table.schema)
        noteSchemaChange()
        // Scans that were opened outside of a transaction end here: nothing else tells them.
        while let scan = table.openScans { RowScan.unlink(scan) }
        if openScanTables > 0 {
            scanned.truncate(to: 0)
            openScanTables = Self.scannedLimit + 1
        }
        if table.isObserved { observedCount -= 1 }
        table.isObserved = false
        movedSequences.removeAll { $0.table == table }
    }
}

/// The last number that ``Datastore/State/schemaVersion`` was given.
private let schemaVersions = Atomic<UInt64>(0)
