package import SpacetimeEngine
package import SpacetimeQuery
public import SpacetimeSATS
package import SpacetimeSchema
import Synchronization

/// What never changes about an open database: who it is, and what it has tables, indexes and reducers of. Anybody may read
/// it without the lock.
///
/// `Sendable` is unchecked only for the memory of ``tableMap``, which is written once, before anybody else sees it.
@usableFromInline
package final class Catalog: @unchecked Sendable {
    @usableFromInline package let identity: Identity
    @usableFromInline package let owner: Caller
    package let schema: ModuleSchema
    /// Names the commits from here on: not those of another run of the database, which may have lost some of these, nor those
    /// with another module.
    let history: UInt128
    /// What the files of this database say of its tables.
    package let stored: StoredSchema
    package let systemTables: SystemTables
    package let tableMap: TableMap
    /// By table id, the host's own tables included.
    private let facts: [TableFacts?]
    /// By index id.
    private let tableOfIndex: [TableID?]
    /// By index id, as ``TableFacts/findsOneRow``.
    private let findsOneRow: [Bool]
    /// Made when the first name is asked for.
    private let names = Mutex<Names?>(nil)
    /// Tables by the Swift type of their rows.
    private let rowTypes: [ObjectIdentifier: RowTables]
    package let planner: Planner
    let viewTables: ViewTables
    let plans = QueryPlans()
    /// What names in SQL may mean.
    package let tables: SQLCatalog
    /// Which rows clients may see.
    let rules: RowRules
    /// Routes of submodules, which nobody serves.
    let ignoredRoutes: [String]

    /// Finds the tables of a module in a datastore, or makes them.
    init(
        _ opening: Opening, from origin: Opening.Origin, in datastore: Datastore, history: UInt128
    ) throws(DatabaseError) {
        self.history = history
        let hidden = origin.succession?.hiddenTables ?? []
        identity = origin.identity
        owner = Caller(identity: origin.owner)
        schema = opening.schema
        ignoredRoutes = opening.definition.submodules.flatMap { $0.routes(in: "") }
        var ids: [(TableID, [IndexID])] = []
        // Not by the datastore's names: views of the module before may have the names of new tables.
        let known = Dictionary(
            origin.recovered?.schema.tables.map { ($0.name, $0.id) } ?? [], uniquingKeysWith: { first, _ in first })
        do throws(EngineError) {
            var systemTables = try SystemTables(in: datastore, for: opening.traits)
            for table in schema.tables {
                let id = if let id = known[table.name] { id } else { try datastore.createTable(table) }
                ids.append((id, datastore.indexIDs(of: id)))
            }
            // Behind all that are kept, whose ids are those in the files.
            try systemTables.describe(in: datastore, hiding: hidden)
            self.systemTables = systemTables
        } catch {
            throw DatabaseError(error)
        }
        (viewTables, tables, rules) = try Self.visible(schema, in: datastore, hiding: hidden)
        // What was migrated before stays known, whatever migrations the program still lists.
        stored = StoredSchema(
            identity: origin.identity, owner: origin.owner, definition: opening.definition, datastore,
            migrations: origin.recovered?.schema.migrations ?? opening.options.migrations.map(\.name),
            program: opening.storedProgram(behind: origin.recovered?.schema))
        facts = TableFacts.all(in: datastore, hiding: hidden)
        tableMap = TableMap(ids, facts, datastore)
        let tables = facts.compactMap(\.self)
        let indexCount = Int(tables.lazy.flatMap(\.indexes).max()?.rawValue ?? 0) + 1
        var tableOfIndex = [TableID?](repeating: nil, count: indexCount)
        var findsOneRow = [Bool](repeating: false, count: indexCount)
        for table in tables {
            for (index, isOne) in zip(table.indexes, table.findsOneRow) {
                tableOfIndex[Int(index.rawValue)] = table.id
                findsOneRow[Int(index.rawValue)] = isOne
            }
        }
        self.tableOfIndex = tableOfIndex
        self.findsOneRow = findsOneRow
        rowTypes = opening.module.rowTypes
        planner = Planner(datastore)
    }

    deinit { tableMap.deallocate() }

    /// Makes the tables of views; and tells what names in SQL may mean, and which rows clients may see.
    private static func visible(
        _ schema: ModuleSchema, in datastore: Datastore, hiding hidden: Set<TableID>
    ) throws(DatabaseError) -> (ViewTables, SQLCatalog, RowRules) {
        var views: ViewTables
        do throws(EngineError) { views = try ViewTables(schema, in: datastore) } catch { throw DatabaseError(error) }
        for view in schema.views {
            for parameter in view.parameters where parameter.type.hasFloats {
                throw DatabaseError(
                    .invalidModule,
                    "the view '\(view.sourceName)' is called with '\(parameter.name)', a floating-point number; 0 and -0 are equal, "
                        + "and would be two calls: take an integer, a number of thousandths for example")
            }
        }
        let named = TableFacts.all(in: datastore, hiding: hidden).compactMap(\.self)
        let tables = SQLCatalog(
            named.map { table in
                let view = views.view(table.id)
                return SQLCatalog.Table(
                    table.id, table.schema, isView: view != nil, isByCaller: view?.isByCaller ?? false,
                    parameters: view?.schema.parameters ?? [])
            })
        let rules = try RowRules(schema, tables)
        do throws(EngineError) {
            for table in named where rules.isGuarded(table.id) {
                try views.guardRows(of: table.id, table.schema, in: datastore)
            }
        } catch { throw DatabaseError(error) }
        return (views, tables, rules)
    }

    // MARK: Tables

    /// Whether a table's rows follow from the module and from other rows, so that they may be others with another module: those
    /// of views, and those that describe the module.
    func isDerived(_ table: TableID) -> Bool { viewTables.view(table) != nil || systemTables.describes(table) }

    func facts(of table: TableID) throws(DatabaseError) -> TableFacts {
        guard let facts = known(table) else { throw DatabaseError(.noSuchTable("#\(table.rawValue)")) }
        return facts
    }

    /// The schema of a table; nil if there is no such table.
    package func schema(of table: TableID) -> TableSchema? { known(table)?.schema }

    /// The table whose rows a query returns whole, as far as they are seen, by its position in the query.
    package func rowsSlot(of query: BoundQuery) -> Int? {
        if query.grouping == nil, case .rows(let slot) = query.output { return slot }
        return viewTables.wholeSlot(of: query)
    }

    private func known(_ table: TableID) -> TableFacts? {
        Int(table.rawValue) < facts.count ? facts[Int(table.rawValue)] : nil
    }

    /// The table that an index belongs to; nil if there is no such index.
    func table(of index: IndexID) -> TableID? {
        Int(index.rawValue) < tableOfIndex.count ? tableOfIndex[Int(index.rawValue)] : nil
    }

    /// The schema of an index; nil if there is no such index.
    package func schema(of index: IndexID) -> IndexSchema? {
        guard let table = table(of: index), let facts = known(table),
            let position = facts.indexes.firstIndex(of: index)
        else { return nil }
        return facts.schema.indexes[position]
    }

    /// What plans are compiled for, without the database's lock.
    var planTables: PlanTables {
        PlanTables(table: { [self] in schema(of: $0) }, index: { [self] in schema(of: $0) })
    }

    /// Whether a key of an index has one row at most; false if there is no such index.
    func findsOneRow(_ index: IndexID) -> Bool {
        Int(index.rawValue) < findsOneRow.count && findsOneRow[Int(index.rawValue)]
    }

    /// How many columns an index has; 0 if there is no such index.
    func columnCount(of index: IndexID) -> Int {
        schema(of: index)?.columns.count ?? 0
    }

    /// What names mean: canonical ones, and those in the module's code that are not another's canonical one.
    private struct Names {
        let tables: [String: TableID]
        let indexes: [String: IndexID]

        /// The first of several wins.
        init(_ facts: [TableFacts?]) {
            let all = facts.compactMap(\.self)
            let indexes = all.flatMap { zip($0.schema.indexes, $0.indexes) }
            tables = Dictionary(
                all.map { ($0.schema.name, $0.id) } + all.map { ($0.schema.sourceName, $0.id) },
                uniquingKeysWith: { first, _ in first })
            self.indexes = Dictionary(
                indexes.map { ($0.0.name, $0.1) } + indexes.map { ($0.0.sourceName, $0.1) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// A guest asks for all of its names again whenever one that was stopped is replaced, so they are not looked for each time.
    private func named<ID: Sendable>(_ find: (Names) -> ID?) -> ID? {
        names.withLock { names in
            if let names { return find(names) }
            let new = Names(facts)
            names = new
            return find(new)
        }
    }

    /// The table with a canonical name, else with that name in the module's code.
    func tableID(named name: String) -> TableID? { named { $0.tables[name] } }

    /// The index with a canonical name, else with that name in the module's code.
    func indexID(named name: String) -> IndexID? { named { $0.indexes[name] } }

    /// True if the caller may read the table: a private one is for the owner. To others it is as if it were not there.
    package func isReadable(_ table: TableID, by caller: Caller) -> Bool {
        guard let schema = known(table)?.schema else { return false }
        return schema.access == .public || caller.identity == owner.identity
    }

    /// What a client hears of a table that does not exist, and of one that it may not read.
    package static func noReadableTable(_ name: String) -> DatabaseError {
        DatabaseError(
            .noSuchTable,
            "there is no table '\(name)' for clients; check that the module lists it and that it is public: @Table(.public)"
        )
    }

    /// The position of the table whose rows have a Swift type.
    ///
    /// - Parameters:
    ///   - name: which table is meant, as clients or as the code see its name; nil for the type's own.
    ///   - rowType: the type, for messages.
    /// - Throws: `noSuchTable`.
    package func tablePosition(
        of row: ObjectIdentifier, named name: String? = nil, rowType: @autoclosure () -> String
    ) throws(DatabaseError) -> Int {
        guard let tables = rowTypes[row] else {
            throw DatabaseError(
                .noSuchTable, "the module has no table of \(rowType()); list it in the module's tables")
        }
        guard let name else {
            if let own = tables.own { return own }
            throw DatabaseError(
                .noSuchTable,
                "the module has no table of \(rowType()) that needs no name, but \(names(of: tables)); say which is meant"
            )
        }
        guard
            let position = tables.all.first(where: { schema.tables[$0].name == name })
                ?? tables.all.first(where: { schema.tables[$0].sourceName == name })
        else {
            throw DatabaseError(
                .noSuchTable,
                "the module has no table '\(name)' of \(rowType()), but \(names(of: tables)); check the name")
        }
        return position
    }

    private func names(of tables: RowTables) -> String {
        tables.all.map { "'\(schema.tables[$0].name)'" }.joined(separator: ", ")
    }
}

extension RawSubmodule {
    /// The routes that it and its own submodules define, as people would look for them.
    fileprivate func routes(in outer: String) -> [String] {
        let name = outer + namespace
        return module.httpRoutes.map { "'\($0.path)' of '\(name)'" }
            + module.submodules.flatMap { $0.routes(in: "\(name).") }
    }
}
