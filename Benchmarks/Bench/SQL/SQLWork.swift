/// A query of the `sql` benchmark, the same text for all systems.
enum SQLWork: String, CaseIterable {
    /// A row by its key.
    case point
    /// About a hundred rows by a range of an index.
    case range
    /// About a hundred pairs of rows of two tables.
    case join
    /// Some thousand rows in groups.
    case aggregate
    /// The ten greatest of the tenth of a table that meets a condition; no index helps.
    case top
    /// The ten greatest by an index.
    case indexedTop = "top-indexed"

    /// How values are written into the text: the first and, if there is one, the second.
    func text(_ first: String, _ second: String) -> String {
        switch self {
        case .point: "SELECT x, name FROM item WHERE id = \(first)"
        case .range: "SELECT id, x FROM item WHERE owner >= \(first) AND owner < \(second)"
        case .join:
            """
            SELECT i.id, s.level FROM seller s JOIN item i ON i.owner = s.id WHERE s.id >= \(first) AND s.id < \(second)
            """
        case .aggregate:
            """
            SELECT x, COUNT(*) AS n, SUM(y) AS total FROM item WHERE owner >= \(first) AND owner < \(second) GROUP BY x
            """
        case .top: "SELECT id, y FROM item WHERE x < \(first) ORDER BY y DESC LIMIT 10"
        case .indexedTop: "SELECT owner FROM item WHERE owner < \(first) ORDER BY owner DESC LIMIT 10"
        }
    }

    /// Owners of the ranges.
    private static let aggregatedOwners: UInt64 = 200

    /// How many values a query has.
    var valueCount: Int {
        switch self {
        case .point, .top, .indexedTop: 1
        case .range, .join, .aggregate: 2
        }
    }

    /// The values of the queries of a pass.
    func values(pass: Int, _ items: ItemWorkload) -> [(UInt64, UInt64)] {
        let starts = items.rangeStarts(pass: pass)
        switch self {
        case .point: return items.keys(pass: pass).map { ($0, 0) }
        case .range, .join: return starts.map { ($0, $0 + UInt64(ItemWorkload.ownersPerRange)) }
        case .aggregate: return starts.prefix(max(starts.count / 20, 2)).map { ($0, $0 + Self.aggregatedOwners) }
        case .top: return [(UInt64(pass % 100 + 50), 0)]
        case .indexedTop: return starts.map { ($0 + 1, 0) }
        }
    }

    var workload: String {
        switch self {
        case .point: "x and name of a row by its key"
        case .range: "key and x of about 100 rows by an index"
        case .join: "about 100 pairs of an item and its seller by indexes"
        case .aggregate: "count and sum by x of about 2,000 rows by an index"
        case .top: "the ten greatest y of about a tenth of the table, no index"
        case .indexedTop: "the ten last rows in front of a place in an index"
        }
    }
}
