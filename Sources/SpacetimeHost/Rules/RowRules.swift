import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Which rows of tables clients may see: the row-level security of a module.
///
/// A rule is a query in the language of subscriptions, whose table it guards. Of a table with rules a client sees the rows that
/// any of them returns for it; the owner sees all. Rules are read with the rights of the owner, so they may look into private tables;
/// other tables in a rule are themselves restricted by their rules.
struct RowRules: Sendable {
    /// The rules of each table, with the rules of other tables in them worked in.
    private let rules: [TableID: [BoundQuery]]

    static let none = RowRules(rules: [:])

    private init(rules: [TableID: [BoundQuery]]) { self.rules = rules }

    /// - Throws: `invalidModule` with all that is wrong with the rules.
    init(_ schema: ModuleSchema, _ catalog: SQLCatalog) throws(DatabaseError) {
        var written: [TableID: [BoundQuery]] = [:]
        var problems: [String] = []
        for text in schema.rowLevelSecurity {
            do throws(SQLError) {
                let select = try SQLBinder.select(text, in: catalog, language: .rule, isOwner: true)
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
        for table in written.keys.sorted() {
            worked[table] = Self.worked(table, written, [table], catalog, &problems)
        }
        if !problems.isEmpty {
            throw DatabaseError(
                .invalidModule, "rules of row-level security cannot be used: " + problems.joined(separator: "; "))
        }
        rules = worked
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

    /// A query as a client may ask it: with only those rows of each table that the client may see. Several queries where rules
    /// that join tables are alternatives; the result is that of all of them, and a row that two of them return is there twice.
    func restricted(_ query: SessionQuery, for caller: Caller, owner: Identity) -> [SessionQuery] {
        if rules.isEmpty || caller.identity == owner || !query.query.tables.contains(where: { rules[$0.id] != nil }) {
            return [query]
        }
        var forms = [query.query]
        for slot in query.query.tables.indices {
            guard let list = rules[query.query.tables[slot].id] else { continue }
            forms = Self.combined(forms, slot, list)
        }
        return forms.map { form in
            var form = form
            // A rule that finds several partners of a row admits it once.
            if form.tables.count > query.query.tables.count, query.query.tables.count == 1, form.grouping == nil,
                case .rows = form.output
            {
                form.isDistinct = true
            }
            let values = form.parameters.indices.map { position in
                position < query.values.count
                    ? query.values[position]
                    : QueryTexts.sender(caller.identity, as: form.parameters[position].type)
            }
            return SessionQuery(form, values: values)
        }
    }
}
