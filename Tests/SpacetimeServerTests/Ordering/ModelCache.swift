import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// What a client keeps: each row with the number of queries that deliver it, as the specification wants it.
struct ModelCache {
    /// A table's name and the bytes of a row.
    struct Key: Hashable {
        let table: String
        let row: [UInt8]
    }

    private(set) var counts: [Key: Int] = [:]

    enum Problem: Error { case deletedWithoutBeingThere(Key) }

    /// Inserts before deletes, of all that a message holds.
    mutating func apply(inserts: [V2.TableRows], deletes: [V2.TableRows]) throws {
        for rows in inserts {
            for row in rows.rows.rows { counts[Key(table: rows.table, row: row), default: 0] += 1 }
        }
        for rows in deletes {
            for row in rows.rows.rows {
                let key = Key(table: rows.table, row: row)
                guard let count = counts[key] else { throw Problem.deletedWithoutBeingThere(key) }
                counts[key] = count == 1 ? nil : count - 1
            }
        }
    }

    mutating func apply(_ sets: [V2.QuerySetUpdate]) throws {
        var inserts: [V2.TableRows] = []
        var deletes: [V2.TableRows] = []
        for table in sets.flatMap(\.tables) {
            for case .persistent(let inserted, let deleted) in table.changes {
                inserts.append(V2.TableRows(table: table.table, rows: inserted))
                deletes.append(V2.TableRows(table: table.table, rows: deleted))
            }
        }
        try apply(inserts: inserts, deletes: deletes)
    }

    /// The one row that says which commit this is.
    func turn() throws -> Turn? {
        try counts.keys.first { $0.table == "turn" }.map { try Turn(bsatn: $0.row) }
    }

    func rows(of table: String) -> [[UInt8]: Int] {
        Dictionary(uniqueKeysWithValues: counts.filter { $0.key.table == table }.map { ($0.key.row, $0.value) })
    }
}

/// Queries whose rows the test can tell by itself.
enum ModelQuery: Hashable {
    case all
    case owner(UInt32)
    case below(UInt32)
    /// Of owners of a rank, which changes while it is watched.
    case rank(UInt32)

    var text: String {
        switch self {
        case .all: "SELECT * FROM parcel"
        case .owner(let owner): "SELECT * FROM parcel WHERE owner = \(owner)"
        case .below(let value): "SELECT * FROM parcel WHERE value < \(value)"
        case .rank(let rank):
            "SELECT parcel.* FROM parcel JOIN holder ON parcel.owner = holder.id WHERE holder.rank = \(rank)"
        }
    }

    func matches(_ thing: Parcel, _ moment: History.Moment) -> Bool {
        switch self {
        case .all: true
        case .owner(let owner): thing.owner == owner
        case .below(let value): thing.value < value
        case .rank(let rank): moment.ranks[thing.owner] == rank
        }
    }

    init(_ dice: inout Dice) {
        switch dice.below(4) {
        case 0: self = .all
        case 1: self = .owner(dice.below(5))
        case 2: self = .rank(dice.below(3))
        default: self = .below(dice.below(100))
        }
    }
}
