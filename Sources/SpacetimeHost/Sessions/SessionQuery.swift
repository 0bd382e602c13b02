package import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// A query whose values are all parameters, made once for all who ask for it: known by its identity, so that nobody has to
/// compare what it says.
package final class PreparedQuery: Sendable {
    let query: BoundQuery

    init(_ query: BoundQuery) { self.query = query }
}

/// A query as a client asks it: what is asked, with a value for each parameter.
package struct SessionQuery: Sendable {
    package private(set) var query: BoundQuery
    /// In BSATN, in the order of the query's parameters.
    package private(set) var values: [[UInt8]]
    /// Nil if values may have to be lifted out of it.
    let prepared: PreparedQuery?

    package init(_ query: BoundQuery, values: [[UInt8]] = []) {
        self.query = query
        self.values = values
        prepared = nil
    }

    init(_ prepared: PreparedQuery, values: [[UInt8]]) {
        query = prepared.query
        self.values = values
        self.prepared = prepared
    }

    /// The rows of a table that meet a condition.
    package init(_ table: TableID, where condition: RowPredicate = .all) {
        self.init(
            BoundQuery(
                tables: [BoundQuery.Table(table)],
                conditions: condition == .all ? [] : [.rows(slot: 0, condition)]))
    }
}

extension SessionQuery {
    /// The same query with the values that it compares fields with lifted out into parameters, so that queries that differ
    /// in them only are of one kind. A list of values becomes one parameter, too.
    ///
    /// Only conditions that must all hold are looked into: a value inside of an alternative stays where it is.
    func lifted(_ catalog: Catalog) -> SessionQuery {
        var lifted = self
        // The conditions say which rows of a view are meant.
        for position in query.tables.indices { lifted.query.tables[position].arguments = [] }
        for position in query.conditions.indices {
            guard case .rows(let slot, let predicate) = query.conditions[position] else { continue }
            guard let schema = try? catalog.facts(of: query.tables[slot].id).schema else { continue }
            lifted.query.conditions[position] = .rows(slot: slot, lifted.lift(predicate, schema))
        }
        return lifted
    }

    private mutating func lift(_ predicate: RowPredicate, _ schema: TableSchema) -> RowPredicate {
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
