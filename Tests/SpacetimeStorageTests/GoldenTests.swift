import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files of every format, checked in: they must open for ever. `SPACETIME_WRITE_GOLDEN=<name>` writes those of one directory
/// anew, which is right only for a format that no one has used yet. `shop` and `jobs` are of the first format, without a
/// manifest; `closed` is the first with one; `addresses` has what the second format of the log adds, `pages` what the third
/// does; `published` names the program of its module.
@Suite struct GoldenTests {
    private static let directory = String(#filePath.dropLast("GoldenTests.swift".count)) + "Golden"

    /// One record of each kind, a snapshot in between, and several segments.
    private func make(on disk: SimulatedDisk) throws {
        let database = try Database.open(disk) { $0.segmentByteCount = 1_500 }
        for i in 0..<12 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        let alice = try database.connect(as: "alice")
        try alice.call(Shop.reprice, 3, 33)
        try database.takeSnapshot()
        try alice.call(Shop.remove, 5)
        try alice.disconnect()
        try database.close()
        var options = DatabaseOptions()
        options.clock = VirtualClock()
        options.seed = 1
        try Database.open(.directory("shop", .simulated(disk)), module: grown, options: options).close()
    }

    private var grown: Module {
        Module("shop") {
            Table(Item.self)
            Table(Note.self)
            Table(Visit.self)
            Table(Remark.self)
        }
    }

    /// The records of scheduled calls and of the removal of a row that was called.
    private func makeScheduled(on disk: SimulatedDisk) throws {
        let clock = VirtualClock()
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = clock
        let database = try Database.open(.directory("jobs", .simulated(disk)), module: Jobs.self, options: options)
        try database.call(Jobs.add, .time(.testStart + .seconds(3)))
        try database.call(Jobs.add, .interval(.seconds(2)))
        clock.advance(by: .seconds(5))
        try database.close()
    }

    /// A backup that holds pages of deleted rows, page numbers without a page, and old bytes in free slots, as it was
    /// written before pages were given back: never to be written anew. Three rows of 24,000 bytes, 3,000 of 25 and 200 of
    /// 1,000 came, every 1,500th stayed, two of 25,000 followed; of 9,000 rows of one size every 8,000th stayed.
    @Test func emptyPagesOfOldSnapshotsAreDropped() throws {
        let disk = try load("attic")
        let database = try Database.open(.directory("attic", .simulated(disk)), module: Attic.self)
        let boxes = try database.read { Array($0.box.rows).sorted { $0.id < $1.id } }
        #expect(boxes.map(\.id) == [1_500, 3_000, 5_000, 5_001, 90_000])
        #expect(boxes[0].text == "some text that is deleted" && boxes[3].text.utf8.count == 25_000)
        #expect(try database.read { $0.brick.rows.map(\.id).sorted() } == [0, 8_000])
        #expect(database.openingWarnings == [])
        try database.checkInvariants()
        let report = try database.memoryReport()
        // Two rows in a page each, two small ones together in one or two, one of a thousand bytes.
        let pages = report.tables.first { $0.name == "box" }?.pageByteCount ?? 0
        #expect(pages < 5 * 65_536)
        #expect(report.tables.first { $0.name == "brick" }?.pageByteCount == 2 * 65_536)
        // Used on, it is like any other.
        try database.call(Attic.store, 1, 500, "new text")
        try database.call(Attic.clearOut, 3_000)
        try database.checkInvariants()
        try database.close()
    }

    /// A closed database with several segments and a manifest.
    private func makeClosed(on disk: SimulatedDisk) throws {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        var storage = StorageOptions.simulated(disk)
        storage.segmentByteCount = 1_000
        storage.snapshotLogByteCount = .max
        let database = try Database.open(.directory("closed", storage), module: Shop.self, options: options)
        for i in 0..<25 { try database.call(Shop.add, "item \(i)", Int32(i), until: .durable) }
        try database.close()
    }

    private var addresses: Module {
        Module("addresses") {
            Table(Address.self)
            Table(Item.self)
            Reducer("put") { (context: borrowing ReducerContext, address: Address) in
                try context.table(Address.self).upsert(address)
            }
            Reducer("remove") { (context: borrowing ReducerContext, address: Address) in
                try context.table(Address.self).delete(address)
            }
            Reducer("add") { (context: borrowing ReducerContext, code: String) in
                try context.table(Item.self).insert(Item(id: 0, code: code, price: 1))
                if code.isEmpty { throw SenderError("no") }
            }
        }
    }

    /// What the second format of the log adds: numbers that failed calls drew, and rows that no key names.
    private func makeAddresses(on disk: SimulatedDisk) throws {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        let database = try Database.open(.directory("addresses", .simulated(disk)), module: addresses, options: options)
        for address in [Address(mail: nil, id: 1), Address(mail: "a", id: 2), Address(mail: nil, id: 3)] {
            try database.call("put", arguments: address.bsatn())
        }
        try database.call("add", arguments: "first".bsatn())
        for _ in 0..<2 { #expect(throws: SenderError.self) { try database.call("add", arguments: "".bsatn()) } }
        try database.call("put", arguments: Address(mail: nil, id: 2).bsatn())
        try database.call("remove", arguments: Address(mail: nil, id: 3).bsatn())
        try database.close()
    }

    private var pages: Module {
        Module("pages") {
            Table(Leaf.self)
            Reducer("write") { (context: borrowing ReducerContext, leaf: Leaf) in
                try context.table(Leaf.self).upsert(leaf)
            }
        }
    }

    private static let text = String(repeating: "words of a long page ", count: 100)

    /// What the third format of the log adds: large rows by what changed in them, also if they grow.
    private func makePages(on disk: SimulatedDisk) throws {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        var storage = StorageOptions.simulated(disk)
        storage.snapshotLogByteCount = .max
        let database = try Database.open(.directory("pages", storage), module: pages, options: options)
        for (visits, text) in [(0, Self.text), (1, Self.text), (2, Self.text + "and more"), (3, Self.text + Self.text)]
        {
            let leaf = Leaf(id: 7, visits: UInt32(visits), text: text, last: UInt64(visits) * 1_000)
            try database.call("write", arguments: leaf.bsatn())
        }
        try database.close()
    }

    /// What the second version of a stored schema adds: which program the module is, in the log and in a snapshot.
    private func makePublished(on disk: SimulatedDisk) throws {
        let programs = ["stand-in\ninit first", "stand-in\nprefix new-\ninit first"].map {
            ModuleProgram(.webAssembly, Array($0.utf8))
        }
        var options = OpeningOptions(name: "published")
        options.seed = 1
        options.clock = VirtualClock()
        let core = try DatabaseCore.publish(
            programs[0], as: StandInModule(programs[0]), at: .directory("published", .simulated(disk)), options: options
        ).core
        _ = try core.takeSnapshot()
        try ProgramFiles(disk, of: "published").keep(programs[1])
        let update = try ModuleUpdate(
            of: core, to: StandInModule(programs[1]), program: programs[1], options: options)
        try update.prepare(mayBreakClients: false)
        let (new, _) = try update.commit { _ in }
        try new.runner.call("add", arguments: "second".bsatn(), as: new.owner)
        try new.close()
    }

    private func load(_ database: String) throws -> SimulatedDisk {
        let real = SystemDisk()
        let disk = SimulatedDisk()
        let found = try files("\(Self.directory)/\(database)", on: real)
        for (path, bytes) in found {
            if let bytes { disk.setContents(String(path.dropFirst(Self.directory.count + 1)), bytes) }
        }
        return disk
    }

    private func write(_ disk: SimulatedDisk) throws {
        let real = SystemDisk()
        for path in disk.paths {
            let target = Self.directory + "/" + path
            try real.createDirectory(parentDirectory(of: target))
            try? real.remove(target)
            let file = try real.open(target, .create)
            try (disk.contents(path) ?? []).withUnsafeBytes { try file.write($0, at: 0) }
            file.close()
        }
    }

    private func renewIfAsked(_ name: String, _ make: (SimulatedDisk) throws -> Void) throws {
        guard let asked = getenv("SPACETIME_WRITE_GOLDEN"), String(cString: asked) == name else { return }
        let fresh = SimulatedDisk()
        try make(fresh)
        try write(fresh)
    }

    @Test func scheduledCallsOfTheFirstFormatOpen() throws {
        try renewIfAsked("jobs", makeScheduled)
        let disk = try load("jobs")
        #expect(try Database<Jobs>.plannedMigration(at: "jobs", module: Jobs.self, disk: disk) == nil)
        let database = try Database.open(.directory("jobs", .simulated(disk)), module: Jobs.self)
        let done = try database.read { Array($0.done.rows).sorted { $0.id < $1.id } }
        #expect(done.map(\.job) == [2, 1, 2])
        #expect(done.map { ($0.at - .testStart).microseconds / 1_000_000 } == [2, 3, 4])
        #expect(try database.read { $0.job.rows.map(\.id) } == [2])
        #expect(database.openingWarnings == [])
        try database.close()
        for offset in [3, 4, 6] as [UInt64] {
            let report = try Database<Jobs>.replay(TxOffset(offset), at: "jobs", module: Jobs.self, disk: disk)
            #expect(report.reducer == "work" && report.differences == [])
        }
    }

    @Test func filesOfTheFirstFormatOpen() throws {
        try renewIfAsked("shop", make)
        for withSnapshot in [true, false] {
            let disk = try load("shop")
            if !withSnapshot {
                for path in disk.paths where path.hasSuffix(".snapshot") { try disk.remove(path) }
            }
            // What indexes and keys are called has not changed, or their names would differ from the stored ones.
            #expect(try Database.plannedMigration(at: "shop", module: grown, disk: disk) == nil)
            let database = try Database.open(.directory("shop", .simulated(disk)), module: grown)
            let items = try database.snapshot().rows(Item.all).sorted { $0.id < $1.id }
            #expect(items.map(\.id) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12])
            #expect(items[2] == Item(id: 3, code: "item 2", price: 33))
            #expect(try database.snapshot().rows(Note.all).count == 2)
            #expect(database.openingWarnings == [])
            try database.checkInvariants()
        }
    }

    @Test func filesWithoutTheNewestTablesOfTheHostGetThem() throws {
        let disk = try load("shop")
        var opened = try Database.open(.directory("shop", .simulated(disk)), module: grown)
        let offset = try opened.lastOffset()
        try opened.close()
        // They are part of the files now: the second opening adds nothing.
        opened = try Database.open(.directory("shop", .simulated(disk)), module: grown)
        #expect(try opened.lastOffset() == offset && opened.snapshot().rows(Item.all).count == 11)
        try opened.close()
        let past = try Database.open(at: "shop", asOf: TxOffset(3), module: grown, disk: disk)
        #expect(try past.snapshot().rows(Item.all).count <= 11)
    }

    @Test func filesWithTheFirstManifestOpenAndAMissingOneIsMissed() throws {
        try renewIfAsked("closed", makeClosed)
        let disk = try load("closed")
        #expect(disk.contents("closed/log.manifest")?.count == 72)
        let logs = disk.paths.filter { $0.hasSuffix(".log") }
        #expect(logs.count > 2)
        let lacking = try load("closed")
        try lacking.remove(try #require(logs.last))
        let error = #expect(throws: DatabaseError.self) {
            try Database.open(.directory("closed", .simulated(lacking)), module: Shop.self)
        }
        #expect(error?.code == .damaged)
        #expect(try Database<Shop>.verify("closed", disk: disk).count == 2)
        let past = try Database.open(at: "closed", asOf: TxOffset(25), module: grown, disk: disk)
        #expect(try past.snapshot().rows(Item.all).count == 25)
    }

    @Test func filesOfTheSecondFormatOpen() throws {
        try renewIfAsked("addresses", makeAddresses)
        let disk = try load("addresses")
        let database = try Database.open(.directory("addresses", .simulated(disk)), module: addresses)
        let rows = try database.snapshot().rows(Address.all).sorted { $0.id < $1.id }
        #expect(rows == [Address(mail: nil, id: 1), Address(mail: nil, id: 2)])
        try database.call("add", arguments: "second".bsatn())
        #expect(try database.snapshot().rows(Item.all).map(\.id).sorted() == [1, 4])
        #expect(database.openingWarnings == [])
        try database.checkInvariants()
        try database.close()
        // What goes on is in a file of its own, which older versions refuse by its format.
        let formats = disk.paths.filter { $0.hasSuffix(".log") }.map { disk.contents($0)?[8] }
        #expect(formats == [2, 3])
    }

    @Test func filesOfTheThirdFormatOpen() throws {
        try renewIfAsked("pages", makePages)
        let disk = try load("pages")
        let logged = try #require(disk.contents("pages/log/00000000000000000000.log"))
        #expect(logged[8] == 3)
        let states = [(0, Self.text), (1, Self.text), (2, Self.text + "and more"), (3, Self.text + Self.text)]
        for (visits, text) in states {
            let past = try Database.open(
                at: "pages", asOf: TxOffset(UInt64(visits) + 1), module: pages, disk: disk)
            let leaf = Leaf(id: 7, visits: UInt32(visits), text: text, last: UInt64(visits) * 1_000)
            #expect(try past.snapshot().rows(Leaf.all) == [leaf])
        }
        for offset in 1...4 as ClosedRange<UInt64> {
            let report = try Database.replay(TxOffset(offset), at: "pages", module: pages, disk: disk)
            #expect(report.reducer == "write" && report.differences == [])
        }
        let database = try Database.open(.directory("pages", .simulated(disk)), module: pages)
        #expect(database.openingWarnings == [])
        try database.checkInvariants()
    }

    @Test func publishedDatabasesOpen() throws {
        try renewIfAsked("published", makePublished)
        for withSnapshot in [true, false] {
            let disk = try load("published")
            if !withSnapshot {
                for path in disk.paths where path.hasSuffix(".snapshot") { try disk.remove(path) }
            }
            let core = try DatabaseCore.openPublished(
                "published", .simulated(disk), by: StandInLoader(), options: OpeningOptions(name: "published")
            ).core
            let result = try core.statements.run(
                Statements.Request("SELECT name FROM item WHERE name = 'new-second'", as: core.owner))
            #expect(result.rows.count == 1)
            #expect(core.catalog.stored.program?.kind == .webAssembly)
            #expect(core.catalog.stored.encoded().first == 2)
            try core.runner.checkInvariants()
            try core.close()
        }
    }

    /// The checksum of the batch sees what the changes themselves could not.
    @Test func everyFlippedBitOfEditedRowsIsFound() throws {
        let disk = SimulatedDisk()
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        let database = try Database.open(.directory("pages", .simulated(disk)), module: pages, options: options)
        let path = "pages/log/00000000000000000000.log"
        for visits in 0..<3 as Range<UInt32> {
            let leaf = Leaf(id: 1, visits: visits, text: String(repeating: "word ", count: 50), last: 0)
            try database.call("write", arguments: leaf.bsatn())
            try database.flush()
        }
        try database.close()
        // Of the marker at the end alone a fault could be a write that did not finish.
        let end = try #require(disk.contents(path)).count - 48
        for bit in stride(from: 64 * 8, to: end * 8, by: 7) {
            disk.flipBit(bit, of: path)
            #expect(throws: DatabaseError.self, "bit \(bit)") { try Database<Shop>.verify("pages", disk: disk) }
            disk.flipBit(bit, of: path)
        }
    }

    @Test func equalCallsMakeEqualFiles() throws {
        let (first, second) = (SimulatedDisk(), SimulatedDisk())
        try make(on: first)
        try make(on: second)
        #expect(first.paths == second.paths)
        try makeScheduled(on: first)
        try makeScheduled(on: second)
        try makeAddresses(on: first)
        try makeAddresses(on: second)
        try makePages(on: first)
        try makePages(on: second)
        for path in first.paths { #expect(first.contents(path) == second.contents(path), "\(path) differs") }
    }
}

@Table(name: "remark") struct Remark {
    @PrimaryKey var id: UInt64
}

@Table(name: "leaf") struct Leaf: Equatable {
    @PrimaryKey var id: UInt64
    var visits: UInt32
    var text: String
    var last: UInt64
}
