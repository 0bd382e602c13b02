package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// How the rows that meet a condition are found: through an index if one fits, and what is left to test on each row.
package struct ScanPlan: Hashable, Sendable {
    package enum Access: Hashable, Sendable {
        case table
        /// All columns of the index are given.
        case key(IndexID, [UInt8])
        case range(IndexID, IndexRange)
        /// Each of several values of a column is looked up.
        case keys(IndexID, KeyList)
    }

    package var access: Access
    /// Nil if every row of `access` meets the condition.
    package var rest: RowPredicate?

    package init(access: Access, rest: RowPredicate?) {
        self.access = access
        self.rest = rest
    }
}

/// Chooses the index for a condition. It knows the indexes of all tables, which never change while a database is open.
package struct Planner: Sendable {
    struct Candidate: Sendable {
        let id: IndexID
        let columns: [ColumnID]
        /// Which of them are optional.
        let isOption: [Bool]
        let isUnique: Bool
        let isOrdered: Bool
    }

    /// The indexes of each table, by table id.
    private var candidates: [[Candidate]] = []

    init(_ datastore: Datastore) {
        for table in datastore.tableIDs {
            while candidates.count <= Int(table.rawValue) { candidates.append([]) }
            guard let schema = datastore.schema(of: table) else { continue }
            for id in datastore.indexIDs(of: table) {
                guard let index = datastore.schema(of: id) else { continue }
                candidates[Int(table.rawValue)].append(
                    Candidate(
                        id: id, columns: index.columns,
                        isOption: index.columns.map { schema.columns[$0.index].type.optionPayload != nil },
                        isUnique: index.isUnique, isOrdered: index.algorithm != .hash))
            }
        }
    }

    /// The plan with the index that narrows the search most, judged by the form of the condition alone, without a look at
    /// the data: first an index whose whole unique key is given; then the one with the most columns that must equal a
    /// value; then one whose next column must be among listed values; then one with a range.
    func plan(_ predicate: RowPredicate, for table: TableID) -> ScanPlan {
        let full = ScanPlan(access: .table, rest: predicate == .all ? nil : predicate)
        guard Int(table.rawValue) < candidates.count, !candidates[Int(table.rawValue)].isEmpty else { return full }
        let parts = RowPredicate.conjuncts(of: predicate.normalTerms())
        var best: (score: Int, match: IndexMatch)?
        for candidate in candidates[Int(table.rawValue)] {
            let match = IndexMatch(candidate, parts)
            if match.score > best?.score ?? 0 { best = (match.score, match) }
        }
        return best.map { Self.plan($0.match, parts) } ?? full
    }

    /// A plan for each index that is of any use, so that tests can compare them.
    func allPlans(_ predicate: RowPredicate, for table: TableID) -> [ScanPlan] {
        let parts = RowPredicate.conjuncts(of: predicate.normalTerms())
        return candidates[Int(table.rawValue)].map { IndexMatch($0, parts) }.filter { $0.score > 0 }
            .map { Self.plan($0, parts) }
    }

    private static func plan(_ match: IndexMatch, _ parts: [IndexMatch.Part]) -> ScanPlan {
        let rest = parts.indices.filter { !match.used.contains($0) }.map { parts[$0] }
        return ScanPlan(access: match.access, rest: rest.isEmpty ? nil : RowPredicate(joining: rest))
    }

    /// Whether an index of a table is unique.
    func isUnique(_ index: IndexID, of table: TableID) -> Bool { candidate(index, of: table)?.isUnique ?? false }

    func candidate(_ index: IndexID, of table: TableID) -> Candidate? {
        candidates[Int(table.rawValue)].first { $0.id == index }
    }
}
