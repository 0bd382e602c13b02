import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The views of a module, and the tables that hold their rows. They never change while a database is open.
///
/// The table of a view is ephemeral: nothing of it is logged or saved. Rows of a view that depends on its caller begin with the
/// caller's identity, in a column that nobody can name; so one table holds the rows of all callers, and a caller's are found by an
/// index.
struct ViewTables: Sendable {
    struct View: Sendable {
        /// Position in the module's schema.
        let position: Int
        let schema: ViewSchema
        let table: TableID
        /// Finds the rows of a caller; nil for a view that is the same for all.
        let callerIndex: IndexID?
    }

    /// In the order of the schema.
    let views: [View]
    private let byTable: [TableID: Int]

    static let none = ViewTables()

    private init() {
        views = []
        byTable = [:]
    }

    /// The column that tells callers apart.
    static let callerColumn = "caller of the view"

    /// Makes the tables.
    init(_ schema: ModuleSchema, in datastore: Datastore) throws(EngineError) {
        var views: [View] = []
        for (position, view) in schema.views.enumerated() {
            let table = try datastore.createTable(Self.schema(of: view), isEphemeral: true)
            views.append(
                View(
                    position: position, schema: view, table: table,
                    callerIndex: view.isAnonymous ? nil : datastore.indexIDs(of: table)[0]))
        }
        self.views = views
        byTable = Dictionary(uniqueKeysWithValues: views.map { ($0.table, $0.position) })
    }

    private static func schema(of view: ViewSchema) -> TableSchema {
        var columns = view.columns
        var hidden = 0
        if !view.isAnonymous {
            columns.insert(ColumnSchema(name: callerColumn, type: .identity), at: 0)
            hidden = 1
        }
        let key = view.primaryKey.map { ColumnID($0.rawValue + UInt16(hidden)) }
        var indexes: [IndexSchema] = []
        if hidden > 0 {
            indexes.append(IndexSchema(name: "\(view.name) by caller", algorithm: .btree, columns: [0]))
        }
        if !key.isEmpty {
            let unique = hidden > 0 ? [0] + key : key
            indexes.append(IndexSchema(name: "\(view.name) by key", algorithm: .btree, columns: unique, isUnique: true))
        }
        var schema = TableSchema(
            name: view.name, sourceName: view.sourceName, columns: columns, indexes: indexes,
            access: view.isPublic ? .public : .private)
        if !key.isEmpty {
            let unique = hidden > 0 ? [0] + key : key
            schema.uniqueConstraints = [UniqueConstraintSchema(name: "\(view.name) by key", columns: unique)]
            schema.primaryKey = key
        }
        return schema
    }

    /// The view whose rows a table holds.
    func view(_ table: TableID) -> View? { byTable[table].map { views[$0] } }
}
