import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

@testable import SpacetimeEngine

/// A row of a result as values, options for what may be missing.
typealias ResultRow = [AlgebraicValue]
/// Rows and how often they are there.
typealias ResultBag = [ResultRow: Int]

/// The tables of a model in a datastore.
struct ModelDatastore {
    var model: ModelDatabase
    let datastore = Datastore()
    let ids: [TableID]

    init(_ random: inout RandomValues, tables: Int = 3) throws {
        model = ModelDatabase(RandomSchema(&random, tables: tables))
        var ids: [TableID] = []
        for schema in model.schema.tables { ids.append(try datastore.createTable(schema.withConstraints)) }
        self.ids = ids
    }

    /// Makes random changes, and returns them as the datastore tells them.
    mutating func transact(_ random: inout RandomValues, upTo limit: Int = 6) throws -> ChangeSet {
        let changes = model.randomTransaction(&random, upTo: limit)
        let set = try datastore.transact { for change in changes { try apply(change) } }
        return set ?? ChangeSet()
    }

    private func apply(_ change: ModelDatabase.Change) throws {
        let table = ids[change.table]
        switch change {
        case .insert(_, var bytes): try datastore.insert(table, bytes: &bytes)
        case .delete(_, let bytes): _ = try bytes.withUnsafeBytes { try datastore.deleteRow(table, equalTo: $0) }
        case .update(_, var bytes): try datastore.update(datastore.index(table), bytes: &bytes)
        case .clear:
            for row in try datastore.rows(table) {
                _ = try row.withUnsafeBytes { try datastore.deleteRow(table, equalTo: $0) }
            }
        }
    }

    /// What a query means.
    func expected(_ query: BoundQuery, _ parameters: [AlgebraicValue], _ type: ProductType) throws -> [ResultRow] {
        let columns: [QueryColumn]?
        if case .columns(let list) = query.output { columns = list } else { columns = nil }
        return try model.evaluator(ids, parameters: parameters).run(query).map { row in
            row.enumerated().map { position, value in
                guard let columns else { return value ?? .unit }
                let expression = columns[position].value
                let isWrapped = expression.isNullable && expression.type.optionPayload == nil
                guard let value else { return .sum(tag: 1, .product([])) }
                return isWrapped ? .sum(tag: 0, value) : value
            }
        }
    }
}

extension TableSchema {
    /// Unique indexes need constraints.
    var withConstraints: TableSchema {
        var schema = self
        schema.uniqueConstraints = indexes.filter(\.isUnique).map {
            UniqueConstraintSchema(name: "\($0.name)_unique", columns: $0.columns)
        }
        return schema
    }
}

extension PlanRunner {
    func rows(over datastore: Datastore, budget: QueryBudget = QueryBudget()) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        try run(over: datastore, budget: budget) { rows += repeatElement(decoded(Array($0)), count: $1) }
        return rows
    }

    func rows(over snapshot: DatastoreSnapshot) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        try run(over: snapshot) { rows += repeatElement(decoded(Array($0)), count: $1) }
        return rows
    }

    func decoded(_ bytes: [UInt8]) -> ResultRow {
        guard case .product(let values)? = try? AlgebraicValue(bsatn: bytes, type: .product(plan.resultType)) else {
            preconditionFailure("\(bytes) are no \(plan.resultType)")
        }
        return values
    }
}

extension [ResultRow] {
    var bag: ResultBag { reduce(into: [:]) { $0[$1, default: 0] += 1 } }
}

extension BoundQuery {
    /// The types of sums are the engine's, which are wider than those of the random queries, and what is aggregated is said
    /// as the engine wants it: options by their payloads, since nil takes no part. Where an option may be missing, the engine
    /// knows one nil, and the values know two.
    var hasEngineTypes: Bool {
        func hasTwoNils(_ expression: Expression) -> Bool {
            expression.isNullable && expression.type.optionPayload != nil
        }
        if isDistinct, case .columns(let columns) = output, columns.contains(where: { hasTwoNils($0.value) }) {
            return false
        }
        guard let grouping else { return true }
        var fits =
            grouping.aggregates.allSatisfy { $0.argument?.type.optionPayload == nil }
            && !grouping.keys.contains(where: hasTwoNils)
        func check(_ expression: Expression) {
            switch expression {
            case .aggregate(let number, let type, let isNullable):
                let aggregate = grouping.aggregates[number]
                let result = aggregate.function.result(
                    of: aggregate.argument?.type, isNullable: aggregate.argument?.isNullable ?? false,
                    isGrouped: !grouping.keys.isEmpty)
                if result?.type != type || result?.isNullable != isNullable { fits = false }
            case .arithmetic(_, let left, let right), .compare(_, let left, let right):
                check(left)
                check(right)
            case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
                check(operand)
            case .and(let operands), .or(let operands): operands.forEach(check)
            case .field, .literal, .parameter, .key, .constant, .rows: break
            }
        }
        grouping.conditions.forEach(check)
        if case .columns(let columns) = output { columns.forEach { check($0.value) } }
        order.forEach { check($0.value) }
        return fits
    }

    /// The same without order and part.
    var unordered: BoundQuery {
        var query = self
        (query.order, query.limit, query.offset) = ([], nil, nil)
        return query
    }

    /// The values that its rows are ordered by, in that order.
    var orderKeys: BoundQuery {
        var query = self
        (query.limit, query.offset) = (nil, nil)
        query.isDistinct = false
        query.output = .columns(order.enumerated().map { QueryColumn("k\($0)", $1.value) })
        return query
    }
}
