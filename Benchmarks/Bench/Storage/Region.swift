import BenchHarness
import SpacetimeKit

/// A place of the world and what is there: 28 bytes, found by its number and by where it is.
@Table(.index("byPlace", \.x, \.z), .index("byDimension", \.dimension, \.x, \.z)) struct Tile {
    @PrimaryKey var id: UInt64
    var x: Int32
    var z: Int32
    var dimension: UInt32
    var kind: UInt32
    var height: Int32
}

/// Something that grows or stands on a place.
@Table struct Growth {
    @PrimaryKey var id: UInt64
    @Indexed var tile: UInt64
    var since: Int64
}

/// Somebody's thing, with a text.
@Table struct Belonging {
    @PrimaryKey var id: UInt64
    @Indexed var owner: UInt64
    var label: String
}

/// The tables of a region of a game: of 25 million rows 13 are tiles.
@Module enum Region {
    static let tables = Tables(Tile.self, Growth.self, Belonging.self)

    /// Adds the rows that make a share of a region: 13 tiles, 6 growths and 6 belongings for each.
    @Reducer static func fill(_ context: borrowing Context, first: UInt64, shares: UInt64) throws {
        for share in first..<(first + shares) {
            var random = SplitMix64(seed: share)
            for number in 0..<13 as Range<UInt64> { try context.db.tile.insert(tile(share * 13 + number, &random)) }
            for number in 0..<6 as Range<UInt64> {
                let id = share * 6 + number
                try context.db.growth.insert(
                    Growth(id: id, tile: random.next() % ((share + 1) * 13), since: Int64(id)))
                let label = String(repeating: "x", count: 8 + Int(random.next() % 40))
                try context.db.belonging.insert(Belonging(id: id, owner: random.next() >> 44, label: label))
            }
        }
    }

    /// Tiles come as a world is made, one square of 32 by 32 after the other.
    private static func tile(_ id: UInt64, _ random: inout SplitMix64) -> Tile {
        let square = Int32(truncatingIfNeeded: id >> 10)
        let x = square % 113 * 32 + Int32(id & 31)
        let z = square / 113 * 32 + Int32(id >> 5 & 31)
        return Tile(
            id: id, x: x, z: z, dimension: UInt32(random.next() & 3), kind: UInt32(random.next() % 200),
            height: Int32(random.next() % 128))
    }

    static let rowsPerShare = 25
}
