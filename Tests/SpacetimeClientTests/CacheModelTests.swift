import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

/// The cache against dictionaries, by random messages of random bytes.
@Suite struct CacheModelTests {
    /// A row of a table of which nothing is known: bytes of any length, also none.
    private func someRow(_ dice: inout RandomValues) -> [UInt8] {
        let count = [0, 1, 7, 8, 9, 16, 40][dice.below(7)]
        return (0..<count).map { _ in UInt8(dice.below(2)) }
    }

    @Test func rowsAndCountsAreThoseOfADictionary() throws {
        var dice = RandomValues(seed: freshSeed())
        var cache = DatabaseCache(layouts: [], secret: dice.next())
        var model: [String: [[UInt8]: Int]] = ["a": [:], "b": [:]]
        for name in ["a", "b"] { cache.table(name).isWatched = true }
        for step in 0..<1_000 {
            var after = model
            var isWrong = false
            var sets: [V2.QuerySetUpdate] = []
            for set in 0..<UInt32(1 + dice.below(2)) {
                var tables: [V2.TableUpdate] = []
                for name in ["a", "b"] where dice.oneIn(2) {
                    var inserts: [[UInt8]] = []
                    for _ in 0..<dice.below(6) { inserts.append(someRow(&dice)) }
                    var deletes: [[UInt8]] = []
                    // Mostly rows that are there; sometimes one that comes in the same message; rarely any.
                    let present = (model[name] ?? [:]).keys.sorted { $0.lexicographicallyPrecedes($1) }
                    for _ in 0..<dice.below(6) where !present.isEmpty { deletes.append(dice.one(of: present)) }
                    if let row = inserts.last, dice.oneIn(3) { deletes.append(row) }
                    if dice.oneIn(40) { deletes.append(someRow(&dice)) }
                    for row in inserts { after[name]?[row, default: 0] += 1 }
                    for row in deletes { after[name]?[row, default: 0] -= 1 }
                    tables.append(
                        V2.TableUpdate(
                            table: name,
                            changes: [.persistent(inserts: RowList(inserts), deletes: RowList(deletes))]))
                }
                sets.append(V2.QuerySetUpdate(querySetID: set, tables: tables))
            }
            for name in ["a", "b"] {
                if after[name]?.values.contains(where: { $0 < 0 }) == true { isWrong = true }
                after[name] = after[name]?.filter { $0.value > 0 }
            }
            do throws(CacheViolation) {
                let changes = try cache.apply(sets, in: .current)
                #expect(!isWrong, "step \(step)")
                for name in ["a", "b"] {
                    let told = changes.first { $0.table == name }
                    let (before, now) = (Set((model[name] ?? [:]).keys), Set((after[name] ?? [:]).keys))
                    #expect(Set(rows(told?.inserted)) == now.subtracting(before), "step \(step)")
                    #expect(Set(rows(told?.deleted)) == before.subtracting(now), "step \(step)")
                    #expect(told?.updated.new.isEmpty != false)
                }
                model = after
            } catch {
                #expect(isWrong, "step \(step): \(error)")
            }
            for name in ["a", "b"] { expectEqual(cache.table(name), model[name] ?? [:], "step \(step)") }
        }
    }

    private func rows(_ packed: PackedRows?) -> [[UInt8]] {
        guard let packed else { return [] }
        return (0..<packed.count).map { packed[$0] }
    }

    private func expectEqual(_ table: TableCache, _ model: [[UInt8]: Int], _ comment: Comment) {
        var counts: [[UInt8]: Int] = [:]
        table.store.forEach { row in
            let bytes = table.store.bytes(of: row)
            counts[Array(bytes)] = table.store.references(bytes)
            return true
        }
        #expect(counts == model, comment)
        #expect(table.count == model.count, comment)
    }

    @Test func aRowThatComesAndGoesInOneMessageIsNotTold() throws {
        var cache = DatabaseCache(layouts: [try itemTable().layout], secret: 1)
        cache.table("item").isWatched = true
        let row = RowList([Item(id: 1, owner: 1, text: "x").bsatn()])
        let changes = try cache.apply(
            [
                V2.QuerySetUpdate(
                    querySetID: 1,
                    tables: [
                        V2.TableUpdate(table: "item", changes: [.persistent(inserts: RowList(), deletes: row)])
                    ]),
                V2.QuerySetUpdate(
                    querySetID: 2,
                    tables: [
                        V2.TableUpdate(table: "item", changes: [.persistent(inserts: row, deletes: RowList())])
                    ]),
            ], in: .current)
        let table = cache.table("item")
        #expect(changes.isEmpty)
        #expect(table.count == 0)
    }

    @Test func theBytesOfRowsThatHaveGoneAreUsedAgain() throws {
        var store = RowStore(hash: RowHash(secret: 1))
        let text = String(repeating: "x", count: 100)
        for round in 0..<100 as Range<UInt32> {
            for id in 0..<100 as Range<UInt32> {
                let row = Item(id: round * 100 + id, owner: 0, text: text).bsatn()
                let isRow = row.withUnsafeBytes { store.retain($0, in: .current) }
                #expect(isRow)
                if round > 0 {
                    let old = Item(id: (round - 1) * 100 + id, owner: 0, text: text).bsatn()
                    let wasThere = old.withUnsafeBytes { store.release($0, in: .current) }
                    #expect(wasThere)
                }
            }
            store.finish()
            store.discard()
        }
        let (count, rowBytes, reserved) = (store.count, store.rowBytes, store.reservedBytes)
        #expect(count == 100)
        #expect(rowBytes == 100 * 112)
        #expect(reserved < 200_000)
    }

    @Test func columnsAreFoundWhereverTheyLie() throws {
        struct Wide: SpacetimeType, Equatable {
            var flag: Bool
            var note: String?
            var numbers: [UInt16]
            var names: [String]
            var key: UInt64

            static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
                .product([
                    ("flag", .bool), ("note", String?.algebraicType(in: &types)),
                    ("numbers", [UInt16].algebraicType(in: &types)), ("names", [String].algebraicType(in: &types)),
                    ("key", .u64),
                ])
            }

            init(flag: Bool, note: String?, numbers: [UInt16], names: [String], key: UInt64) {
                (self.flag, self.note, self.numbers, self.names, self.key) = (flag, note, numbers, names, key)
            }

            init(from reader: inout BSATNReader) throws(BSATNError) {
                flag = try Bool(from: &reader)
                note = try String?(from: &reader)
                numbers = try [UInt16](from: &reader)
                names = try [String](from: &reader)
                key = try UInt64(from: &reader)
            }

            func encode(to writer: inout BSATNWriter) {
                flag.encode(to: &writer)
                note.encode(to: &writer)
                numbers.encode(to: &writer)
                names.encode(to: &writer)
                key.encode(to: &writer)
            }
        }
        var dice = RandomValues(seed: freshSeed())
        let layout = try TableDescription(Wide.self, name: "wide", primaryKey: "key").layout
        var cache = DatabaseCache(layouts: [layout], secret: dice.next())
        var rows: [Wide] = []
        for key in 0..<200 as Range<UInt64> {
            rows.append(
                Wide(
                    flag: dice.oneIn(2), note: dice.oneIn(2) ? nil : String(repeating: "ü", count: dice.below(9)),
                    numbers: (0..<dice.below(5)).map { UInt16($0) },
                    names: (0..<dice.below(4)).map { String(repeating: "n", count: $0) }, key: key))
        }
        _ = try cache.apply(
            [V2.TableRows(table: "wide", rows: RowList(rows.map { $0.bsatn() }))], isInsert: true, in: .current)
        for row in rows {
            var found: [Wide] = []
            try cache.table("wide").forEach(CacheSearch(columns: [4], key: [row.key.bsatn()])) {
                reader throws(BSATNError) in
                found.append(try Wide(from: &reader))
            }
            #expect(found == [row])
        }
        // A row that is cut off anywhere has no key, and is refused.
        let whole = rows[7].bsatn()
        for count in 0..<whole.count {
            var isRefused = false
            do throws(CacheViolation) {
                let rows = [V2.TableRows(table: "wide", rows: RowList([Array(whole.prefix(count))]))]
                _ = try cache.apply(rows, isInsert: true, in: .current)
            } catch { isRefused = true }
            #expect(isRefused, "a row of \(count) bytes")
        }
        let cached = cache.table("wide").count
        #expect(cached == rows.count)
    }

    /// What was described as a primary key is none: rows are found all the same, by that key and by the others.
    @Test func manyRowsOfOneKeyAreAllFound() throws {
        var cache = DatabaseCache(layouts: [try itemTable().layout], secret: 1)
        cache.table("item").isWatched = true
        let rows = (0..<500 as Range<UInt32>).map { Item(id: 7, owner: $0 % 3, text: "\($0)").bsatn() }
        for start in [0, 250] {
            let part = RowList(Array(rows[start..<start + 250]))
            _ = try cache.apply([V2.TableRows(table: "item", rows: part)], isInsert: true, in: .current)
        }
        let table = cache.table("item")
        #expect(table.count == 500)
        let isKeyed = table.store.isKeyed
        #expect(!isKeyed)
        #expect(table.find(CacheSearch(columns: [0], key: [(7 as UInt32).bsatn()])).count == 500)
        #expect(table.find(CacheSearch(columns: [1], key: [(1 as UInt32).bsatn()])).count == 167)
        let changes = try cache.apply(
            [V2.TableRows(table: "item", rows: RowList(rows))], isInsert: false, in: .current)
        #expect(changes.first?.deleted.count == 500)
        #expect(table.count == 0)
    }

    @Test func indexesOfDescriptionsThatComeLateHaveTheRowsThatAreThere() throws {
        var cache = DatabaseCache(layouts: [], secret: 1)
        let rows = (0..<10 as Range<UInt32>).map { Item(id: $0, owner: $0 % 2, text: "\($0)").bsatn() }
        _ = try cache.apply([V2.TableRows(table: "item", rows: RowList(rows))], isInsert: true, in: .current)
        cache.describe(try itemTable().layout)
        var found = 0
        cache.table("item").forEach(CacheSearch(columns: [1], key: [(1 as UInt32).bsatn()])) { _ in found += 1 }
        #expect(found == 5)
    }

    @Test func aTableThatIsDescribedInSeveralWaysHasTheIndexesOfAll() throws {
        let byHand = try itemTable().layout
        let columns = ["id", "ownerID", "text"]
        let plain = TableLayout(
            name: "item", columns: zip(columns, [.u32, .u32, .string]).map { TableLayout.Column(name: $0, type: $1) },
            primaryKey: [], indexes: [[2]])
        var cache = DatabaseCache(layouts: [plain], secret: 1)
        let rows = (0..<10 as Range<UInt32>).map { Item(id: $0, owner: $0 % 2, text: "\($0 % 5)").bsatn() }
        _ = try cache.apply([V2.TableRows(table: "item", rows: RowList(rows))], isInsert: true, in: .current)
        cache.describe(byHand)
        let merged = cache.table("item").layout
        #expect(merged?.primaryKey == [0])
        #expect(merged?.indexes == [[0], [2], [1], [2, 1]])
        // Described again, in either way, it stays what it is.
        for layout in [plain, byHand] {
            cache.describe(layout)
            let same = cache.table("item").layout
            #expect(same == merged)
        }
        let found = cache.table("item").find(CacheSearch(columns: [2, 1], key: ["3".bsatn(), (1 as UInt32).bsatn()]))
        #expect(found.count == 1)
        // Other columns are another description.
        cache.describe(TableLayout(name: "item", columns: [], primaryKey: [], indexes: []))
        let other = cache.table("item").layout
        #expect(other?.columns.isEmpty == true)
    }
}
