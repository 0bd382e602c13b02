import SpacetimeEngine
package import SpacetimeSchema

/// A table on its way through the migrations: how it is declared by now, and where its rows are.
///
/// Rows are not touched on the way. They stay in the pages in which they were stored or in which a migration put them;
/// a new name, new columns at the end or more cases of an enum are noted beside them.
package struct MigrationTable {
    /// What the table is now.
    package private(set) var schema: TableSchema
    /// Nil if it has none.
    private(set) var source: Source?
    /// What each row of the source gets at its end: the default values of columns that were added since.
    private(set) var suffix: [UInt8] = []
    /// Where the numbers of auto-incremented columns go on, by the column's canonical name. Kept for columns that are not
    /// numbered at present, too: a migration may declare old tables in few words.
    private(set) var numbering: [String: Int128]
    /// The stored table that this one goes back to, over renames and over rows written anew.
    let origin: TableID?
    /// True once a migration touched the table: its indexes and keys are then those of a declaration that no module made,
    /// and are of no interest.
    private(set) var isRebuilt = false
    /// True if it has no rows and a migration has dealt with it. It then takes any columns: whether a migration that
    /// inserts row by row has said what they are must not depend on whether there were rows.
    private(set) var isOpen = false
    /// True if it was dropped. Should a table of its name come again, its numbers go on.
    private(set) var isGone = false

    struct Source {
        let snapshot: DatastoreSnapshot
        let id: TableID
    }

    /// A table as it is stored.
    init(stored id: TableID, in snapshot: DatastoreSnapshot, _ schema: TableSchema) {
        self.schema = schema
        source = Source(snapshot: snapshot, id: id)
        origin = id
        numbering = schema.numbering(snapshot.sequencePositions(of: id))
    }

    /// A new table without rows.
    init(empty schema: TableSchema) {
        self.schema = schema
        numbering = [:]
        origin = nil
        isRebuilt = true
    }

    /// A table that was written anew, perhaps in the place of another.
    init(_ filled: FilledTable, replacing old: MigrationTable?) {
        let snapshot = filled.finish()
        schema = filled.schema
        source = Source(snapshot: snapshot, id: filled.id)
        origin = old?.origin
        isRebuilt = true
        numbering = old?.numbering ?? [:]
        if !schema.sequences.isEmpty {
            // A column that is gone may be there under another name, where its numbers go on. They must not go on a second
            // time, should a column of the old name come again.
            let columns = Set(schema.columns.map(\.name))
            numbering = numbering.filter { columns.contains($0.key) }
            numbering.merge(schema.numbering(snapshot.sequencePositions(of: filled.id))) { $1 }
        }
    }

    package var rowCount: Int { source.map { $0.snapshot.count($0.id) } ?? 0 }

    /// True if the rows are those of the source, byte for byte and column for column.
    var isAsInSource: Bool {
        guard let source, let stored = source.snapshot.schema(of: source.id) else { return false }
        return suffix.isEmpty && stored.columns.map(\.type) == schema.columns.map(\.type)
    }

    /// Calls `body` with every row.
    package func forEachRow(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let source else { return }
        if suffix.isEmpty { return try source.snapshot.forEachRow(of: source.id, body) }
        var row: [UInt8] = []
        try source.snapshot.forEachRow(of: source.id) { stored in
            row.removeAll(keepingCapacity: true)
            row.append(contentsOf: stored)
            row.append(contentsOf: suffix)
            try row.withUnsafeBytes(body)
        }
    }

    // MARK: Changes

    /// Declares the table otherwise, where rows can follow by themselves.
    ///
    /// - Returns: false if they cannot.
    mutating func follow(_ new: TableSchema) -> Bool {
        isRebuilt = true
        if isOpen {
            schema = new
            (isOpen, isGone) = (false, false)
            return true
        }
        guard let fate = MigrationPlan.fate(of: schema, in: new) else { return false }
        switch fate {
        case .kept: break
        case .extended(let bytes): suffix += bytes
        case .added: source = nil
        }
        schema = new
        return true
    }

    /// Lets the table take any columns, as far as it has no rows.
    mutating func open() {
        guard rowCount == 0 else { return }
        letGo()
        isGone = false
    }

    /// Lets the rows go, and the table.
    mutating func letGo() {
        source = nil
        suffix = []
        isRebuilt = true
        isOpen = true
        isGone = true
    }

    mutating func rename(to name: String) {
        schema.name = name
        schema.sourceName = name
        isRebuilt = true
    }

    mutating func renameColumn(at position: Int, to name: String) {
        let old = schema.columns[position].name
        if let next = numbering.removeValue(forKey: old) { numbering[name] = next }
        schema.columns[position].name = name
        schema.columns[position].sourceName = name
        isRebuilt = true
    }
}

/// How numbers go on.
extension TableSchema {
    private var sequencesByColumn: [SequenceSchema] { sequences.sorted { $0.column < $1.column } }

    /// Positions of the sequences, in the order of their columns, by the names of the columns.
    func numbering(_ positions: [Int128]) -> [String: Int128] {
        var numbering: [String: Int128] = [:]
        for (sequence, position) in zip(sequencesByColumn, positions) {
            if let column = column(sequence.column) { numbering[column.name] = position }
        }
        return numbering
    }

    /// Where the sequences go on if the table comes after one with that numbering, in the order of their columns: never
    /// before that.
    ///
    /// A sequence follows its column by name. If the table numbers one column before and after, it is the same, whatever
    /// it is called: that matters to rows which a migration writes anew.
    ///
    /// - Returns: nil for sequences that nothing goes before.
    func positions(after numbering: [String: Int128]) -> [(start: SequenceSchema, position: Int128?)] {
        let names = Set(columns.map(\.name))
        let orphans = numbering.filter { !names.contains($0.key) }
        return sequencesByColumn.map { sequence in
            var before = column(sequence.column).flatMap { numbering[$0.name] }
            if before == nil, sequences.count == 1, numbering.count == 1 { before = orphans.first?.value }
            return (sequence, before.map { sequence.increment > 0 ? max(sequence.start, $0) : min(sequence.start, $0) })
        }
    }
}

extension Datastore {
    /// Lets the sequences of a new table go on behind a numbering.
    ///
    /// - Returns: true if there are others, which begin at their start.
    func continueSequences(of id: TableID, after numbering: [String: Int128]) throws(EngineError) -> Bool {
        guard let positions = schema(of: id)?.positions(after: numbering), !positions.isEmpty else { return false }
        try restartSequences(of: id, at: positions.map { $0.position ?? $0.start.start })
        return positions.contains { $0.position == nil }
    }
}
