package import SpacetimeEngine
import SpacetimeSchema

/// How the rows that meet a condition are found: through an index if one fits, and what is left to test on each row.
package struct ScanPlan: Hashable, Sendable {
    package enum Access: Hashable, Sendable {
        case table
        /// All columns of the index are given.
        case key(IndexID, [UInt8])
        case range(IndexID, IndexRange)
    }

    package var access: Access
    /// Nil if every row of `access` meets the condition.
    package var rest: RowPredicate?

    package init(access: Access, rest: RowPredicate?) {
        self.access = access
        self.rest = rest
    }
}

/// The indexes of all tables, as a choice of access needs them. Made once, when the tables are.
struct Planner: Sendable {
    private struct Candidate: Sendable {
        let id: IndexID
        let columns: [ColumnID]
        let isUnique: Bool
        let isOrdered: Bool
    }

    /// By table id.
    private var candidates: [[Candidate]] = []

    init(_ datastore: Datastore) {
        for table in datastore.tableIDs {
            while candidates.count <= Int(table.rawValue) { candidates.append([]) }
            for id in datastore.indexIDs(of: table) {
                guard let index = datastore.schema(of: id) else { continue }
                candidates[Int(table.rawValue)].append(
                    Candidate(
                        id: id, columns: index.columns, isUnique: index.isUnique, isOrdered: index.algorithm != .hash))
            }
        }
    }

    /// The index that narrows the search most, judged by the form of the condition alone: the whole key of a unique
    /// index wins, then whoever takes more equalities, then more ends of a range.
    func plan(_ predicate: RowPredicate, for table: TableID) -> ScanPlan {
        let full = ScanPlan(access: .table, rest: predicate == .all ? nil : predicate)
        guard Int(table.rawValue) < candidates.count, !candidates[Int(table.rawValue)].isEmpty else { return full }
        let parts = Self.conjuncts(of: predicate)
        var best: (score: Int, match: Match)?
        for candidate in candidates[Int(table.rawValue)] {
            let match = Match(candidate, parts)
            if match.score > best?.score ?? 0 { best = (match.score, match) }
        }
        guard let match = best?.match else { return full }
        let rest = parts.indices.filter { !match.used.contains($0) }.map { parts[$0] }
        return ScanPlan(access: match.access, rest: rest.isEmpty ? nil : rest.count == 1 ? rest[0] : .and(rest))
    }

    /// The conditions that must all hold. Without recursion: typed code nests one level per `&&`.
    private static func conjuncts(of predicate: RowPredicate) -> [RowPredicate] {
        var open = [predicate]
        var parts: [RowPredicate] = []
        while let next = open.popLast() {
            switch next {
            case .and(let inner): open.append(contentsOf: inner.reversed())
            case .all: break
            default: parts.append(next)
            }
        }
        return parts
    }

    /// What one index can do with the conditions.
    private struct Match {
        private let candidate: Candidate
        /// Values of the leading columns.
        private var prefix: [UInt8] = []
        private var prefixColumns = 0
        private var lower = IndexRange.Bound.unbounded
        private var upper = IndexRange.Bound.unbounded
        /// Positions of the conditions that the index answers.
        private(set) var used: [Int] = []

        init(_ candidate: Candidate, _ parts: [RowPredicate]) {
            self.candidate = candidate
            for column in candidate.columns {
                guard let position = parts.firstIndex(where: { Self.value($0, of: column, .equal) != nil }),
                    let value = Self.value(parts[position], of: column, .equal)
                else { break }
                prefix += value
                prefixColumns += 1
                used.append(position)
            }
            guard prefixColumns < candidate.columns.count else { return }
            guard candidate.isOrdered else {
                // A hash knows whole keys only.
                used = []
                return
            }
            addRange(on: candidate.columns[prefixColumns], parts)
        }

        private mutating func addRange(on column: ColumnID, _ parts: [RowPredicate]) {
            for (position, part) in parts.enumerated() {
                if lower == .unbounded, let value = Self.value(part, of: column, .greaterOrEqual) {
                    lower = .included(value)
                } else if lower == .unbounded, let value = Self.value(part, of: column, .greater) {
                    lower = .excluded(value)
                } else if upper == .unbounded, let value = Self.value(part, of: column, .lessOrEqual) {
                    upper = .included(value)
                } else if upper == .unbounded, let value = Self.value(part, of: column, .less) {
                    upper = .excluded(value)
                } else {
                    continue
                }
                used.append(position)
            }
        }

        private static func value(
            _ part: RowPredicate, of column: ColumnID, _ comparison: RowPredicate.Comparison
        ) -> [UInt8]? {
            guard case .compare(column, comparison, let value) = part else { return nil }
            return value
        }

        /// 0 if the index is of no use.
        var score: Int {
            if used.isEmpty { return 0 }
            let isWhole = prefixColumns == candidate.columns.count
            if isWhole && candidate.isUnique { return .max }
            // Columns count first, then the ends of a range; with a whole key the engine has less to do.
            return prefixColumns * 8 + (used.count - prefixColumns) * 2 + (isWhole ? 1 : 0)
        }

        var access: ScanPlan.Access {
            if prefixColumns == candidate.columns.count { return .key(candidate.id, prefix) }
            return .range(
                candidate.id,
                IndexRange(prefix: prefix, prefixColumns: prefixColumns, lower: lower, upper: upper))
        }
    }
}
