import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeEngine

/// How engine and model differed.
struct ModelMismatch: Error, CustomStringConvertible {
    let description: String
}

/// One datastore, its model, and random operations on both.
final class ModelRun {
    let datastore: Datastore
    /// What replaying the log of every commit makes.
    let replica: Datastore
    let log = LogBuffer()
    let shapes: [ModelShape]
    let tables: [TableID]
    let seed: UInt64
    var random: SplitMix64
    var model: [ModelTable]
    /// The model when the running transaction began.
    var committed: [ModelTable]
    var sequences: [[ModelSequence]]
    /// ``sequences`` when the running transaction began.
    private var begunSequences: [[ModelSequence]] = []
    var savepoints: [(savepoint: Savepoint, model: [ModelTable])] = []
    var snapshots: [(snapshot: DatastoreSnapshot, model: [ModelTable])] = []
    var observed: Set<Int> = []
    /// Lets rows become few or many in turn.
    var isGrowing = true
    /// While set, rows of sized columns have about that size.
    var churnedSize: Int?
    private var recent: [String] = []
    private(set) var step = 0
    private(set) var checks = 0

    init(_ shapes: [ModelShape], seed: UInt64) throws {
        self.shapes = shapes
        self.seed = seed
        random = SplitMix64(seed: seed)
        datastore = Datastore(hashSeed: random.next())
        replica = Datastore(hashSeed: random.next())
        tables = try shapes.map { [datastore] shape in try datastore.createTable(shape.schema) }
        for (table, shape) in zip(tables, shapes) { _ = try replica.createTable(shape.schema, id: table) }
        model = shapes.map { ModelTable($0.schema) }
        committed = model
        sequences = shapes.map { shape in
            shape.schema.sequences.sorted { $0.column < $1.column }.map {
                ModelSequence($0, of: shape.schema.columns[$0.column.index].type)
            }
        }
    }

    /// Runs that many operations; throws what differed first, with the operations before it.
    func run(_ operations: Int) throws {
        do {
            begin()
            while step < operations {
                step += 1
                try operate()
            }
            try endTransaction(committing: true)
            try compareAll()
        } catch {
            let log = recent.suffix(25).joined(separator: "\n  ")
            throw ModelMismatch(description: "seed \(seed), operation \(step): \(error)\n  \(log)")
        }
    }

    func note(_ text: @autoclosure () -> String) {
        if recent.count > 60 { recent.removeFirst(30) }
        recent.append("\(step): " + text())
    }

    func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
        if !condition { throw ModelMismatch(description: text()) }
    }

    // MARK: Transactions

    func begin() {
        datastore.begin()
        begunSequences = sequences
    }

    func endTransaction(committing: Bool) throws {
        savepoints = []
        if committing {
            try commit()
        } else {
            note("rollback")
            datastore.rollback()
            model = committed
        }
        try require(!datastore.isInTransaction, "still in a transaction")
        if random.oneIn(4) { try changeSnapshots() }
        if committing, random.oneIn(100) { try compareCopies() }
    }

    private func commit() throws {
        let choice = random.below(8)
        let collecting: CollectedTables = choice == 0 ? .none : choice == 1 ? .observed : .all
        note("commit collecting \(collecting)")
        log.encode(datastore)
        let changes = datastore.commit(collecting: collecting)
        // What failed calls had drawn before is in the log, too.
        try log.withBytes { try replica.restoreSequences(before: $0) }
        try requirePositions(begunSequences, of: replica, "before the call")
        try log.withBytes { try replica.replay($0) }
        try requirePositions(sequences, of: replica, "after the call")
        try requirePositions(sequences, of: datastore, "after the commit")
        let wanted = model.indices.filter { choice == 0 ? false : choice == 1 ? observed.contains($0) : true }
        var expected: [(table: Int, deletes: [[UInt8]], inserts: [[UInt8]])] = []
        for table in wanted {
            let touched = model[table].touched
            let deletes = touched.filter { committed[table].contains($0) && !model[table].contains($0) }
            let inserts = touched.filter { !committed[table].contains($0) && model[table].contains($0) }
            let isEvent = shapes[table].schema.isEvent
            let ordered = isEvent ? model[table].entries.map(\.bytes) : Array(inserts).sortedBytes()
            if !deletes.isEmpty || !ordered.isEmpty {
                expected.append((table, Array(deletes).sortedBytes(), ordered))
            }
        }
        try require(
            (changes?.tables.map(\.table) ?? []) == expected.map { tables[$0.table] },
            "changes of tables \(String(describing: changes?.tables.map(\.table))), expected \(expected.map(\.table))")
        try require((changes == nil) == expected.isEmpty, "an empty change set")
        for (found, expected) in zip(changes?.tables ?? [], expected) {
            try require(found.deletes.rows.sortedBytes() == expected.deletes, "deletes differ in \(found.table)")
            // Events come in their order, several equal ones as several.
            let isEvent = shapes[expected.table].schema.isEvent
            let inserts = isEvent ? found.inserts.rows : found.inserts.rows.sortedBytes()
            try require(inserts == expected.inserts, "inserts differ in \(found.table)")
        }
        for table in model.indices {
            if shapes[table].schema.isEvent { model[table].removeAll() }
            model[table].touched = []
        }
        committed = model
    }

    private func requirePositions(_ expected: [[ModelSequence]], of store: Datastore, _ when: String) throws {
        for (table, sequences) in zip(tables, expected) {
            let found = zip(store.sequencePositions(of: table), sequences).map { position, sequence in
                sequence.range.contains(position) ? position : nil
            }
            try require(
                found == sequences.map(\.next),
                "sequences of \(table) at \(found) \(when), not \(sequences.map(\.next))")
        }
    }

    private func changeSnapshots() throws {
        switch random.below(3) {
        case 0 where snapshots.count < 4:
            note("take snapshot")
            snapshots.append((datastore.snapshot(), committed))
        case 1 where !snapshots.isEmpty:
            note("drop snapshot")
            snapshots.remove(at: random.below(snapshots.count))
        default:
            for (snapshot, model) in snapshots {
                for (i, table) in tables.enumerated() where model[i].count < 300 || random.oneIn(50) {
                    try require(snapshot.count(table) == model[i].count, "count of a snapshot's table \(i)")
                    try require(
                        snapshot.rows(table).sortedBytes() == model[i].entries.map(\.bytes).sortedBytes(),
                        "a snapshot's rows of table \(i) changed")
                }
            }
        }
    }

    // MARK: Comparing

    func compareAll() throws {
        for table in tables.indices { try compare(table) }
        checks += 1
        note("check invariants")
        try datastore.checkInvariants()
        if !datastore.isInTransaction { try compareCopies() }
    }

    /// Every row, by a scan of the table and of each index.
    func compare(_ table: Int) throws {
        let expected = model[table].entries.map(\.bytes).sortedBytes()
        try require(try datastore.rows(tables[table]).sortedBytes() == expected, "the rows of table \(table) differ")
        for (index, schema) in shapes[table].schema.indexes.enumerated() where schema.algorithm != .hash {
            let rows = collect(try datastore.scan(datastore.index(tables[table], index), range: .all))
            try require(rows.sortedBytes() == expected, "the rows of index \(schema.name) differ")
            try requireOrder(rows, table, index)
        }
    }

    /// That the rows come in the order of an index's keys.
    func requireOrder(_ rows: [[UInt8]], _ table: Int, _ index: Int) throws {
        var previous: Row?
        for bytes in rows {
            guard let position = model[table].positions[bytes] else {
                throw ModelMismatch(description: "a row that is not in the model")
            }
            let key = model[table].key(index, model[table].entries[position].row)
            if let previous {
                try require(
                    !key.lexicographicallyPrecedes(previous), "index \(index) is out of order: \(previous), \(key)")
            }
            previous = key
        }
    }
}
