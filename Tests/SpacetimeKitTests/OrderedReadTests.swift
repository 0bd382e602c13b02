import SpacetimeHost
import Testing

@testable import SpacetimeKit

/// Rows in order, from both ends and in part, over every kind of index.
@Suite struct OrderedReadTests {
    private func read(_ body: (Wild.TableHandles) throws -> Void) throws {
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 500)
        try db.read(body)
    }

    private func ids(_ rows: some Sequence<Beast>) -> [UInt32] { rows.map(\.id) }

    @Test func indexesGiveRowsInTheOrderOfTheirKeys() throws {
        try read { db in
            let all = Array(db.beast.rows)
            func expectSorted<Key: Comparable>(
                _ rows: Rows<Beast>, _ key: (Beast) -> Key, sourceLocation: SourceLocation = #_sourceLocation
            ) {
                #expect(rows.map(key) == all.map(key).sorted(), sourceLocation: sourceLocation)
                #expect(rows.reversed().map(key) == rows.map(key).reversed(), sourceLocation: sourceLocation)
            }
            // A hash, B-trees, a direct index; the hashes are sorted.
            expectSorted(db.beast.id.rows) { $0.id }
            expectSorted(db.beast.zone.rows) { $0.zone }
            expectSorted(db.beast.kind.rows) { $0.kind }
            expectSorted(db.beast.seat.rows) { $0.seat }
            expectSorted(db.beast.byZoneLevel.rows) { Int($0.zone) * 1_000 + Int($0.level) }
            #expect(db.beast.id.filter(100..<110).map(\.id) == Array(100..<110))
            #expect(db.beast.id.filter(100..<110).reversed().map(\.id) == Array(100..<110).reversed())
            #expect(db.beast.weight.rows.map(\.weight).last?.isNaN == true)
        }
    }

    @Test func reversedRowsAreTheSameRowsFromTheBack() throws {
        try read { db in
            for rows in [
                db.beast.rows, db.beast.where { $0.level > 3 }, db.beast.where { $0.zone == 2 },
                db.beast.where { [3, 5, 77].contains($0.id) }, db.beast.zone.filter(2), db.beast.zone.filter(-1...2),
                db.beast.zone.filter(100...), db.beast.seat.filter(7...300), db.beast.seat.filter(...0),
                db.beast.kind.filter(2), db.beast.kind.filter(2...), db.beast.byZoneLevel.filter(1),
                db.beast.byZoneLevel.filter(1, 2...5), db.beast.byZoneLevel.filter(1, 2),
            ] {
                let forward = ids(rows)
                #expect(ids(rows.reversed()) == forward.reversed())
                #expect(ids(rows.reversed().reversed()) == forward)
                for count in [0, 1, 5, 64, 65, 1_000] {
                    #expect(ids(rows.prefix(count)) == Array(forward.prefix(count)))
                    #expect(ids(rows.reversed().prefix(count)) == Array(forward.reversed().prefix(count)))
                    #expect(ids(rows.prefix(count).reversed()) == forward.prefix(count).reversed())
                    #expect(
                        ids(rows.prefix(count).reversed().prefix(3))
                            == Array(forward.prefix(count).reversed().prefix(3)))
                    #expect(
                        ids(rows.prefix(count).reversed().prefix(3).reversed())
                            == forward.prefix(count).reversed().prefix(3).reversed())
                    #expect(ids(rows.suffix(count)) == Array(forward.suffix(count)))
                    #expect(rows.prefix(count).count == min(count, forward.count))
                    #expect(
                        rows.reversed().prefix(count).select { $0.id }.map { $0 }
                            == forward.reversed().prefix(count).map { $0 })
                    #expect(Array(rows.select { $0.id }.prefix(count)) == Array(forward.prefix(count)))
                }
                #expect(rows.isEmpty == forward.isEmpty)
                #expect(rows.first?.id == forward.first)
                #expect(rows.last?.id == forward.last)
                #expect(rows.select { $0.id }.first == forward.first)
                #expect(rows.select { $0.id }.isEmpty == forward.isEmpty)
                #expect(rows.prefix(0).isEmpty)
            }
        }
    }

    @Test func theLeastAndTheGreatestKeyAreFound() throws {
        try read { db in
            #expect(db.beast.id.min() == 0 && db.beast.id.max() == 499)
            #expect(db.beast.zone.min() == -4 && db.beast.zone.max() == 4)
            #expect(db.beast.seat.min() == 0 && db.beast.seat.max() == 499)
            #expect(db.beast.kind.max() == 3)
            #expect(db.beast.weight.max()?.isNaN == true)
        }
        try Database.open(.inMemory, module: Wild.self).read { db in
            #expect(db.beast.id.min() == nil && db.beast.zone.max() == nil && db.beast.rows.last == nil)
            #expect(db.beast.rows.isEmpty && db.beast.rows.reversed().isEmpty && db.beast.seat.rows.reversed().isEmpty)
        }
    }

    @Test func directIndexesKeepTheirOrderBeyondTheirArray() throws {
        let module = Module("test") {
            Table(Stall.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let stalls = context.table(Stall.self)
                let numbers: [UInt64] = [5, 0, 1 << 20, 1 << 26, (1 << 26) - 1, 1 << 40, .max, 1023, 1024]
                for number in numbers { try stalls.insert(Stall(number: number)) }
                let sorted = numbers.sorted()
                #expect(stalls.number.rows.map(\.number) == sorted)
                #expect(stalls.number.rows.reversed().map(\.number) == sorted.reversed())
                for (lower, upper) in [(0, 5), (6, 1023), (1024, 1 << 26), (1 << 26, .max), (7, 8), (5, 5)]
                    as [(UInt64, UInt64)]
                {
                    let expected = sorted.filter { $0 >= lower && $0 <= upper }
                    #expect(stalls.number.filter(lower...upper).map(\.number) == expected)
                    #expect(stalls.number.filter(lower...upper).reversed().map(\.number) == expected.reversed())
                    #expect(stalls.number.count(lower...upper) == expected.count)
                }
            }
        }
        try Database.open(.inMemory, module: module).call("run", arguments: [])
    }

    @Test func aLoopFromTheBackSeesTheRowsOfItsBeginning() throws {
        let module = Module("test") {
            Table(Beast.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let beasts = context.table(Beast.self)
                for id in 0..<300 as Range<UInt32> { try beasts.insert(Wild.beast(id)) }
                for rows in [beasts.seat.rows, beasts.zone.rows, beasts.rows, beasts.zone.rows.prefix(100).reversed()] {
                    let expected = Array(rows.reversed().prefix(90)).map(\.id)
                    var seen: [UInt32] = []
                    for beast in rows.reversed().prefix(90) {
                        seen.append(beast.id)
                        try beasts.id.delete(beast.id)
                        try beasts.insert(beast)
                        try beasts.id.delete(299 - beast.id)
                        try beasts.insert(Wild.beast(299 - beast.id))
                    }
                    #expect(seen == expected)
                }
            }
        }
        try Database.open(.inMemory, module: module).call("run", arguments: [])
    }
}

@Table struct Stall {
    @PrimaryKey @Indexed(.direct) var number: UInt64
}
