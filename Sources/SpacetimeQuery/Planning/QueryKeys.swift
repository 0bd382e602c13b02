package import SpacetimeEngine
package import SpacetimeSchema

/// Which rows of a query's tables there is one of at most, because unique columns of theirs have to equal known values.
package struct QueryKeys {
    private struct Table {
        /// Columns that together name one row.
        var keys: [[ColumnID]]
        /// Columns that must equal a literal or a parameter.
        var constants: Set<ColumnID> = []
        /// Columns that must equal a value of another table.
        var links: [(column: ColumnID, slot: Int)] = []
    }

    private var tables: [Table]

    package init(_ query: BoundQuery, _ schemas: [TableSchema]) {
        tables = schemas.map { schema in
            let keys = [schema.primaryKey] + schema.uniqueConstraints.map(\.columns)
            return Table(keys: keys.filter { !$0.isEmpty })
        }
        for condition in query.conditions { note(condition) }
    }

    private mutating func note(_ condition: Expression) {
        switch condition {
        case .rows(let slot, let predicate):
            for part in RowPredicate.conjuncts(of: predicate.normalTerms()) where part.count == 1 {
                switch part.first {
                case .compare(let path, .equal, _)? where path.namesColumn,
                    .compareParameter(let path, .equal, _)? where path.namesColumn:
                    tables[slot].constants.insert(path.column)
                default: break
                }
            }
        case .compare(.equal, .field(let left), .field(let right)) where left.slot != right.slot:
            if left.path.namesColumn { tables[left.slot].links.append((left.path.column, right.slot)) }
            if right.path.namesColumn { tables[right.slot].links.append((right.path.column, left.slot)) }
        default: break
        }
    }

    /// The tables of which there may be several rows for one row of each of some others.
    package func undetermined(by slots: [Int]) -> [Int] {
        var known = Set(slots)
        while let next = tables.indices.first(where: { !known.contains($0) && isDetermined($0, by: known) }) {
            known.insert(next)
        }
        return tables.indices.filter { !known.contains($0) }
    }

    private func isDetermined(_ slot: Int, by known: Set<Int>) -> Bool {
        let table = tables[slot]
        return table.keys.contains { key in
            key.allSatisfy { column in
                table.constants.contains(column)
                    || table.links.contains { $0.column == column && known.contains($0.slot) }
            }
        }
    }

    /// Whether a key of each of some tables is among columns, so that rows that are equal in these are one.
    package func haveKeys(_ columns: [QueryColumn], of slots: [Int]) -> Bool {
        slots.allSatisfy { slot in
            tables[slot].keys.contains { key in
                key.allSatisfy { column in
                    columns.contains {
                        guard case .field(let field) = $0.value else { return false }
                        return field.slot == slot && field.path == FieldPath(column)
                    }
                }
            }
        }
    }
}

extension FieldPath {
    /// True for a whole column, and for the value of an option.
    fileprivate var namesColumn: Bool { steps.isEmpty || steps == [.payload(0)] }
}
