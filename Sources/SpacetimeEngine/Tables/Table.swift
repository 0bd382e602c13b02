import SpacetimeSATS
import SpacetimeSchema

/// What a table consists of: its rows, its indexes and the numbers it hands out. ``TableRef`` is what works with it.
struct Table: ~Copyable {
    let id: TableID
    let schema: TableSchema
    /// Behind pointers that never change, so that indexes can be handed the rows while they themselves are written.
    let rows: RowsRef
    var indexes: Buffer<TableIndex>
    /// The first unique index, by which the log names rows that have a key there; -1 if the table has none.
    let firstUnique: Int
    /// The first unique index in which every row has a key, through which an equal row is found; -1 if there is none.
    let identityIndex: Int
    /// The one unique index of a table with only one, whose key an update through it leaves alone; -1 otherwise, and for
    /// tables that are not logged, whose updates take the way on which that is noticed.
    let keptUnique: Int
    /// Rows live for one transaction.
    let isEvent: Bool
    /// The log and saved snapshots know nothing of the table: it is made anew whenever the database is opened.
    let isEphemeral: Bool
    /// No index identifies every row, and the table is a set all the same: an equal row is found through ``wholeRows``. An
    /// event table is none: without a key it is a log, in which equal rows are different events.
    let hashesWholeRows: Bool
    /// 0 if the table has one index and nothing else to keep right, so that there is nothing to do when a row changes and
    /// keeps its key there; else a number that nobody gives for an index.
    let soleIndex: Int
    /// Every row by the hash of its whole image, if ``hashesWholeRows``.
    var wholeRows = HashIndex()
    var sequences: Buffer<SequenceState>
    /// Scans that are open on this table, as a list through `ScanState.next`.
    var openScans: Ref<ScanState>?
    /// Commits report the changes of observed tables.
    var isObserved = false
    let seed: UInt64

    init(
        id: TableID, schema: TableSchema, isEphemeral: Bool = false, firstIndex: IndexID, seed: UInt64, pool: PagePool
    ) throws(EngineError) {
        let types = schema.columns.map(\.type)
        let layout: RowLayout
        do { layout = try RowLayout(types) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        if let size = layout.fixedSize, size > PageGeometry.rowByteLimit {
            throw .rowTooLarge(table: schema.name, byteCount: size, limit: PageGeometry.rowByteLimit)
        }
        if let reason = Self.faultOfKeys(schema) { throw .unsupportedSchema(table: schema.name, reason: reason) }
        let states = try Self.sequences(of: schema, types, layout)
        indexes = try Self.indexes(of: schema, firstIndex, types, layout, seed, pool)
        let identity = Self.identityIndex(indexes)
        self.id = id
        self.schema = schema
        self.seed = seed
        firstUnique = schema.indexes.firstIndex { $0.isUnique } ?? -1
        keptUnique = schema.indexes.count(where: \.isUnique) == 1 && !isEphemeral ? firstUnique : -1
        isEvent = schema.isEvent
        self.isEphemeral = isEphemeral
        identityIndex = identity
        hashesWholeRows = identity < 0 && !schema.isEvent
        soleIndex = indexes.count == 1 && (identity >= 0 || schema.isEvent) ? 0 : -2
        rows = RowsRef(TableRows(layout: layout, pool: pool))
        sequences = Buffer(states)
    }

    deinit { rows.destroy() }

    private static func identityIndex(_ indexes: borrowing Buffer<TableIndex>) -> Int {
        for position in 0..<indexes.count where indexes[position].isUnique && !indexes[position].exemptsNil {
            return position
        }
        return -1
    }

    /// Why the schema's indexes and keys cannot be kept; nil if they can.
    private static func faultOfKeys(_ schema: TableSchema) -> String? {
        for columns in schema.indexes.map(\.columns) + schema.uniqueConstraints.map(\.columns) + [schema.primaryKey]
        where columns.contains(where: { Int($0.rawValue) >= schema.columns.count }) {
            return "an index or a key names a column that is not there"
        }
        if schema.indexes.contains(where: { $0.columns.isEmpty }) { return "an index has no columns" }
        for constraint in schema.uniqueConstraints
        where !schema.indexes.contains(where: { $0.isUnique && Set($0.columns) == Set(constraint.columns) }) {
            return "unique constraint '\(constraint.name)' has no index on its columns"
        }
        return nil
    }

    private static func sequences(
        of schema: TableSchema, _ types: [AlgebraicType], _ layout: RowLayout
    ) throws(EngineError) -> [SequenceState] {
        var states: [SequenceState] = []
        for sequence in schema.sequences {
            let column = Int(sequence.column.rawValue)
            guard column < types.count, types[column].isInteger else {
                throw .unsupportedSchema(
                    table: schema.name, reason: "sequence '\(sequence.name)' is not on an integer column")
            }
            guard sequence.increment != 0 else {
                throw .unsupportedSchema(table: schema.name, reason: "sequence '\(sequence.name)' has no increment")
            }
            states.append(
                SequenceState(
                    schema: sequence, width: Int(layout.columns[column].fixedSize),
                    isSigned: types[column].isSignedInteger))
        }
        // Generated values are reported in column order.
        states.sort { $0.column < $1.column }
        return states
    }

    private static func indexes(
        of schema: TableSchema, _ firstIndex: IndexID, _ types: [AlgebraicType], _ layout: RowLayout, _ seed: UInt64,
        _ pool: PagePool
    ) throws(EngineError) -> Buffer<TableIndex> {
        var indexes = Buffer<TableIndex>(capacity: schema.indexes.count)
        for (offset, index) in schema.indexes.enumerated() {
            let constraint = schema.uniqueConstraints.first { Set($0.columns) == Set(index.columns) }
            let spec: KeySpec
            let isPrimary = Set(index.columns) == Set(schema.primaryKey)
            do {
                spec = try KeySpec(
                    columns: index.columns.map { Int($0.rawValue) }, types: types, layout: layout,
                    exemptsNil: index.isUnique && !isPrimary)
            } catch { throw .unsupportedSchema(table: schema.name, reason: error.reason) }
            indexes.append(
                TableIndex(
                    id: IndexID(firstIndex.rawValue + UInt32(offset)), schema: index,
                    constraintName: constraint?.name ?? index.name, spec: spec, seed: seed, pool: pool))
        }
        return indexes
    }
}
