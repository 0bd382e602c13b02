import SpacetimeHost
import SpacetimeSATS
import Testing

@testable import SpacetimeKit

@SpacetimeType struct Spot: Equatable {
    var x: Float
    var label: String?
    var y: Int32
}
@SpacetimeType struct Area: Equatable {
    var name: String
    var corner: Spot
}
@SpacetimeType enum Feeling: Equatable { case happy, sad }
@SpacetimeType enum Tool: Equatable {
    case none, sword(UInt16), bow(arrows: UInt8, note: String?), pair(Int32, Int32)
}
@SpacetimeType enum Priority: Equatable { case low, middle, high }
extension Priority: OrderedColumnValue {}

/// Columns of everything that conditions can look into.
@Table(.public, .unscheduled, .index("byRoomSent", \.room, \.sent))
struct Job: Equatable {
    @PrimaryKey @Indexed(.btree) var id: UInt32
    var done: Bool
    @Indexed var owner: String?
    var age: Int32?
    var limit: Int32
    var area: Area
    var place: Spot?
    var tool: Tool
    var mood: Feeling
    var priority: Priority
    @Indexed var weight: Double
    var room: String
    var sent: Timestamp
    var when: ScheduleAt
}

@Module enum Work {
    static let tables = Tables(Job.self)

    static func job(_ id: UInt32) -> Job {
        let weights: [Double] = [0, -0.0, .nan, 1.5, -1.5, .infinity]
        let tools: [Tool] = [
            .none, .sword(UInt16(truncatingIfNeeded: id)),
            .bow(arrows: UInt8(id % 9), note: id % 2 == 0 ? nil : "n\(id % 4)"),
            .pair(Int32(id), -Int32(id)),
        ]
        let spot = Spot(x: Float(id % 11), label: id % 3 == 0 ? nil : "l\(id % 5)", y: Int32(id % 7) - 3)
        return Job(
            id: id, done: id % 3 == 1, owner: id % 4 == 0 ? nil : ["Ada", "Bob", "Adele"][Int(id % 3)],
            age: id % 5 == 0 ? nil : Int32(id % 50), limit: Int32(id % 23),
            area: Area(name: "area \(id % 6)", corner: spot), place: id % 2 == 0 ? spot : nil, tool: tools[Int(id % 4)],
            mood: id % 7 == 0 ? .sad : .happy, priority: [.low, .middle, .high][Int(id % 3)],
            weight: weights[Int(id % 6)], room: "room \(id % 3)",
            sent: Timestamp(microsecondsSinceUnixEpoch: Int64(id / 3)),
            when: id % 2 == 0
                ? .time(Timestamp(microsecondsSinceUnixEpoch: Int64(id)))
                : .interval(TimeDuration(microseconds: Int64(id))))
    }

    @Reducer static func fill(_ context: borrowing Context, count: UInt32) throws {
        for id in 0..<count { try context.db.job.insert(job(id)) }
    }

    @Reducer static func readTooMuch(_ context: borrowing Context) throws {
        try context.db.job.insert(job(1_000_000))
        _ = context.db.job.first { ConditionTests.enormous($0.id) }
    }

    @Reducer static func deleteTooMuch(_ context: borrowing Context) throws {
        try context.db.job.delete { ConditionTests.enormous($0.id) }
    }

    @Reducer static func tidy(_ context: borrowing Context, rooms: [String]) throws {
        let count = try context.db.job.delete { rooms.contains($0.room) && $0.done }
        guard count > 0 else { throw SenderError("there is nothing to tidy up") }
    }
}

@Suite struct ConditionTests {
    private func read(count: UInt32 = 300, _ body: (Work.TableHandles, [Job]) throws -> Void) throws {
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, count)
        try db.read { db in try body(db, Array(db.job.rows)) }
    }

    private func expect(
        _ db: Work.TableHandles, _ all: [Job], _ condition: (Job.Columns) -> some ConditionConvertible<Job>,
        _ holds: (Job) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let expected = all.filter(holds).map(\.id).sorted()
        #expect(db.job.where(condition).map(\.id).sorted() == expected, sourceLocation: sourceLocation)
        #expect(db.job.count(where: condition) == expected.count, sourceLocation: sourceLocation)
        #expect(db.job.contains(where: condition) == !expected.isEmpty, sourceLocation: sourceLocation)
        #expect(!expected.isEmpty && expected.count < all.count, "it tells nothing", sourceLocation: sourceLocation)
    }

    // MARK: What can be written

    @Test func boolColumnsAreConditions() throws {
        try read { db, all in
            expect(db, all, { $0.done }) { $0.done }
            expect(db, all, { !$0.done }) { !$0.done }
            expect(db, all, { $0.done && !($0.id < 30) || $0.mood == .sad }) {
                $0.done && $0.id >= 30 || $0.mood == .sad
            }
            expect(db, all, { $0.id < 30 && $0.done }) { $0.id < 30 && $0.done }
        }
    }

    @Test func optionalsCompareAsInSwiftAndNilIsBehindNothing() throws {
        try read { db, all in
            expect(db, all, { $0.owner == nil }) { $0.owner == nil }
            expect(db, all, { $0.owner != nil }) { $0.owner != nil }
            expect(db, all, { $0.owner == "Ada" }) { $0.owner == "Ada" }
            expect(db, all, { $0.owner != "Ada" }) { $0.owner != "Ada" }
            expect(db, all, { $0.age > 20 }) { $0.age.map { $0 > 20 } ?? false }
            expect(db, all, { $0.age <= 20 }) { $0.age.map { $0 <= 20 } ?? false }
            expect(db, all, { !($0.age <= 20) }) { !($0.age.map { $0 <= 20 } ?? false) }
            expect(db, all, { 20 < $0.age }) { $0.age.map { 20 < $0 } ?? false }
            expect(db, all, { $0.owner >= "Adele" }) { $0.owner.map { $0 >= "Adele" } ?? false }
            expect(db, all, { $0.owner > "Ada" && $0.owner < "B" }) { $0.owner == "Adele" }
            expect(db, all, { (10..<20).contains($0.age) }) { $0.age.map { (10..<20).contains($0) } ?? false }
        }
    }

    @Test func columnsCompareWithColumns() throws {
        try read { db, all in
            expect(db, all, { $0.age < $0.limit }) { job in job.age.map { $0 < job.limit } ?? false }
            expect(db, all, { $0.limit >= $0.age }) { job in job.age.map { job.limit >= $0 } ?? false }
            expect(db, all, { $0.limit > $0.area.corner.y }) { $0.limit > $0.area.corner.y }
            expect(db, all, { $0.area.corner.label == $0.place.label }) {
                $0.area.corner.label == $0.place?.label
            }
            expect(db, all, { $0.area.corner.label != $0.place.label }) {
                $0.area.corner.label != $0.place?.label
            }
            expect(db, all, { $0.area.corner == $0.area.corner && $0.done }) { $0.done }
            // One of them optional.
            expect(db, all, { $0.age == $0.limit }) { $0.age == $0.limit }
            expect(db, all, { $0.limit == $0.age }) { $0.age == $0.limit }
            expect(db, all, { $0.age != $0.limit }) { $0.age != $0.limit }
            expect(db, all, { $0.limit != $0.age }) { $0.age != $0.limit }
            expect(db, all, { $0.area.corner.y == $0.place.y }) { $0.area.corner.y == $0.place?.y }
            expect(db, all, { $0.place.y != $0.area.corner.y }) { $0.area.corner.y != $0.place?.y }
        }
    }

    @Test func fieldsOfStructsAreColumns() throws {
        try read { db, all in
            expect(db, all, { $0.area.corner.x > 3 }) { $0.area.corner.x > 3 }
            expect(db, all, { $0.area.corner.y < 0 }) { $0.area.corner.y < 0 }
            expect(db, all, { $0.area.name == "area 2" }) { $0.area.name == "area 2" }
            expect(db, all, { $0.area.corner.label == nil }) { $0.area.corner.label == nil }
            expect(db, all, { $0.area.corner.label == "l2" }) { $0.area.corner.label == "l2" }
            expect(db, all, { $0.place.x > 3 }) { $0.place.map { $0.x > 3 } ?? false }
            expect(db, all, { $0.place.x == nil }) { $0.place == nil }
            expect(db, all, { $0.place.label == nil }) { $0.place?.label == nil }
            expect(db, all, { $0.place.label == "l2" }) { $0.place?.label == "l2" }
            expect(db, all, { $0.place.label.hasPrefix("l") }) { $0.place?.label?.hasPrefix("l") ?? false }
            let spot = all[4].area.corner
            expect(db, all, { $0.area.corner == spot }) { $0.area.corner == spot }
            expect(db, all, { $0.place == spot }) { $0.place == spot }
        }
    }

    @Test func casesAndPayloadsAreColumns() throws {
        try read { db, all in
            expect(db, all, { $0.mood == .sad }) { $0.mood == .sad }
            expect(db, all, { $0.priority >= .middle }) { $0.priority != .low }
            expect(db, all, { $0.tool == .none }) { $0.tool == .none }
            expect(db, all, { $0.tool == .sword(9) }) { $0.tool == .sword(9) }
            expect(db, all, { $0.tool.sword > 100 }) {
                if case .sword(let size) = $0.tool { size > 100 } else { false }
            }
            expect(db, all, { $0.tool.sword != nil }) { if case .sword = $0.tool { true } else { false } }
            expect(db, all, { $0.tool.sword == nil }) { if case .sword = $0.tool { false } else { true } }
            expect(db, all, { $0.tool.bow != nil }) { if case .bow = $0.tool { true } else { false } }
            expect(db, all, { $0.tool.bow == nil }) { if case .bow = $0.tool { false } else { true } }
            expect(db, all, { $0.tool.bow.arrows < 4 }) {
                if case .bow(let arrows, _) = $0.tool { arrows < 4 } else { false }
            }
            expect(db, all, { $0.tool.bow.note == "n3" || $0.tool.pair.value1 < -100 }) {
                switch $0.tool {
                case .bow(_, let note): note == "n3"
                case .pair(_, let second): second < -100
                default: false
                }
            }
            expect(db, all, { $0.when.time > Timestamp(microsecondsSinceUnixEpoch: 100) }) {
                if case .time(let time) = $0.when { time.microsecondsSinceUnixEpoch > 100 } else { false }
            }
            let sizes: [UInt16?] = [1, 5, nil]
            expect(db, all, { sizes.contains($0.tool.sword) }) {
                if case .sword(let size) = $0.tool { size == 1 || size == 5 } else { true }
            }
        }
    }

    @Test func manyValuesAndRangesAreContained() throws {
        try read { db, all in
            let ids: Set<UInt32> = [3, 4, 99, 250, 100_000]
            expect(db, all, { ids.contains($0.id) }) { ids.contains($0.id) }
            expect(db, all, { !ids.contains($0.id) }) { !ids.contains($0.id) }
            let names = ["Ada", "Zoe"]
            expect(db, all, { names.contains($0.owner) }) { $0.owner == "Ada" }
            let optionalNames: [String?] = ["Ada", nil]
            expect(db, all, { optionalNames.contains($0.owner) }) { $0.owner == "Ada" || $0.owner == nil }
            expect(db, all, { (5...9).contains($0.limit) }) { (5...9).contains($0.limit) }
            expect(db, all, { (5...9).contains($0.limit) && ids.contains($0.id) }) {
                (5...9).contains($0.limit) && ids.contains($0.id)
            }
            let moods = [Feeling.sad]
            expect(db, all, { moods.contains($0.mood) }) { $0.mood == .sad }
            expect(db, all, { [1.5, -0.0].contains($0.weight) }) { $0.weight == 1.5 || $0.weight == 0 }
            #expect(db.job.count { [UInt32]().contains($0.id) } == 0)
            #expect(!db.job.contains { [UInt32]().contains($0.id) })
        }
    }

    @Test func prefixesAreBytesOfTexts() throws {
        try read { db, all in
            expect(db, all, { $0.owner.hasPrefix("Ad") }) { $0.owner?.hasPrefix("Ad") ?? false }
            expect(db, all, { $0.room.hasPrefix("room 1") }) { $0.room == "room 1" }
            expect(db, all, { $0.owner.hasPrefix("") }) { $0.owner != nil }
        }
    }

    /// Unlike Swift: NaN equals NaN and is greater than all numbers. Like Swift: the zeros are equal.
    @Test func floatsHaveTheOrderOfIndexes() throws {
        try read { db, all in
            expect(db, all, { $0.weight == .nan }) { $0.weight.isNaN }
            expect(db, all, { $0.weight > .infinity }) { $0.weight.isNaN }
            expect(db, all, { $0.weight == 0 }) { $0.weight == 0 }
            expect(db, all, { $0.weight == -0.0 }) { $0.weight == 0 }
            expect(db, all, { $0.weight < 0 }) { $0.weight < 0 }
        }
    }

    @Test func selectReachesIntoStructs() throws {
        try read { db, all in
            #expect(Array(db.job.rows.select { $0.area.corner.y }) == all.map(\.area.corner.y))
            #expect(Array(db.job.rows.select { $0.area.corner.label }) == all.map(\.area.corner.label))
            #expect(Array(db.job.rows.select { $0.area.name }) == all.map(\.area.name))
            #expect(db.job.rows.select { ($0.id, $0.area.corner.x) }.map(\.1) == all.map(\.area.corner.x))
        }
    }

    // MARK: Any shape, any size

    @Test func conditionsOfManyTermsWork() throws {
        try read { db, all in
            let ids = (0..<2_000).map { UInt32($0) * 2 }
            func any(_ column: Column<Job, UInt32>) -> Condition<Job> {
                ids.dropFirst().reduce(column == ids[0]) { $0 || column == $1 }
            }
            expect(db, all, { any($0.id) }) { $0.id % 2 == 0 }
            expect(db, all, { !any($0.id) }) { $0.id % 2 == 1 }
            expect(db, all, { column in ids.reduce(column.id != 1) { $0 && column.id != $1 } }) {
                $0.id % 2 == 1 && $0.id != 1
            }
            // To the right instead of to the left, and alternating.
            expect(db, all, { column in ids.reduce(column.id == 1) { column.id == $1 || $0 } }) {
                $0.id % 2 == 0 || $0.id == 1
            }
            expect(
                db, all,
                { column in
                    ids.reduce(column.done._condition) { $1 % 4 == 0 ? column.id == $1 || $0 : column.id != $1 && $0 }
                }
            ) { job in ids.reduce(job.done) { $1 % 4 == 0 ? job.id == $1 || $0 : job.id != $1 && $0 } }
        }
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, 300)
        let seen = try db.subscribe(
            Job.where { column in (0..<1_000).reduce(column.id == 0) { $0 || column.id == $1 } })
        #expect(seen.nextAvailable()?.inserted.count == 300)
        #expect(
            try db.snapshot().rows(Job.where { c in (0..<1_000).reduce(c.id == 0) { $0 || c.id == $1 } }).count == 300)
    }

    @Test func deepConditionsAreMadeComparedPrintedAndDropped() throws {
        let column = Job.Columns().id
        func deep() -> Condition<Job> {
            (0..<50_000).reduce(column == 0) { $1 % 2 == 0 ? !($0 && column != $1) : column == $1 || $0 }
        }
        let (first, second) = (deep(), deep())
        #expect(first == second)
        #expect(first != (second || column == 1))
        #expect(Set([first, second]).count == 1)
        #expect("\(first)".count < 10_000)
        #expect(String(reflecting: first).count < 100_000)
        try read(count: 20) { db, all in
            #expect(db.job.count { _ in first } == db.job.where { _ in second }.count)
        }
    }

    /// More than a million terms, in no time: a condition joined to itself shares its parts.
    static func enormous(_ column: Column<Job, UInt32>) -> Condition<Job> {
        (0..<62).reduce(column == 1) { condition, _ in condition || condition }
    }

    @Test func tooLargeAConditionIsAnErrorEverywhere() throws {
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, 10)
        func expectRefusal(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
            let error = #expect(throws: DatabaseError.self, sourceLocation: sourceLocation) { try body() }
            #expect(error?.code == .limitReached, sourceLocation: sourceLocation)
            #expect(error?.message.contains("contains") == true, sourceLocation: sourceLocation)
        }
        let query = Job.where { Self.enormous($0.id) }
        expectRefusal { _ = try db.subscribe(query) }
        expectRefusal { _ = try db.snapshot().rows(query) }
        expectRefusal { try db.call(Work.deleteTooMuch) }
        expectRefusal { try db.call(Work.readTooMuch) }
        #expect(try db.read { $0.job.count } == 10, "what the failed calls did was undone")
        expectRefusal { _ = try db.read { $0.job.count { Self.enormous($0.id) } } }
        expectRefusal { _ = try db.read { Array($0.job.where { Self.enormous($0.id) }) } }
        expectRefusal { _ = try db.read { $0.job.contains { Self.enormous($0.id) } } }
        // Watched or not, and none of it lasts.
        let seen = try db.subscribe(Job.all)
        expectRefusal { try db.call(Work.readTooMuch) }
        try db.call(Work.tidy, ["room 1"])
        #expect(try db.read { $0.job.count } == 7)
        seen.cancel()
    }

    @Test func tooLargeAConditionIsAnErrorOfAsynchronousReads() async throws {
        let db = try await Database.open(.inMemory, module: Work.self)
        let error = await #expect(throws: DatabaseError.self) {
            try await db.read { $0.job.count { Self.enormous($0.id) } }
        }
        #expect(error?.code == .limitReached)
    }

    @Test func aHundredThousandValuesAreOneTerm() throws {
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, 500)
        let ids = (0..<100_000).map { UInt32($0) * 3 }
        try db.read { db in
            #expect(db.job.count { ids.contains($0.id) } == 167)
            #expect(db.job.where { ids.contains($0.id) && $0.done }.map(\.id).isEmpty)
        }
        let seen = try db.subscribe(Job.where { ids.contains($0.id) })
        #expect(seen.nextAvailable()?.inserted.count == 167)
    }

    // MARK: Snapshots

    @Test func snapshotsAnswerTheSameQueriesAgainAndAgain() throws {
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, 300)
        let all = (0..<300).map { Work.job($0) }
        let snapshot = try db.snapshot()
        try db.call(Work.tidy, ["room 0", "room 1", "room 2"])
        let few: [UInt32] = [3, 5, 8, 1_000]
        // Often enough for the snapshot to make indexes of its own.
        for round in 0..<60 {
            let id = UInt32(round * 7 % 310)
            #expect(try snapshot.first(Job.where { $0.id == id })?.id == all.first { $0.id == id }?.id)
            #expect(
                try snapshot.count(Job.where { $0.id == id || $0.id == 3 }) == all.count { $0.id == id || $0.id == 3 })
            #expect(try snapshot.rows(Job.where { few.contains($0.id) }).map(\.id).sorted() == [3, 5, 8])
            #expect(
                try snapshot.rows(Job.where { $0.owner.hasPrefix("Ad") && $0.done }).map(\.id).sorted()
                    == all.filter { $0.owner?.hasPrefix("Ad") ?? false && $0.done }.map(\.id))
            #expect(
                try snapshot.count(
                    Job.where { $0.room == "room 2" && $0.sent < Timestamp(microsecondsSinceUnixEpoch: 30) })
                    == 30)
            #expect(try snapshot.count(Job.where { $0.owner == nil }) == all.count { $0.owner == nil })
            #expect(try snapshot.count(Job.where { $0.weight == .nan }) == all.count { $0.weight.isNaN })
        }
        #expect(try snapshot.count(Job.all) == 300)
        #expect(try snapshot.first(Job.where { $0.id > 10_000 }) == nil)
    }

    // MARK: Deleting

    @Test func rowsAreDeletedByCondition() throws {
        let db = try Database.open(.inMemory, module: Work.self)
        try db.call(Work.fill, 30)
        let expected = (0..<30).map { Work.job($0) }.filter { !($0.room == "room 1" && $0.done) }.map(\.id)
        try db.call(Work.tidy, ["room 1", "nowhere"])
        #expect(try db.read { $0.job.id.rows.map(\.id) } == expected)
        #expect(throws: SenderError.self) { try db.call(Work.tidy, ["room 1"]) }
    }
}
