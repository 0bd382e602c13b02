import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// What the tables say that describe the module, and the host's own tables with it.
///
/// Ids of tables stay the same as long as the tables are there. Those of indexes, constraints and so on are counted in the
/// order of the tables, and are good for joins within one opening.
struct SystemRows {
    private let catalog: Catalog
    private let datastore: Datastore
    /// By the table's name, in the order in which they are made.
    private(set) var rows: [String: [[UInt8]]] = [:]
    /// The next id of each kind, of the host's own things and of the module's.
    private var ids: [String: (system: UInt32, user: UInt32)] = [:]
    private var ruleTexts: Set<String> = []

    init(_ catalog: Catalog, _ datastore: Datastore) {
        self.catalog = catalog
        self.datastore = datastore
        addModule()
        for table in SystemSchemas.all { add(table.schema, id: table.id, sequences: []) }
        for (position, schema) in catalog.schema.tables.enumerated() {
            let id = catalog.tableMap[position].id
            add(schema, id: Self.publicID(of: id), sequences: datastore.sequencePositions(of: id))
        }
        for view in catalog.viewTables.views {
            add(view.visibleSchema, id: Self.publicID(of: view.table), sequences: [])
        }
        for view in catalog.schema.views { add(view) }
        for rule in catalog.schema.rowLevelSecurity { add(rule: rule) }
    }

    /// The id by which clients know a table of the module.
    static func publicID(of table: TableID) -> UInt32 { SystemSchemas.firstUserID + table.rawValue }

    private mutating func add(_ table: String, _ values: [AlgebraicValue]) {
        rows[table, default: []].append(values.flatMap { $0.bsatn() })
    }

    private mutating func nextID(_ kind: String, isSystem: Bool) -> UInt32 {
        var next = ids[kind] ?? (1, SystemSchemas.firstUserID)
        defer { ids[kind] = next }
        if isSystem {
            next.system += 1
            return next.system - 1
        }
        next.user += 1
        return next.user - 1
    }

    private func columns(_ columns: [ColumnID]) -> AlgebraicValue { .array(columns.map { .u16($0.rawValue) }) }

    // MARK: The module

    private mutating func addModule() {
        // Of a module that is part of the host's own program the definition stands for the program.
        let hash = UInt256(bigEndianBytes: catalog.stored.programHash) ?? .zero
        add(
            "st_module",
            [
                .u256(catalog.identity.number), .u256(catalog.owner.identity.number),
                // WebAssembly (0), or neither that nor JavaScript (1); and no program to hand out.
                .u8(catalog.stored.program?.kind.rawValue ?? 2), .u256(hash), .bytes([]), .string("1.0.0"),
            ])
    }

    // MARK: Tables

    private mutating func add(_ table: TableSchema, id: UInt32, sequences: [Int128]) {
        let isSystem = table.kind == .system
        add(
            "st_table",
            [
                .u32(id), .string(table.name), .string(isSystem ? "system" : "user"),
                .string(table.access == .public ? "public" : "private"),
                table.primaryKey.isEmpty ? .none : .some(columns(table.primaryKey)),
            ])
        for (position, column) in table.columns.enumerated() {
            let type = AlgebraicValue.bytes(column.type.bsatn())
            add("st_column", [.u32(id), .u16(UInt16(position)), .string(column.name), type])
            if column.sourceName != column.name {
                add("st_column_accessor", [.string(table.name), .string(column.name), .string(column.sourceName)])
            }
        }
        for index in table.indexes { add(index, of: id, isSystem: isSystem) }
        for constraint in table.uniqueConstraints {
            add(
                "st_constraint",
                [
                    .u32(nextID("constraint", isSystem: isSystem)), .string(constraint.name), .u32(id),
                    .sum(tag: 1, .product([columns(constraint.columns)])),
                ])
        }
        let numbered = table.sequences.sorted { $0.column < $1.column }
        for (sequence, position) in zip(numbered, sequences) { add(sequence, at: position, of: id) }
        if let schedule = table.schedule {
            add(
                "st_scheduled",
                [
                    .u32(nextID("schedule", isSystem: false)), .u32(id), .string(schedule.functionName),
                    .string(schedule.name), .u16(schedule.column.rawValue),
                ])
        }
        if table.isEvent { add("st_event_table", [.u32(id)]) }
        if table.sourceName != table.name {
            add("st_table_accessor", [.string(table.name), .string(table.sourceName)])
        }
    }

    private mutating func add(_ index: IndexSchema, of table: UInt32, isSystem: Bool) {
        let algorithm: AlgebraicValue =
            switch index.algorithm {
            case .btree: .sum(tag: 1, .product([columns(index.columns)]))
            case .direct: .sum(tag: 2, .product([.u16(index.columns[0].rawValue)]))
            case .hash: .sum(tag: 3, .product([columns(index.columns)]))
            }
        add(
            "st_index",
            [.u32(nextID("index", isSystem: isSystem)), .u32(table), .string(index.name), algorithm])
        if index.sourceName != index.name {
            add("st_index_accessor", [.string(index.name), .string(index.sourceName)])
        }
    }

    private mutating func add(_ sequence: SequenceSchema, at position: Int128, of table: UInt32) {
        add(
            "st_sequence",
            [
                .u32(nextID("sequence", isSystem: false)), .string(sequence.name), .u32(table),
                .u16(sequence.column.rawValue), .i128(sequence.increment), .i128(sequence.start),
                .i128(sequence.minimum), .i128(sequence.maximum), .i128(position),
            ])
    }

    // MARK: Views and rules

    private mutating func add(_ view: ViewSchema) {
        let id = nextID("view", isSystem: false)
        let table = catalog.tableID(named: view.name).map { AlgebraicValue.some(.u32(Self.publicID(of: $0))) }
        add(
            "st_view",
            [
                .u32(id), .string(view.name), table ?? AlgebraicValue.none, .bool(view.isPublic),
                .bool(view.isAnonymous),
            ])
        for (position, parameter) in view.parameters.enumerated() {
            let type = AlgebraicValue.bytes(parameter.type.bsatn())
            add("st_view_param", [.u32(id), .u16(UInt16(position)), .string(parameter.name), type])
        }
        for (position, column) in view.columns.enumerated() {
            let type = AlgebraicValue.bytes(column.type.bsatn())
            add("st_view_column", [.u32(id), .u16(UInt16(position)), .string(column.name), type])
        }
    }

    private mutating func add(rule: RowRuleSchema) {
        let tables = catalog.tables.inside(rule.namespace)
        // The text is the key, and submodules may have equal ones, which mean tables of their own.
        let text = tables.spelledOut(rule.sql)
        guard
            let select = try? SQLBinder.select(rule.sql, in: tables, language: .oneOff, isOwner: true),
            case .rows(let slot) = select.query.output,
            // One that names its tables in full may stand in several modules, and is the same rule there.
            ruleTexts.insert(text).inserted
        else { return }
        add("st_row_level_security", [.u32(Self.publicID(of: select.query.tables[slot].id)), .string(text)])
    }
}

extension TransactionRunner {
    /// Fills the tables that describe the module, if nobody has asked for them yet. With the lock held, outside of a
    /// transaction.
    func fillSystemTables() throws(DatabaseError) {
        if hasSystemRows { return }
        hasSystemRows = true
        let rows = SystemRows(catalog, datastore).rows
        do throws(EngineError) {
            for (name, table) in catalog.systemTables.described {
                for row in rows[name] ?? [] {
                    try row.withBytes { bytes throws(EngineError) in try datastore.loadRow(bytes, into: table) }
                }
                try datastore.finishFilling(table)
            }
        } catch {
            throw DatabaseError(error)
        }
    }
}
