package import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// What a query says without its values.
package final class PreparedQuery: Sendable {
    let query: BoundQuery
    /// True if it was made once for all who ask for it: then it is known by its identity, and nobody has to compare what it
    /// says.
    let isShared: Bool

    init(_ query: BoundQuery, isShared: Bool) {
        self.query = query
        self.isShared = isShared
    }
}

/// A query as a client asks it: what is asked, with a value for each parameter.
package struct SessionQuery: Sendable {
    let prepared: PreparedQuery
    /// In BSATN, in the order of the query's parameters.
    package let values: [[UInt8]]

    package var query: BoundQuery { prepared.query }

    package init(_ query: BoundQuery, values: [[UInt8]] = []) {
        self.init(PreparedQuery(query, isShared: false), values: values)
    }

    init(_ prepared: PreparedQuery, values: [[UInt8]]) {
        self.prepared = prepared
        self.values = values
    }

    /// The rows of a table that meet a condition.
    package init(_ table: TableID, where condition: RowPredicate = .all) {
        self.init(
            BoundQuery(
                tables: [BoundQuery.Table(table)],
                conditions: condition == .all ? [] : [.rows(slot: 0, condition)]))
    }

    /// What its rows are called: the table that they are of, or that is named first.
    package func tableName(in catalog: Catalog) -> String {
        catalog.schema(of: query.tables[catalog.rowsSlot(of: query) ?? 0].id)?.name ?? ""
    }
}

extension BoundQuery {
    /// The same query with the values that it compares fields with lifted out into parameters, so that queries that differ
    /// in them only are of one kind. A list of values becomes one parameter, too.
    ///
    /// Only conditions that must all hold are looked into: a value inside of an alternative stays where it is.
    ///
    /// - Parameter values: of the parameters that it has.
    func lifted(_ catalog: Catalog, _ values: [[UInt8]] = []) -> (query: BoundQuery, values: [[UInt8]]) {
        var lifting = Lifting(query: self, values: values)
        // The conditions say which rows of a view are meant.
        for position in tables.indices { lifting.query.tables[position].arguments = [] }
        for position in conditions.indices {
            guard case .rows(let slot, let predicate) = conditions[position] else { continue }
            guard let schema = try? catalog.facts(of: tables[slot].id).schema else { continue }
            lifting.query.conditions[position] = .rows(slot: slot, lifting.lift(predicate, schema))
        }
        return (lifting.query, lifting.values)
    }
}

/// A query whose values are being lifted out.
private struct Lifting {
    var query: BoundQuery
    var values: [[UInt8]]

    mutating func lift(_ predicate: RowPredicate, _ schema: TableSchema) -> RowPredicate {
        var parts: [ArraySlice<RowPredicate.Term>] = []
        for part in RowPredicate.conjuncts(of: predicate.normalTerms()) {
            switch part.first {
            case .compare(let path, let comparison, let value)? where part.count == 1:
                guard let type = schema.type(of: path) else { return predicate }
                parts.append([.compareParameter(path, comparison, add(value, type))])
            case .isIn(let path, let list)? where part.count == 1:
                guard let type = schema.type(of: path) else { return predicate }
                parts.append([.isInParameter(path, add(list.array, .array(type)))])
            default: parts.append(part)
            }
        }
        return RowPredicate(joining: parts)
    }

    private mutating func add(_ value: [UInt8], _ type: AlgebraicType) -> Int {
        values.append(value)
        query.parameters.append(QueryParameter(type: type))
        return values.count - 1
    }
}
