import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The views of a database, and the tables that hold their rows. They never change while a database is open.
///
/// The table of a view is ephemeral: nothing of it is logged or saved. It holds the rows of all callers, and of all arguments that
/// the view was called with: its first columns say whose each row is, and clients do not see them. An index over them finds the
/// rows of a caller.
struct ViewTables: Sendable {
    struct View: Sendable {
        let content: Content
        let schema: ViewSchema
        let table: TableID
        /// Columns in front of those that clients see: the caller, and then a column for each argument.
        let hiddenCount: Int
        /// Finds rows by the hidden columns; nil if there are none.
        let hiddenIndex: IndexID?
        /// Finds the row with a primary key; nil if there is none.
        let keyIndex: IndexID?
        /// Takes the hidden columns and the primary key out of a row.
        let keyCutter: RowCutter?
        let splitter: RowSplitter

        /// What makes the rows.
        enum Content: Sendable {
            /// A function of the module, by its position in the schema.
            case function(Int)
            /// The rules of row-level security: the rows of a table that the caller may see.
            case rules(of: TableID)
        }

        var isByCaller: Bool { !schema.isAnonymous }

        /// What clients see, as the schema of a table.
        var visibleSchema: TableSchema { ViewTables.schema(of: schema, hidden: []) }
    }

    /// Those of the module, in the order of its schema.
    private(set) var views: [View] = []
    /// By the table that is looked at instead of the one that rules guard.
    private(set) var guarded: [TableID: View] = [:]
    private var byTable: [TableID: View] = [:]

    var isEmpty: Bool { byTable.isEmpty }

    /// Makes the tables.
    init(_ schema: ModuleSchema, in datastore: Datastore) throws(EngineError) {
        for (position, view) in schema.views.enumerated() {
            views.append(try add(.function(position), view, Self.hiddenColumns(of: view), in: datastore))
        }
    }

    /// Makes a table for what each caller may see of a table.
    mutating func guardRows(of table: TableID, _ schema: TableSchema, in datastore: Datastore) throws(EngineError) {
        let view = ViewSchema(
            name: "visible rows of '\(schema.name)'", sourceName: schema.sourceName, index: 0, isPublic: true,
            columns: schema.columns, primaryKey: schema.primaryKey)
        guarded[table] = try add(.rules(of: table), view, Self.hiddenColumns(of: view), schema, in: datastore)
    }

    private mutating func add(
        _ content: View.Content, _ view: ViewSchema, _ hidden: [ColumnSchema], _ origin: TableSchema? = nil,
        in datastore: Datastore
    ) throws(EngineError) -> View {
        let schema = Self.schema(of: view, hidden: hidden, indexes: origin?.indexes ?? [])
        let table = try datastore.createTable(schema, isEphemeral: true)
        let indexes = datastore.indexIDs(of: table)
        let cutter: RowCutter?
        if let key = schema.uniqueConstraints.first {
            cutter = try RowCutter(key.columns.map(\.index), of: schema)
        } else {
            cutter = nil
        }
        let made = View(
            content: content, schema: view, table: table, hiddenCount: hidden.count,
            hiddenIndex: hidden.isEmpty ? nil : indexes[0],
            keyIndex: schema.uniqueConstraints.isEmpty ? nil : indexes[hidden.isEmpty ? 0 : 1], keyCutter: cutter,
            splitter: try RowSplitter(TableSchema(name: view.name, columns: view.columns)))
        byTable[table] = made
        return made
    }

    /// Their names are such that no column has them, and nobody need name them.
    private static func hiddenColumns(of view: ViewSchema) -> [ColumnSchema] {
        let caller = view.isAnonymous ? [] : [ColumnSchema(name: "caller of the view", type: .identity)]
        return caller + view.parameters.map { ColumnSchema(name: "argument '\($0.name)' of the view", type: $0.type) }
    }

    /// - Parameter indexes: further ones, over the columns that are seen.
    private static func schema(
        of view: ViewSchema, hidden: [ColumnSchema], indexes: [IndexSchema] = []
    ) -> TableSchema {
        func shifted(_ columns: [ColumnID]) -> [ColumnID] { columns.map { ColumnID($0.index + hidden.count) } }
        let all = hidden.indices.map { ColumnID($0) }
        let key = all + shifted(view.primaryKey)
        var made: [IndexSchema] = []
        if !hidden.isEmpty {
            made.append(IndexSchema(name: "\(view.name) by caller", algorithm: .hash, columns: all))
        }
        if !view.primaryKey.isEmpty {
            made.append(IndexSchema(name: "\(view.name) by key", algorithm: .hash, columns: key, isUnique: true))
        }
        for index in indexes {
            // For one caller, and for what concerns all of them at once.
            for columns in [shifted(index.columns), all + shifted(index.columns)]
            where !made.contains(where: { $0.columns == columns }) {
                made.append(
                    IndexSchema(
                        name: "\(view.name) by index \(made.count)",
                        algorithm: index.algorithm == .hash ? .hash : .btree,
                        columns: columns))
            }
        }
        var schema = TableSchema(
            name: view.name, sourceName: view.sourceName, columns: hidden + view.columns, indexes: made,
            access: view.isPublic ? .public : .private)
        if !view.primaryKey.isEmpty {
            schema.uniqueConstraints = [UniqueConstraintSchema(name: "\(view.name) by key", columns: key)]
            schema.primaryKey = shifted(view.primaryKey)
        }
        return schema
    }

    /// The view whose rows a table holds.
    func view(_ table: TableID) -> View? { byTable[table] }

    /// The table of a view of which a query returns all columns that are seen, by its position there.
    func wholeSlot(of query: BoundQuery) -> Int? {
        guard query.grouping == nil, case .columns(let columns) = query.output, let first = columns.first,
            case .field(let field) = first.value, let view = byTable[query.tables[field.slot].id],
            columns.count == view.schema.columns.count
        else { return nil }
        for (position, column) in columns.enumerated() {
            let path = FieldPath(ColumnID(position + view.hiddenCount))
            guard case .field(let other) = column.value, other.slot == field.slot, other.path == path,
                !other.isNullable
            else { return nil }
        }
        return field.slot
    }

    /// The table that clients are told rows are of: of what they may see of a table, that table.
    func shownTable(_ table: TableID) -> TableID {
        guard case .rules(let shown)? = byTable[table]?.content else { return table }
        return shown
    }
}

extension ViewTables.View {
    /// What each row of the view begins with in its table: the caller and the arguments.
    ///
    /// - Parameters:
    ///   - arguments: literals and parameters.
    ///   - values: those of the parameters.
    func key(
        for caller: Caller, _ arguments: [Expression], _ values: [[UInt8]]
    ) throws(DatabaseError) -> [UInt8] {
        guard arguments.count == schema.parameters.count else {
            throw DatabaseError(
                .badArguments,
                "the view '\(schema.sourceName)' takes \(schema.parameters.count) arguments, and was given \(arguments.count)"
            )
        }
        var key = isByCaller ? caller.identity.bsatn() : []
        for argument in arguments {
            switch argument {
            case .literal(let bytes, _): key += bytes
            case .parameter(let number, _) where values.indices.contains(number): key += values[number]
            default:
                throw DatabaseError(.badArguments, "an argument of the view '\(schema.sourceName)' has no value")
            }
        }
        return key
    }

    /// The arguments in a key.
    func arguments(in key: [UInt8]) -> [UInt8] { isByCaller ? Array(key.dropFirst(Identity.byteCount)) : key }
}

extension Identity {
    static var byteCount: Int { 32 }
}
