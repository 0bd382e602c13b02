import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Looks up the tables of a typed query, and says the query as SQL would be bound: what both ask in the same way is then the
/// same query, planned once and shared by who subscribes to it.
struct QueryBinder {
    typealias TableLookUp = (_QueryDraft) throws(DatabaseError) -> (TableID, TableSchema)

    struct Source {
        let id: TableID
        let schema: TableSchema
        /// There may be no row of it.
        var isOuter = false
        var outerCondition: [Expression]?
    }

    private let lookUp: TableLookUp
    /// In the order of the query's tables: those of the scope, then those of semijoins.
    private(set) var sources: [Source] = []
    private var conditions = ConditionParts()

    /// - Throws: `invalidQuery` if the query combines what cannot be combined, `limitReached` if it is too large, and what
    ///   `lookUp` throws.
    static func bind(
        _ draft: _QueryDraft, _ lookUp: TableLookUp
    ) throws(DatabaseError) -> BoundQuery {
        try withoutActuallyEscaping(lookUp) { lookUp throws(DatabaseError) in
            var binder = QueryBinder(lookUp: lookUp)
            return try binder.query(draft)
        }
    }

    private init(lookUp: @escaping TableLookUp) { self.lookUp = lookUp }

    private mutating func query(_ draft: _QueryDraft) throws(DatabaseError) -> BoundQuery {
        guard draft.tableCount <= QuerySlot.limit else {
            throw DatabaseError(.limitReached, "the query joins \(draft.tableCount) tables; \(QuerySlot.limit) may be")
        }
        let scope = try addTables(of: draft)
        var query = BoundQuery(
            tables: sources.map { BoundQuery.Table($0.id, outerCondition: $0.outerCondition) },
            conditions: conditions.expressions)
        query.isDistinct = draft.isDistinct
        let values = try scopeValues(draft, scope, &query)
        query.output = try output(draft, scope, values)
        try requireOneRowEach(draft, scope, &query)
        for term in draft.order {
            query.order.append(OrderTerm(try values(term.place.path), isDescending: term.isDescending))
        }
        if draft.isDistinct { try requireSelected(query) }
        query.limit = try Self.count(draft.limit, "limit")
        query.offset = try Self.count(draft.offset, "offset")
        return query
    }

    /// A number of rows. It may come from whoever calls a reducer or a view, so one that is none is refused.
    private static func count(_ count: Int?, _ what: String) throws(DatabaseError) -> Expression? {
        guard let count else { return nil }
        guard let count = UInt64(exactly: count) else {
            throw DatabaseError(
                .invalidQuery, "the \(what) of a query is \(count), and no number of rows; give it 0 or more")
        }
        return .literal(count.bsatn(), .u64)
    }

    // MARK: Tables

    /// Adds the tables of a query and their conditions.
    ///
    /// - Returns: where the tables of its scope are among all.
    private mutating func addTables(of draft: _QueryDraft) throws(DatabaseError) -> [Int] {
        var scope = [try addTable(of: draft)]
        for join in draft.joins where join.kind != .semi {
            let slot = try addTable(of: join.right)
            scope.append(slot)
            let on = try parts(of: join.condition, scope)
            let own = try parts(of: join.right.condition, [slot])
            guard join.kind == .outer else {
                conditions.add(on)
                conditions.add(own)
                continue
            }
            guard join.right.joins.isEmpty else {
                throw DatabaseError(
                    .invalidQuery,
                    "the right side of a left join cannot have semijoins; join '\(sources[slot].schema.name)' as a table, and "
                        + "what narrows it after it")
            }
            // Until here each combination had a row of it.
            sources[slot].isOuter = true
            var outer = on
            outer.add(own)
            sources[slot].outerCondition = outer.expressions
        }
        conditions.add(try parts(of: draft.condition, scope))
        try addSemijoins(of: draft, scope[0])
        for (join, slot) in zip(draft.joins.lazy.filter { $0.kind != .semi }, scope.dropFirst()) {
            try addSemijoins(of: join.right, slot)
        }
        return scope
    }

    private mutating func addTable(of draft: _QueryDraft) throws(DatabaseError) -> Int {
        let (id, schema) = try lookUp(draft)
        sources.append(Source(id: id, schema: schema))
        return sources.count - 1
    }

    private mutating func addSemijoins(of draft: _QueryDraft, _ left: Int) throws(DatabaseError) {
        for join in draft.joins where join.kind == .semi {
            let right = try addTable(of: join.right)
            conditions.add(try parts(of: join.condition, [left, right]))
            conditions.add(try parts(of: join.right.condition, [right]))
            try addSemijoins(of: join.right, right)
        }
    }

    // MARK: Values

    /// A value of the scope, by its place.
    typealias Values = (FieldPath) throws(DatabaseError) -> Expression

    private func value(_ place: FieldPath, _ scope: [Int]) throws(DatabaseError) -> Expression {
        let (position, path) = QuerySlot.split(place)
        guard scope.indices.contains(position) else {
            throw DatabaseError(.invalidQuery, "a column of another query is used in this one")
        }
        let source = sources[scope[position]]
        guard let type = path.type(in: source.schema) else {
            throw DatabaseError(.invalidQuery, "there is no column \(path) in the table '\(source.schema.name)'")
        }
        return .field(
            QueryField(
                slot: scope[position], path: path, type: type, isNullable: source.isOuter || !path.isTotal))
    }

    /// The values that order and output are made of: those of rows or those of groups.
    private func scopeValues(
        _ draft: _QueryDraft, _ scope: [Int], _ query: inout BoundQuery
    ) throws(DatabaseError) -> Values {
        guard let keys = draft.keys else { return { [self] path throws(DatabaseError) in try value(path, scope) } }
        var grouping = Grouping(keys: [], aggregates: [])
        for key in keys { grouping.keys.append(try value(key.path, scope)) }
        var results: [Expression] = []
        for (position, aggregate) in draft.aggregates.enumerated() {
            var argument: Expression?
            if let place = aggregate.argument { argument = try value(place.path, scope) }
            guard
                let result = aggregate.function.result(
                    of: argument?.type, isNullable: argument?.isNullable == true, isGrouped: !keys.isEmpty)
            else { throw DatabaseError(.invalidQuery, "there is no \(aggregate.function) of such values") }
            // Counting what is always there is counting rows.
            if aggregate.function == .count, !aggregate.isDistinct, argument?.isNullable == false { argument = nil }
            grouping.aggregates.append(
                QueryAggregate(aggregate.function, of: argument, isDistinct: aggregate.isDistinct))
            results.append(.aggregate(position, result.type, isNullable: result.isNullable))
        }
        let keyValues = grouping.keys.enumerated().map {
            Expression.key($0.offset, $0.element.type, isNullable: $0.element.isNullable)
        }
        let values: Values = { path throws(DatabaseError) in
            guard path.steps.isEmpty else {
                throw DatabaseError(.invalidQuery, "groups have no optionals of optionals to compare")
            }
            let list: [Expression]
            let number: Int
            switch GroupPlace(path.column) {
            case .key(let position): (list, number) = (keyValues, position)
            case .aggregate(let position): (list, number) = (results, position)
            }
            guard list.indices.contains(number) else {
                throw DatabaseError(.invalidQuery, "a value of another query's groups is used in this one")
            }
            return list[number]
        }
        for part in try conjuncts(of: draft.groupCondition) {
            grouping.conditions.append(try Expression(part, values))
        }
        query.grouping = grouping
        return values
    }

    // MARK: Output

    private func output(
        _ draft: _QueryDraft, _ scope: [Int], _ values: Values
    ) throws(DatabaseError) -> QueryOutput {
        if draft.output == nil, scope.count == 1 { return .rows(slot: scope[0]) }
        var columns: [QueryColumn] = []
        for column in draft.output ?? scope.indices.map({ .row(slot: $0) }) {
            switch column {
            case .value(let place):
                let value = try values(place.path)
                columns.append(QueryColumn(name(of: value, draft), value))
            case .row(let position):
                guard scope.indices.contains(position) else {
                    throw DatabaseError(.invalidQuery, "a row of another query is selected in this one")
                }
                let schema = sources[scope[position]].schema
                for (number, column) in schema.columns.enumerated() {
                    let field = QueryField(
                        slot: scope[position], path: FieldPath(ColumnID(number)), type: column.type)
                    columns.append(QueryColumn(column.name, .field(field)))
                }
            }
        }
        var names: Set<String> = []
        for position in columns.indices where !names.insert(columns[position].name).inserted {
            columns[position].name += "_\(position + 1)"
            names.insert(columns[position].name)
        }
        return .columns(columns)
    }

    /// As SQL would name the column.
    private func name(of value: Expression, _ draft: _QueryDraft) -> String {
        switch value {
        case .field(let field): field.path.name(in: sources[field.slot].schema)
        case .key(let position, _, _): "key_\(position + 1)"
        case .aggregate(let position, _, _): "\(draft.aggregates[position].function)"
        default: "column"
        }
    }

    /// Of rows that are equal in what is selected one is left, so they have to have one place.
    private func requireSelected(_ query: BoundQuery) throws(DatabaseError) {
        guard case .columns(let columns) = query.output else { return }
        let selected = columns.map(\.value.unwrapped)
        if query.order.allSatisfy({ selected.contains($0.value.unwrapped) }) { return }
        throw DatabaseError(
            .invalidQuery,
            "distinct results are ordered by columns that are not selected, in which equal ones may differ; select these, too"
        )
    }

    // MARK: Semijoins

    /// Has each row once, although a semijoin may find several rows for one.
    private func requireOneRowEach(
        _ draft: _QueryDraft, _ scope: [Int], _ query: inout BoundQuery
    ) throws(DatabaseError) {
        guard query.tables.count > scope.count, !query.isDistinct else { return }
        let keys = QueryKeys(query, sources.map(\.schema))
        guard let several = keys.undetermined(by: scope).first else { return }
        let isInsensitive: Bool
        if let grouping = query.grouping {
            isInsensitive = grouping.aggregates.allSatisfy {
                $0.isDistinct || $0.function == .min || $0.function == .max
            }
        } else if case .columns(let columns) = query.output {
            isInsensitive = keys.haveKeys(columns, of: scope)
            query.isDistinct = isInsensitive
        } else {
            isInsensitive = true
            query.isDistinct = true
        }
        if isInsensitive { return }
        throw DatabaseError(
            .invalidQuery,
            "a semijoin may find several rows of '\(sources[several].schema.name)' for one row, which would be counted and "
                + "selected as often; make the columns that it is joined by unique there, select a key of the rows, too, or "
                + "distinct values")
    }
}

// MARK: - Conditions

extension QueryBinder {
    /// Conditions that must all hold: those about rows of one table, and others.
    struct ConditionParts {
        private var rows: [Int: [ArraySlice<RowPredicate.Term>]] = [:]
        private var others: [Expression] = []

        var expressions: [Expression] {
            rows.keys.sorted().map { .rows(slot: $0, RowPredicate(joining: rows[$0] ?? [])) } + others
        }

        mutating func add(_ part: [RowPredicate.Term], slot: Int) { rows[slot, default: []].append(part[...]) }

        mutating func add(_ part: Expression) { others.append(part) }

        mutating func add(_ parts: ConditionParts) {
            for (slot, terms) in parts.rows { rows[slot, default: []] += terms }
            others += parts.others
        }
    }

    private func conjuncts(of predicate: RowPredicate) throws(DatabaseError) -> [ArraySlice<RowPredicate.Term>] {
        do throws(EngineError) { try predicate.checkSize(table: sources[0].schema.name) } catch {
            throw DatabaseError(error)
        }
        return RowPredicate.conjuncts(of: predicate.normalTerms())
    }

    /// The parts of a condition on a scope.
    private func parts(of predicate: RowPredicate, _ scope: [Int]) throws(DatabaseError) -> ConditionParts {
        var parts = ConditionParts()
        for part in try conjuncts(of: predicate) {
            var slots: Set<Int> = []
            for term in part { for path in term.paths { slots.insert(QuerySlot.split(path).slot) } }
            // Of a table that may have no row "there is none" is an answer, too.
            if slots.count == 1, let position = slots.first, scope.indices.contains(position),
                !sources[scope[position]].isOuter
            {
                parts.add(part.map { $0.mapPaths { QuerySlot.split($0).path } }, slot: scope[position])
            } else {
                parts.add(try Expression(part) { path throws(DatabaseError) in try value(path, scope) })
            }
        }
        return parts
    }
}
