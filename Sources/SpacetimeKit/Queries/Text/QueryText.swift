package import SpacetimeEngine
package import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

extension QueryConvertible {
    /// The query in SQL, as a client sends it to a server whose module has these row types.
    ///
    /// Names and values are quoted, so that nothing in a value is taken for anything else. What is looked for by one table or by
    /// inner joins on one equality is said in the SQL of SpacetimeDB, too, as far as its conditions are; the rest needs a server
    /// of ours. A row that a semijoin finds through several rows is there several times.
    ///
    /// - Throws: `notPossible` for what has no words in SQL, `limitReached` if the text is longer than a server reads.
    package func sqlText() throws(DatabaseError) -> String { try QueryText.text(of: _draft) }
}

extension _QueryDraft {
    /// The condition, if the query is about the rows of one table and asks for nothing else.
    package var plainTerms: RowPredicate? { view == nil ? plainCondition : nil }

    /// Whether rows of one table alone decide, each by itself or together with the others of the table.
    package var isOfOneTable: Bool { joins.isEmpty }

    /// What its rows are called if not by the row type's own table: that of another table, or of a view.
    package var otherTable: String? { view?.name ?? table }
}

/// Says a typed query in SQL.
struct QueryText {
    /// A table of the query, or a view.
    private struct Source {
        let schema: TableSchema
        /// Behind `FROM` or `JOIN`.
        let reference: String
        /// In front of columns.
        var name: String
    }

    /// The longest statement that a server reads, in bytes.
    static let byteLimit = 50_000

    private var sources: [Source] = []
    /// The equality that each table but the first is joined by, if there is one.
    private var links: [Int: String] = [:]
    private var condition = Formula.constant(true)
    /// `:sender` may be asked for.
    let isRule: Bool

    private init(isRule: Bool) { self.isRule = isRule }

    /// - Parameter isRule: it is a rule of ``RowRules``.
    static func text(of draft: _QueryDraft, isRule: Bool = false) throws(DatabaseError) -> String {
        guard draft.keys == nil, draft.aggregates.isEmpty, !draft.isDistinct else {
            throw unsayable("groups, values that are computed and distinct values are no rows of a table")
        }
        var text = QueryText(isRule: isRule)
        let scope = try text.addTables(of: draft)
        try text.addConditions(of: draft, scope)
        let sql = try text.select(draft, scope)
        guard sql.utf8.count <= byteLimit else {
            throw DatabaseError(
                .limitReached,
                "the query takes \(sql.utf8.count) bytes of SQL, and servers read \(byteLimit); ask in several queries")
        }
        return sql
    }

    static func unsayable(_ what: String) -> DatabaseError {
        DatabaseError(.notPossible, "there are no words in SQL for the query: \(what)")
    }

    // MARK: The statement

    private func select(_ draft: _QueryDraft, _ scope: [Int]) throws(DatabaseError) -> String {
        let output = try outputSlot(draft, scope)
        var sql =
            sources.count == 1
            ? "SELECT * FROM \(sources[0].reference)"
            : "SELECT \(sources[output].name).* FROM \(sources[0].reference) AS \(sources[0].name)"
        for (slot, source) in sources.enumerated().dropFirst() {
            sql +=
                links[slot].map { " JOIN \(source.reference) AS \(source.name) ON \($0)" }
                ?? " CROSS JOIN \(source.reference) AS \(source.name)"
        }
        if condition != .constant(true) { sql += " WHERE \(condition)" }
        return sql + (try window(draft, scope))
    }

    /// The table whose rows the query returns.
    private func outputSlot(_ draft: _QueryDraft, _ scope: [Int]) throws(DatabaseError) -> Int {
        if let columns = draft.output, columns.count == 1, case .row(let position) = columns[0],
            scope.indices.contains(position)
        {
            return scope[position]
        }
        if draft.output == nil, scope.count == 1 { return scope[0] }
        throw Self.unsayable("what it returns are no whole rows of one table")
    }

    private func window(_ draft: _QueryDraft, _ scope: [Int]) throws(DatabaseError) -> String {
        var sql = ""
        for (number, term) in draft.order.enumerated() {
            sql += number == 0 ? " ORDER BY " : ", "
            sql += try operand(term.place.path, scope).text + (term.isDescending ? " DESC" : "")
        }
        guard draft.limit != nil || draft.offset != nil else { return sql }
        guard sources.count == scope.count else {
            throw Self.unsayable(
                "a limit on rows that a semijoin narrows would count one as often as it finds others for it")
        }
        for (word, count) in [("LIMIT", draft.limit), ("OFFSET", draft.offset)] {
            guard let count else { continue }
            guard count >= 0 else {
                throw DatabaseError(
                    .invalidQuery, "the \(word) of a query is \(count), and no number of rows; give it 0 or more")
            }
            sql += " \(word) \(count)"
        }
        return sql
    }

    // MARK: Tables

    private mutating func addTables(of draft: _QueryDraft) throws(DatabaseError) -> [Int] {
        guard draft.tableCount <= QuerySlot.limit else {
            throw DatabaseError(.limitReached, "the query joins \(draft.tableCount) tables; \(QuerySlot.limit) may be")
        }
        var scope = [try add(draft)]
        for join in draft.joins where join.kind != .semi {
            guard join.kind == .inner else { throw Self.unsayable("rows of a left join are no rows of one table") }
            scope.append(try add(join.right))
        }
        try addSemijoins(of: draft)
        for join in draft.joins where join.kind != .semi { try addSemijoins(of: join.right) }
        if sources.count > 1 { for slot in sources.indices { sources[slot].name = Self.quoted("t\(slot)") } }
        return scope
    }

    private mutating func addSemijoins(of draft: _QueryDraft) throws(DatabaseError) {
        for join in draft.joins where join.kind == .semi {
            _ = try add(join.right)
            try addSemijoins(of: join.right)
        }
    }

    private mutating func add(_ draft: _QueryDraft) throws(DatabaseError) -> Int {
        let schema = try draft.row._spacetimeSchema(named: draft.table)
        var name = Self.quoted(schema.name)
        var reference = name
        if let view = draft.view {
            name = Self.quoted(CaseConversion.snake(view.name))
            reference = name
            if !view.arguments.isEmpty {
                var arguments: [String] = []
                for (bytes, type) in zip(view.arguments, view.types) {
                    arguments.append(try Self.literal(try Self.value(bytes, type), type))
                }
                reference += "(\(arguments.joined(separator: ", ")))"
            }
        }
        sources.append(Source(schema: schema, reference: reference, name: name))
        return sources.count - 1
    }

    /// A name as it is, whatever it is made of.
    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    // MARK: Conditions

    private mutating func addConditions(of draft: _QueryDraft, _ scope: [Int]) throws(DatabaseError) {
        for (position, join) in draft.joins.lazy.filter({ $0.kind != .semi }).enumerated() {
            let slot = scope[position + 1]
            try add(join.condition, scope, linking: slot)
            try add(join.right.condition, [slot])
        }
        try add(draft.condition, scope)
        var next = scope.count
        try addSemijoinConditions(of: draft, scope[0], &next)
        for (position, join) in draft.joins.lazy.filter({ $0.kind != .semi }).enumerated() {
            try addSemijoinConditions(of: join.right, scope[position + 1], &next)
        }
    }

    /// - Parameter next: where the table of the next semijoin is.
    private mutating func addSemijoinConditions(
        of draft: _QueryDraft, _ left: Int, _ next: inout Int
    ) throws(DatabaseError) {
        for join in draft.joins where join.kind == .semi {
            let right = next
            next += 1
            try add(join.condition, [left, right], linking: right)
            try add(join.right.condition, [right])
            try addSemijoinConditions(of: join.right, right, &next)
        }
    }

    /// Adds what must hold. The first plain equality with an earlier table is what a table is joined by: the original takes it
    /// nowhere else.
    private mutating func add(
        _ predicate: RowPredicate, _ scope: [Int], linking slot: Int? = nil
    ) throws(DatabaseError) {
        do throws(EngineError) { try predicate.checkSize(table: sources[0].schema.name) } catch {
            throw DatabaseError(error)
        }
        for part in RowPredicate.conjuncts(of: predicate.normalTerms()) {
            if let slot, links[slot] == nil, part.count == 1,
                case .compareFields(let left, .equal, let right)? = part.first
            {
                let sides = try (operand(left, scope), operand(right, scope))
                if sides.0.isPlain, sides.1.isPlain, sides.0.slot != sides.1.slot,
                    max(sides.0.slot, sides.1.slot) == slot
                {
                    links[slot] = "\(sides.0.text) = \(sides.1.text)"
                    continue
                }
            }
            condition = .joined(condition, try formula(part, scope).holds, all: true)
        }
    }

    // MARK: Places

    /// A value that SQL names.
    struct Operand {
        let slot: Int
        var text: String
        /// An option's own type is what it wraps where ``isOption`` is set: SQL means that by the name.
        var type: AlgebraicType
        /// Some rows have nothing there.
        var isNullable = false
        /// The place holds an option as a whole.
        var isOption = false

        /// A column of a type that can be compared by itself.
        var isPlain: Bool { !isNullable && !isOption && QueryText.isComparable(type) }
    }

    /// What a path of a scope leads to, where an option stands for its value.
    func operand(_ path: FieldPath, _ scope: [Int]) throws(DatabaseError) -> Operand {
        var operand = try place(path, scope)
        if let payload = operand.type.optionPayload {
            if payload.optionPayload != nil || operand.isNullable { throw Self.nested(operand) }
            operand.type = payload
            operand.isOption = true
        }
        return operand
    }

    /// What a path of a scope leads to.
    func place(_ place: FieldPath, _ scope: [Int]) throws(DatabaseError) -> Operand {
        let (position, path) = QuerySlot.split(place)
        guard scope.indices.contains(position) else {
            throw DatabaseError(.invalidQuery, "a column of another query is used in this one")
        }
        let source = sources[scope[position]]
        guard let column = source.schema.column(path.column) else {
            throw DatabaseError(.invalidQuery, "there is no column \(path) in the table '\(source.schema.name)'")
        }
        var operand = Operand(
            slot: scope[position], text: "\(source.name).\(Self.quoted(column.name))", type: column.type)
        for step in path.steps { try Self.descend(step, &operand) }
        return operand
    }

    static func descend(_ step: FieldPath.Step, _ operand: inout Operand) throws(DatabaseError) {
        switch (step, operand.type) {
        case (.field(let position), .product(let product)) where product.elements.indices.contains(position):
            operand.text += ".\(quoted(product.elements[position].name ?? ""))"
            operand.type = product.elements[position].algebraicType
        case (.payload(0), let type) where type.optionPayload != nil:
            // A name that leads to an option means its value. An option in an option has no name of its own.
            if type.optionPayload?.optionPayload != nil { throw nested(operand) }
            operand.type = type.optionPayload ?? type
            operand.isNullable = true
        case (.payload(let tag), .sum(let sum)) where sum.variants.indices.contains(Int(tag)):
            operand.text += ".\(quoted(sum.variants[Int(tag)].name ?? ""))"
            operand.type = sum.variants[Int(tag)].algebraicType
            operand.isNullable = true
        default: throw DatabaseError(.invalidQuery, "there is nothing at a place of the query in these rows")
        }
    }

    static func nested(_ operand: Operand) -> DatabaseError {
        unsayable("\(operand.text) is an option where there may be nothing, and SQL knows one kind of missing")
    }
}
