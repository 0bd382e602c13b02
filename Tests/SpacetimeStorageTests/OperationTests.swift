import SpacetimeKit
import SpacetimeTesting
import Testing

@Suite struct OperationTests {
    private func filled(_ disk: SimulatedDisk, _ count: Int = 30) throws -> Database<Shop> {
        let database = try Database.open(disk) { $0.retention = .keepEverything }
        for i in 0..<count { try database.call(Shop.add, "item \(i)", Int32(i)) }
        return database
    }

    @Test func aBackupOfARunningDatabaseIsADatabase() throws {
        let disk = SimulatedDisk()
        let database = try filled(disk)
        let backup = try database.backup(to: "copy", disk: disk)
        #expect(try backup.offset == database.lastOffset())
        try database.call(Shop.add, "later", 1)
        var options = StorageOptions.simulated(disk)
        options.runsInBackground = false
        let copy = try Database.open(.directory("copy", options), module: Shop.self)
        #expect(try copy.items().count == 30)
        try copy.call(Shop.add, "other", 1, until: .durable)
        #expect(try copy.items().last?.id == 31)
        #expect(throws: DatabaseError.self) { try database.backup(to: "copy", disk: disk) }
        // One in memory can be kept the same way.
        let memory = try Database.open(.inMemory, module: Shop.self)
        try memory.call(Shop.add, "kept", 1)
        try memory.backup(to: "from memory", disk: disk)
        #expect(try Database.open(.directory("from memory", options), module: Shop.self).items().count == 1)
    }

    @Test func aDatabaseIsRestoredUpToAnyCommit() throws {
        let disk = SimulatedDisk()
        try filled(disk).close()
        for offset in [0, 1, 17, 30] {
            let offset = TxOffset(UInt64(offset))
            #expect(
                try Database<Shop>.restore(from: "shop", to: "to \(offset)", upTo: offset, disk: disk) == offset)
            let restored = try Database.open(
                .directory("to \(offset)", .simulated(disk)), module: Shop.self)
            #expect(try restored.items().count == Int(offset.rawValue))
        }
        let error = #expect(throws: DatabaseError.self) {
            try Database<Shop>.restore(from: "shop", to: "x", upTo: TxOffset(99), disk: disk)
        }
        #expect(error?.code == .notPossible)
        #expect(throws: DatabaseError.self) { try Database<Shop>.restore(from: "nothing", to: "x", disk: disk) }
    }

    @Test func thePastIsOpenedForReadingWhileTheDatabaseRuns() throws {
        let disk = SimulatedDisk()
        let database = try filled(disk)
        try database.call(Shop.reprice, 1, 77)
        try database.flush()
        let past = try Database.open(at: "shop", asOf: TxOffset(5), module: Shop.self, disk: disk)
        #expect(try past.items().map(\.code) == (0..<5).map { "item \($0)" })
        #expect(try past.items().first?.price == 0)
        let error = #expect(throws: DatabaseError.self) { try past.call(Shop.add, "x", 1) }
        #expect(error?.code == .readOnly)
        #expect(try past.lastOffset() == TxOffset(5))
    }

    @Test func aCallIsReplayedWithTheSameResult() throws {
        let disk = SimulatedDisk()
        let database = try filled(disk, 5)
        let alice = try database.connect(as: "alice")
        let offsets = [
            try database.call(Shop.reprice, 2, 50), try alice.call(Shop.stamp), try database.call(Shop.remove, 3),
            try alice.call(Shop.add, "new", 9),
        ]
        try database.close()
        for offset in offsets {
            let report = try Database<Shop>.replay(offset, at: "shop", module: Shop.self, disk: disk)
            #expect(report.differences == [])
            #expect(report.failure == nil)
        }
        let report = try Database<Shop>.replay(offsets[1], at: "shop", module: Shop.self, disk: disk)
        #expect(report.reducer == "stamp" && report.caller == alice.identity)
        #expect(throws: DatabaseError.self) {
            try Database<Shop>.replay(TxOffset(0), at: "shop", module: Shop.self, disk: disk)
        }
        #expect("\(report)".hasPrefix("'stamp' in commit \(offsets[1]), called by \(alice.identity) at "))
        #expect("\(report)".hasSuffix(", changes what it changed"))
    }

    @Test func aCommitThatIsNotThereIsNamedAsItWasAskedFor() throws {
        let disk = SimulatedDisk()
        let database = try filled(disk, 5)
        let last = try database.lastOffset()
        try database.close()
        let asked = TxOffset(last.rawValue + 7)
        for attempt: () throws -> Void in [
            { _ = try Database<Shop>.replay(asked, at: "shop", module: Shop.self, disk: disk) },
            { _ = try Database.open(at: "shop", asOf: asked, module: Shop.self, disk: disk) },
            { _ = try Database<Shop>.restore(from: "shop", to: "x", upTo: asked, disk: disk) },
        ] {
            let error = #expect(throws: DatabaseError.self, performing: attempt)
            #expect(error?.code == .notPossible)
            #expect(error?.message.contains("ends with offset \(last), before \(asked); name that one") == true)
        }
    }

    @Test(arguments: [nil, 1, 2, 3] as [Int?])
    func aReplayDrawsTheNumbersOfItsCallWhateverFailedBefore(_ snapshotAfter: Int?) throws {
        let disk = SimulatedDisk()
        let database = try filled(disk, 2)
        var offsets: [TxOffset] = []
        let steps: [() throws -> TxOffset?] = [
            {
                for _ in 0..<3 { #expect(throws: SenderError.self) { try database.call(Shop.fail) } }
                return nil
            },
            { try database.call(Shop.add, "later", 1) }, { try database.call(Shop.reprice, 1, 5) },
            {
                #expect(throws: SenderError.self) { try database.call(Shop.fail) }
                return try database.call(Shop.reprice, 1, 6)
            }, { try database.call(Shop.add, "last", 1) },
        ]
        for (number, step) in steps.enumerated() {
            if let offset = try step() { offsets.append(offset) }
            if number == snapshotAfter { try database.takeSnapshot() }
        }
        #expect(try database.items().map(\.id) == [1, 2, 6, 8])
        try database.close()
        for offset in offsets {
            let report = try Database<Shop>.replay(offset, at: "shop", module: Shop.self, disk: disk)
            #expect(report.differences == [] && report.failure == nil, "\(offset)")
        }
    }

    @Test func aReplayWithOtherCodeShowsWhatDiffers() throws {
        let disk = SimulatedDisk()
        func module(_ step: Int32) -> Module {
            Module("prices") {
                Table(Item.self)
                Reducer("add") { (context: borrowing ReducerContext, code: String) in
                    try context.table(Item.self).insert(Item(id: 0, code: code, price: step))
                }
            }
        }
        let database = try Database.open(.directory("prices", .simulated(disk)), module: module(1))
        try database.call("add", arguments: "pear".bsatn())
        try database.close()
        let same = try Database.replay(TxOffset(1), at: "prices", module: module(1), disk: disk)
        #expect(same.differences == [])
        let other = try Database.replay(TxOffset(1), at: "prices", module: module(2), disk: disk)
        #expect(other.differences.map(\.run) == [.logged, .replayed])
        #expect(other.differences[1].row.contains("\"price\":2"))
    }

    @Test func verifyFindsDamageAndSalvageSavesWhatLiesBefore() throws {
        let disk = SimulatedDisk()
        try filled(disk, 600).close()
        #expect(try Database<Shop>.verify("shop", disk: disk).count >= 2)
        let log = try #require(disk.paths.filter { $0.hasSuffix(".log") }.dropFirst().first)
        disk.flipBit(900, of: log)
        let error = #expect(throws: DatabaseError.self) { try Database<Shop>.verify("shop", disk: disk) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(log) == true)
        for path in disk.paths where path.hasSuffix(".snapshot") { try disk.remove(path) }
        #expect(throws: DatabaseError.self) { try Database.open(disk) }
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(!saved.problems.isEmpty)
        let database = try Database.open(.directory("saved", .simulated(disk)), module: Shop.self)
        #expect(try database.items().count == Int(saved.offset.rawValue))
        #expect(saved.offset.rawValue > 10)
    }

    @Test func memoryIsReportedByTableAndIndex() throws {
        let database = try filled(SimulatedDisk())
        let report = try database.memoryReport()
        let item = try #require(report.tables.first { $0.name == "item" })
        #expect(item.rowCount == 30)
        #expect(item.pageByteCount >= 65_536)
        #expect(item.indexes.count == 3)
        #expect(report.byteCount == report.tables.reduce(0) { $0 + $1.byteCount })
        #expect(report.tables.map(\.name).contains("st_client"))
    }
}
