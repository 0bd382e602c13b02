package import SpacetimeEngine
import SpacetimeSATS

/// A query as a client asks it: what is asked, with a value for each parameter.
package struct SessionQuery: Hashable, Sendable {
    package var query: BoundQuery
    /// In BSATN, in the order of the query's parameters.
    package var values: [[UInt8]]

    package init(_ query: BoundQuery, values: [[UInt8]] = []) {
        self.query = query
        self.values = values
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
    func lifted() -> SessionQuery {
        var lifted = self
        for position in query.conditions.indices {
            guard case .rows(let slot, let predicate) = query.conditions[position] else { continue }
            lifted.query.conditions[position] = .rows(slot: slot, lifted.lift(predicate))
        }
        return lifted
    }

    private mutating func lift(_ predicate: RowPredicate) -> RowPredicate {
        var parts: [ArraySlice<RowPredicate.Term>] = []
        for part in RowPredicate.conjuncts(of: predicate.normalTerms()) {
            switch part.first {
            case .compare(let path, let comparison, let value)? where part.count == 1:
                parts.append([.compareParameter(path, comparison, add(value))])
            case .isIn(let path, let list)? where part.count == 1:
                parts.append([.isInParameter(path, add(list.array))])
            default: parts.append(part)
            }
        }
        return RowPredicate(joining: parts)
    }

    private mutating func add(_ value: [UInt8]) -> Int {
        values.append(value)
        // The value's type is that of the field; nobody asks for it again.
        query.parameters.append(QueryParameter(type: .bytes))
        return values.count - 1
    }
}
