import SpacetimeKit
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@Table(.public)
struct Stone {
    @PrimaryKey var id: UInt32
    var x: Float
    var y: Int32
    var zone: String
}

@Module
enum Quarry {
    static let tables = Tables(Stone.self)

    @Reducer static func put(_ context: borrowing Context, stone: Stone) throws { try context.db.stone.upsert(stone) }
    @Reducer static func take(_ context: borrowing Context, id: UInt32) throws { try context.db.stone.id.delete(id) }
}

/// Queries that are found by where a row lies, or by which values it has, have exactly the rows of their conditions, whoever
/// comes and goes.
@Suite struct AreaSubscriptionTests {
    private struct Watched {
        let holds: (Stone) -> Bool
        let rows: LiveRows<Stone>
        let text: String
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func areasHaveTheRowsThatLieInThem(seed: UInt64) throws {
        var random = RandomValues(seed: seed)
        let test = try TestDatabase(Quarry.self)
        let client = try test.connect(as: "client")
        var stones: [UInt32: Stone] = [:]
        var watched: [Watched] = []
        for step in 0..<150 {
            switch random.below(10) {
            case 0..<2: watched.append(try Self.watch(&random, client))
            case 2 where !watched.isEmpty: watched.remove(at: random.below(watched.count)).rows.cancel()
            case 3:
                let id = UInt32(random.below(40))
                try client.call(Quarry.take, id)
                stones[id] = nil
            default:
                let stone = Self.stone(&random)
                try client.call(Quarry.put, stone)
                stones[stone.id] = stone
            }
            for entry in watched {
                let expected = stones.values.filter(entry.holds).map(\.id).sorted()
                #expect(
                    entry.rows.rows.map(\.id).sorted() == expected, "seed \(seed), step \(step): \(entry.text)")
            }
        }
    }

    private static let numbers: [Float] = [0, -0.0, 1, 2.5, 7, -3, 1e9, -1e20, .infinity, -.infinity, .nan]

    private static func number(_ random: inout RandomValues) -> Float {
        random.below(3) == 0 ? numbers[random.below(numbers.count)] : Float(random.below(2000)) / 10 - 100
    }

    private static func stone(_ random: inout RandomValues) -> Stone {
        Stone(
            id: UInt32(random.below(40)), x: number(&random), y: Int32(random.below(200)) - 100,
            zone: ["a", "b", ""][random.below(3)])
    }

    /// Floats are ordered with NaN behind all others.
    private static func isBefore(_ left: Float, _ right: Float) -> Bool {
        left.isNaN ? false : right.isNaN ? true : left < right
    }

    private static func watch(_ random: inout RandomValues, _ client: TestClient<Quarry>) throws -> Watched {
        let low = number(&random)
        let high = random.below(4) == 0 ? number(&random) : low + Float(random.below(60))
        let bottom = Int32(random.below(200)) - 100
        let top = bottom + Int32(random.below(50)) - 2
        let zones = [["a"], ["a", "b"], [], ["", "b", "c"]][random.below(4)]
        func inside(_ stone: Stone) -> Bool { !isBefore(stone.x, low) && !isBefore(high, stone.x) }
        switch random.below(6) {
        case 0:
            return Watched(
                holds: inside, rows: try client.subscribe(Stone.where { $0.x >= low && $0.x <= high }),
                text: "x in \(low)...\(high)")
        case 1:
            return Watched(
                holds: { inside($0) && $0.y > bottom && $0.y < top },
                rows: try client.subscribe(
                    Stone.where { $0.x >= low && $0.x <= high && $0.y > bottom && $0.y < top }),
                text: "x in \(low)...\(high), y in \(bottom)<..<\(top)")
        case 2:
            return Watched(
                holds: { $0.y >= bottom && zones.contains($0.zone) },
                rows: try client.subscribe(Stone.where { $0.y >= bottom && zones.contains($0.zone) }),
                text: "y from \(bottom), zone in \(zones)")
        case 3:
            return Watched(
                holds: { $0.x == low || $0.x.isNaN && low.isNaN },
                rows: try client.subscribe(Stone.where { $0.x == low }), text: "x is \(low)")
        case 4:
            // Values that are not all of one length.
            let zone = zones.joined()
            return Watched(
                holds: { inside($0) && Array($0.zone.utf8).lexicographicallyPrecedes(Array(zone.utf8)) },
                rows: try client.subscribe(Stone.where { $0.x >= low && $0.x <= high && $0.zone < zone }),
                text: "x in \(low)...\(high), zone before \(zone)")
        default:
            return Watched(
                holds: { $0.zone == "a" && $0.y != bottom && inside($0) },
                rows: try client.subscribe(
                    Stone.where { $0.zone == "a" && $0.y != bottom && $0.x >= low && $0.x <= high }),
                text: "zone a, y not \(bottom), x in \(low)...\(high)")
        }
    }
}
