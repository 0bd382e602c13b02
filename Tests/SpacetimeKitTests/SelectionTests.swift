import SpacetimeKit
import Testing

/// Columns at fixed places, behind strings and arrays, and behind things of other sizes.
@Table(.public, .unique("oneLabel", \.group, \.label))
struct Part: Equatable {
    @PrimaryKey var id: UInt64
    @Indexed var group: UInt16
    var label: String
    var weights: [UInt32]
    var price: Int32
    var code: [UInt8]
    var stock: Int64
    var note: String?
    var tags: [String]
    var last: UInt8
}

@Module enum Store {
    static let tables = Tables(Part.self)
    static let count: UInt64 = 300

    static func part(_ id: UInt64) -> Part {
        Part(
            id: id, group: UInt16(id % 7), label: String(repeating: "ü", count: Int(id % 50)) + "\(id)",
            weights: (0..<UInt32(id % 5)).map { $0 }, price: -Int32(id), code: Array(repeating: 9, count: Int(id % 3)),
            stock: Int64(id) << 33, note: id % 2 == 0 ? nil : "note \(id)",
            tags: (0..<id % 4).map { "tag\($0)" }, last: UInt8(id % 256))
    }

    @Reducer static func fill(_ context: borrowing Context) throws {
        for id in 0..<count { try context.db.part.insert(part(id)) }
    }
}

@Suite struct SelectionTests {
    private func read(_ body: (Store.TableHandles) throws -> Void) throws {
        let db = try Database.open(.inMemory, module: Store.self)
        try db.call(Store.fill)
        try db.read(body)
    }

    @Test func everyColumnIsWhatTheWholeRowHolds() throws {
        try read { db in
            let all = Array(db.part.rows)
            #expect(all.count == Int(Store.count))
            #expect(Array(db.part.rows.select { $0.id }) == all.map(\.id))
            #expect(Array(db.part.rows.select { $0.group }) == all.map(\.group))
            #expect(Array(db.part.rows.select { $0.label }) == all.map(\.label))
            #expect(Array(db.part.rows.select { $0.weights }) == all.map(\.weights))
            #expect(Array(db.part.rows.select { $0.price }) == all.map(\.price))
            #expect(Array(db.part.rows.select { $0.code }) == all.map(\.code))
            #expect(Array(db.part.rows.select { $0.stock }) == all.map(\.stock))
            #expect(Array(db.part.rows.select { $0.note }) == all.map(\.note))
            #expect(Array(db.part.rows.select { $0.tags }) == all.map(\.tags))
            #expect(Array(db.part.rows.select { $0.last }) == all.map(\.last))
        }
    }

    @Test func severalColumnsAreATuple() throws {
        try read { db in
            var seen = 0
            for (id, price) in db.part.rows.select({ ($0.id, $0.price) }) {
                #expect(price == -Int32(id))
                seen += 1
            }
            #expect(seen == Int(Store.count))
            for (last, stock, id) in db.part.rows.select({ ($0.last, $0.stock, $0.id) }) {
                #expect(stock == Int64(id) << 33 && UInt64(last) == id % 256)
            }
            for (label, id, note, group) in db.part.rows.select({ ($0.label, $0.id, $0.note, $0.group) }) {
                let part = Store.part(id)
                #expect(part.label == label && part.note == note && part.group == group)
            }
        }
    }

    @Test func filtersAndConditionsSelect() throws {
        try read { db in
            #expect(Set(db.part.group.filter(3).select { $0.id }) == Set(db.part.group.filter(3).map(\.id)))
            #expect(Array(db.part.group.filter(5...).select { $0.group }) == db.part.group.filter(5...).map(\.group))
            #expect(Array(db.part.where { $0.id == 9 }.select { $0.price }) == [-9])
            #expect(db.part.where { $0.id == 9 }.select { $0.price }.first == -9)
            #expect(db.part.where { $0.price > -10 }.select { ($0.id, $0.price) }.count == 10)
        }
    }

    @Test func singleRowsSelect() throws {
        try read { db in
            #expect(db.part.id.find(12) { $0.price } == -12)
            #expect(db.part.id.find(1_000) { $0.price } == nil)
            let pair = try #require(db.part.id.find(13, select: { ($0.price, $0.label) }))
            #expect(pair == (-13, Store.part(13).label))
            #expect(db.part.id.find(14, select: { ($0.stock, $0.id, $0.last) })?.0 == 14 << 33)
            #expect(db.part.id.find(14, select: { ($0.stock, $0.id, $0.last, $0.code) })?.3 == [9, 9])
            #expect(db.part.oneLabel.find(1, "no such label") { $0.id } == nil)
            #expect(db.part.oneLabel.find(1, Store.part(8).label, select: { ($0.id, $0.price) })?.0 == 8)
        }
    }

    @Test func selectedRowsAreThoseOfTheBeginning() throws {
        let module = Module("test") {
            Table(Part.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                for id in 0..<200 as Range<UInt64> { try context.table(Part.self).insert(Store.part(id)) }
                var seen: [UInt64] = []
                for (id, label) in context.table(Part.self).rows.select({ ($0.id, $0.label) }) {
                    #expect(label == Store.part(id).label)
                    seen.append(id)
                    try context.table(Part.self).id.delete(199 - id)
                }
                #expect(seen.sorted() == Array(0..<200))
                #expect(context.table(Part.self).isEmpty)
            }
        }
        try Database.open(.inMemory, module: module).call("run", arguments: [])
    }
}
