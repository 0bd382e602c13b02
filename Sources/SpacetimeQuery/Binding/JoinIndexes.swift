import SpacetimeEngine
import SpacetimeSchema

/// Whether a join can be kept up to date by look-ups.
struct JoinIndexes {
    /// A table of the query, and what is said of its columns.
    private struct Table {
        let schema: TableSchema
        let isView: Bool
        let isOuter: Bool
        /// Columns that must equal a constant.
        var constants: Set<ColumnID> = []
        /// Columns that are compared with values of other tables, and which.
        var links: [(column: ColumnID, isEquality: Bool, slots: Set<Int>)] = []
        var hasConditions = false
    }

    private var tables: [Table] = []

    init(_ query: BoundQuery, _ sources: [Scope.Source]) {
        for (table, source) in zip(query.tables, sources) {
            tables.append(
                Table(schema: source.table.schema, isView: source.table.isView, isOuter: table.outerCondition != nil))
        }
        for condition in query.conditions + query.tables.flatMap({ $0.outerCondition ?? [] }) { note(condition) }
    }

    private mutating func note(_ condition: Expression) {
        switch condition {
        case .rows(let slot, let predicate):
            tables[slot].hasConditions = true
            for part in RowPredicate.conjuncts(of: predicate.normalTerms()) where part.count == 1 {
                switch part.first {
                case .compare(let path, .equal, _)?, .compareParameter(let path, .equal, _)?:
                    if path.isColumn { tables[slot].constants.insert(path.column) }
                default: break
                }
            }
        case .compare(let comparison, let left, let right):
            guard comparison != .notEqual else { break }
            for (side, other) in [(left, right), (right, left)] {
                guard case .field(let field) = side, field.path.isColumn else { continue }
                var slots: Set<Int> = []
                other.forEachSlot { slots.insert($0) }
                guard !slots.isEmpty, !slots.contains(field.slot) else { continue }
                tables[field.slot].links.append((field.path.column, comparison == .equal, slots))
            }
        default: break
        }
    }

    // MARK: Ours

    /// Whether there is an order of the tables in which each after the first is found by an index: by values of those before
    /// it, or by constants if that is one row. Rows of event tables are there in one commit only, so they come first.
    var isIndexed: Bool {
        if tables.count < 2 { return true }
        return tables.indices.contains { first in
            if tables[first].isOuter { return false }
            var reached: Set<Int> = [first]
            var isGrowing = true
            while isGrowing, reached.count < tables.count {
                isGrowing = false
                for slot in tables.indices where !reached.contains(slot) && isFound(slot, from: reached) {
                    reached.insert(slot)
                    isGrowing = true
                }
            }
            return reached.count == tables.count
        }
    }

    private func isFound(_ slot: Int, from reached: Set<Int>) -> Bool {
        let table = tables[slot]
        if table.schema.isEvent { return false }
        if table.isOuter, !reached.isSuperset(of: 0..<slot) { return false }
        return table.schema.indexes.contains { index in
            var isLinked = false
            for (number, column) in index.columns.enumerated() {
                let links = table.links.filter { $0.column == column && reached.isSuperset(of: $0.slots) }
                if links.contains(where: \.isEquality) {
                    isLinked = true
                } else if !table.constants.contains(column) {
                    // The columns before have values. A hash index needs one for each of its columns.
                    if index.algorithm == .hash { return false }
                    return isLinked || !links.isEmpty && (number == 0 || index.algorithm == .btree)
                }
            }
            return isLinked || index.isUnique
        }
    }

    // MARK: The original's

    /// Whether the second of two tables is found by an index; the first if only the second has conditions.
    var isInOriginalOrder: Bool {
        if tables.count < 2 { return true }
        guard tables.count == 2 else { return false }
        let isSwapped = !isFiltered(0) && isFiltered(1)
        let lookedUp = isSwapped ? 0 : 1
        if tables[lookedUp].schema.isEvent { return false }
        let table = tables[lookedUp]
        return table.links.contains { link in
            link.isEquality
                && table.schema.indexes.contains { index in
                    index.columns.last == link.column
                        && index.columns.dropLast().allSatisfy { table.constants.contains($0) }
                }
        }
    }

    private func isFiltered(_ slot: Int) -> Bool { tables[slot].hasConditions || tables[slot].isView }
}

extension FieldPath {
    /// True for a whole column, and for the value of an option.
    fileprivate var isColumn: Bool { steps.isEmpty || steps == [.payload(0)] }
}

extension SQLBinder {
    func requireIndexes(_ query: BoundQuery, _ select: SQLSelect) throws(SQLError) {
        guard language.joins != .any, query.tables.count > 1 else { return }
        let joins = JoinIndexes(query, scope.sources)
        let isAllowed = language.joins == .indexed ? joins.isIndexed : joins.isInOriginalOrder
        if isAllowed { return }
        // What is checked last in the original, and said first here, since no index helps.
        if language.joins == .originalOrder, query.tables.count > 2 {
            throw unsupported("a join of \(query.tables.count) tables; 2 are", select.range)
        }
        throw error(
            .index,
            "not supported \(language.place): a join of columns without indexes; give the column that the tables are joined by"
                + " an index, in each of them", select.range)
    }
}
