import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Which rows of tables clients may see: the row-level security of a module.
///
/// A rule is a query in the language of subscriptions, whose table it guards. Of a table with rules a client sees the rows that
/// any of them returns for it, each once; the owner sees all. Rules are read with the rights of the owner, so they may look into
/// private tables; other tables in a rule are themselves restricted by their rules.
///
/// Where rules ask about the guarded row alone, they become a condition of the client's query. Where they join other tables, a row
/// may be admitted by several rules, and by several partners in each; so what a client may see of such a table is kept in a table
/// of its own, as the rows of a view are (``ViewTables``), and the client's query reads that one instead.
struct RowRules: Sendable {
    /// The rules of each table, with the rules of other tables in them worked in.
    private let rules: [TableID: [BoundQuery]]
    /// Tables of which each caller's rows are kept.
    private let guarded: Set<TableID>
    /// Event tables whose rule joins others; true if it may find several rows of these for one event.
    private let joinedEvents: [TableID: Bool]

    static let none = RowRules(rules: [:], guarded: [], joinedEvents: [:])

    private init(rules: [TableID: [BoundQuery]], guarded: Set<TableID>, joinedEvents: [TableID: Bool]) {
        self.rules = rules
        self.guarded = guarded
        self.joinedEvents = joinedEvents
    }

    /// - Throws: `invalidModule` with all that is wrong with the rules.
    init(_ schema: ModuleSchema, _ catalog: SQLCatalog) throws(DatabaseError) {
        var written: [TableID: [BoundQuery]] = [:]
        var problems: [String] = []
        for rule in schema.rowLevelSecurity {
            let text = rule.sql
            do throws(SQLError) {
                let select = try SQLBinder.select(
                    text, in: catalog.inside(rule.namespace), language: .rule, isOwner: true)
                if let problem = Self.problem(select.query, catalog) {
                    problems.append("\(problem): \(text)")
                } else if case .rows(let slot) = select.query.output {
                    written[select.query.tables[slot].id, default: []].append(select.query)
                }
            } catch {
                problems.append("\(error): \(text)")
            }
        }
        var worked: [TableID: [BoundQuery]] = [:]
        var guarded: Set<TableID> = []
        var joinedEvents: [TableID: Bool] = [:]
        for table in written.keys.sorted() {
            let list = Self.worked(table, written, [table], catalog, &problems)
            worked[table] = list
            if Self.asOne(list) != nil, list.allSatisfy({ $0.tables.count == 1 }) { continue }
            if catalog.table(table)?.schema.isEvent != true {
                guarded.insert(table)
            } else if list.count > 1 {
                // Its rows are in no table by the time that somebody is told of them.
                problems.append(
                    "the event table '\(catalog.table(table)?.schema.name ?? "")' has several rules, and one that joins other "
                        + "tables; there may be one rule, or several without joins")
            } else if let rule = list.first, case .rows(let slot) = rule.output {
                let schemas = rule.tables.map {
                    catalog.table($0.id)?.schema ?? TableSchema(name: "", columns: [] as [ColumnSchema])
                }
                joinedEvents[table] = !QueryKeys(rule, schemas).undetermined(by: [slot]).isEmpty
            }
        }
        if !problems.isEmpty {
            throw DatabaseError(
                .invalidModule, "rules of row-level security cannot be used: " + problems.joined(separator: "; "))
        }
        rules = worked
        self.guarded = guarded
        self.joinedEvents = joinedEvents
    }

    private static func problem(_ query: BoundQuery, _ catalog: SQLCatalog) -> String? {
        guard case .rows(let slot) = query.output else { return "a rule returns whole rows of one table" }
        if query.grouping != nil || query.isDistinct || query.limit != nil || query.offset != nil
            || !query.order.isEmpty
        {
            return "a rule has conditions and joins, and nothing else"
        }
        guard catalog.table(query.tables[slot].id)?.schema.access == .public else {
            return "a rule guards a public table; clients see nothing of a private one anyway"
        }
        for (position, table) in query.tables.enumerated() {
            guard let table = catalog.table(table.id) else { continue }
            if table.isView {
                return "a rule reads tables, and '\(table.schema.name)' is a view; join what the view reads"
            }
            if table.schema.isEvent, position != slot {
                return "a rule cannot look into the event table '\(table.schema.name)', which keeps no rows"
            }
        }
        return nil
    }

    /// The rules of a table, in which the other tables are restricted by theirs. A table joined to itself is not restricted
    /// again.
    private static func worked(
        _ table: TableID, _ written: [TableID: [BoundQuery]], _ way: [TableID], _ catalog: SQLCatalog,
        _ problems: inout [String]
    ) -> [BoundQuery] {
        var result: [BoundQuery] = []
        for rule in written[table] ?? [] {
            var forms = [rule]
            for slot in rule.tables.indices {
                let other = rule.tables[slot].id
                guard other != table, written[other] != nil else { continue }
                if way.contains(other) {
                    let names = (way + [other]).map { "'\(catalog.table($0)?.schema.name ?? "#\($0.rawValue)")'" }
                    problems.append("the rules of \(names.joined(separator: " and ")) need each other")
                    continue
                }
                let inner = worked(other, written, way + [other], catalog, &problems)
                forms = combined(forms, slot, inner)
            }
            result += forms
        }
        return result
    }

    /// Each query with one of its tables restricted by each of some rules.
    private static func combined(_ queries: [BoundQuery], _ slot: Int, _ rules: [BoundQuery]) -> [BoundQuery] {
        if let one = Self.asOne(rules) { return queries.map { $0.restricting(slot, to: one) } }
        return queries.flatMap { query in rules.map { query.restricting(slot, to: $0) } }
    }

    /// Rules on one table alone as one rule of alternatives, so that a row that several of them admit is there once.
    private static func asOne(_ rules: [BoundQuery]) -> BoundQuery? {
        guard let first = rules.first else { return nil }
        if rules.count == 1 { return first }
        guard rules.allSatisfy({ $0.tables.count == 1 }) else { return nil }
        var one = first
        one.parameters = []
        var alternatives: [Expression] = []
        for rule in rules {
            let numbers = rule.parameters.map { parameter in
                if let known = one.parameters.firstIndex(of: parameter) { return known }
                one.parameters.append(parameter)
                return one.parameters.count - 1
            }
            let conditions = rule.conditions.map { $0.moved(slots: [0], parameters: numbers) }
            alternatives.append(conditions.count == 1 ? conditions[0] : .and(conditions))
        }
        one.conditions = [Self.anyOf(alternatives)]
        return one
    }

    private static func anyOf(_ alternatives: [Expression]) -> Expression {
        var predicates: [RowPredicate] = []
        for alternative in alternatives {
            var parts: [RowPredicate] = []
            let conditions = if case .and(let list) = alternative { list } else { [alternative] }
            for condition in conditions {
                guard case .rows(0, let predicate) = condition else { return .or(alternatives) }
                parts.append(predicate)
            }
            predicates.append(.and(parts))
        }
        return .rows(slot: 0, .or(predicates))
    }

    // MARK: Using them

    var isEmpty: Bool { rules.isEmpty }

    /// Whether what a caller may see of the table is kept in a table of its own.
    func isGuarded(_ table: TableID) -> Bool { guarded.contains(table) }

    /// The queries whose rows together are what a caller may see of a table.
    func visibleRows(of table: TableID, for caller: Identity) -> [SessionQuery] {
        (rules[table] ?? []).map { rule in
            SessionQuery(rule, values: rule.parameters.map { QueryTexts.sender(caller, as: $0.type) })
        }
    }

    /// A query as a client may ask it: with only those rows of each table that the client may see.
    func restricted(_ query: SessionQuery, for caller: Caller, owner: Identity, _ views: ViewTables) -> SessionQuery {
        if rules.isEmpty || caller.identity == owner || !query.query.tables.contains(where: { rules[$0.id] != nil }) {
            return query
        }
        var form = query.query
        for slot in query.query.tables.indices {
            let table = query.query.tables[slot].id
            if let view = views.guarded[table] {
                form = form.looking(at: slot, through: view)
            } else if let list = rules[table], let rule = Self.asOne(list) {
                form = form.restricting(slot, to: rule)
            }
        }
        // A rule of an event table that finds several partners of a row admits it once.
        if query.query.returnsRowsOfOnlyTable, joinedEvents[query.query.tables[0].id] == true { form.isDistinct = true }
        let values = form.parameters.indices.map { position in
            position < query.values.count
                ? query.values[position] : QueryTexts.sender(caller.identity, as: form.parameters[position].type)
        }
        return SessionQuery(form, values: values)
    }
}

extension RowRules {
    /// Refuses to follow events in ways in which a rule that joins other tables could be noticed.
    ///
    /// - Throws: `invalidQuery`.
    func requireFollowable(_ query: BoundQuery, _ catalog: Catalog) throws(DatabaseError) {
        if joinedEvents.isEmpty { return }
        for table in query.tables {
            guard let isRepeating = joinedEvents[table.id] else { continue }
            let name = try catalog.facts(of: table.id).schema.name
            if isRepeating, !query.returnsRowsOfOnlyTable {
                throw DatabaseError(
                    .invalidQuery,
                    "the rule of the event table '\(name)' may find several rows of other tables for one event, which would then be "
                        + "told as often; subscribe to the rows of '\(name)' alone")
            }
            // Conditions on the event alone are asked before the rule has found its other tables.
            if query.conditions.contains(where: \.mayFail) {
                throw DatabaseError(
                    .invalidQuery,
                    "the rule of the event table '\(name)' joins other tables, so that arithmetic which may fail cannot be asked of "
                        + "its rows; compare columns with values")
            }
        }
    }
}

extension BoundQuery {
    fileprivate var returnsRowsOfOnlyTable: Bool {
        guard tables.count == 1, grouping == nil, case .rows = output else { return false }
        return true
    }

    /// The same query of what its caller may see of one of its tables.
    fileprivate func looking(at slot: Int, through view: ViewTables.View) -> BoundQuery {
        var query = replacing(slot, by: view.table, view.schema.columns, behind: view.hiddenCount)
        let sender = QueryParameter(name: "sender", type: .identity)
        let number: Int
        if let known = query.parameters.firstIndex(of: sender) {
            number = known
        } else {
            number = query.parameters.count
            query.parameters.append(sender)
        }
        let isCallers = Expression.rows(
            slot: slot, RowPredicate(.compareParameter(FieldPath(ColumnID(0)), .equal, number)))
        if query.tables[slot].outerCondition == nil {
            query.conditions.append(isCallers)
        } else {
            query.tables[slot].outerCondition?.append(isCallers)
        }
        return query
    }
}
