import SpacetimeKit
import SpacetimeTesting
import Testing

@Suite struct ModuleLogFileTests {
    private static let module = Module("noisy") {
        Reducer("say") { (context: borrowing ReducerContext, text: String) in context.log.info(text) }
    }

    private func open(
        _ disk: SimulatedDisk, _ change: (inout DatabaseOptions) -> Void = { _ in }
    ) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.clock = VirtualClock()
        options.seed = 1
        change(&options)
        return try Database.open(.directory("db", .simulated(disk)), module: Self.module, options: options)
    }

    private func files(_ disk: SimulatedDisk) -> [String] { (try? disk.list("db/module-log")) ?? [] }

    private func byteCount(_ disk: SimulatedDisk) throws -> Int {
        try files(disk).reduce(0) { try $0 + Int(disk.open("db/module-log/\($1)", .read).size()) }
    }

    @Test func whatAModuleSaidIsThereWhenItsDatabaseIsOpenedAgain() throws {
        let disk = SimulatedDisk()
        let first = try open(disk)
        try first.call("say", arguments: "hello".bsatn())
        try first.close()
        #expect(files(disk) == ["00000000000000000001.ndjson"])
        let second = try open(disk)
        #expect(second.log.last().map(\.message) == ["Database initialized", "hello"])
        try second.call("say", arguments: "again".bsatn())
        try second.close()
        let third = try open(disk)
        #expect(third.log.last().map(\.message) == ["Database initialized", "hello", "again"])
        #expect(third.log.last(1).first?.function == "say")
    }

    @Test func aDatabaseThatHasNothingToSayMakesNoFiles() throws {
        let disk = SimulatedDisk()
        try open(disk).close()
        #expect(files(disk).isEmpty)
        let off = try open(disk) { $0.log.fileByteLimit = 0 }
        try off.call("say", arguments: "hello".bsatn())
        try off.close()
        #expect(files(disk).isEmpty)
    }

    @Test func filesAreRotatedAndTheOldestGo() throws {
        let disk = SimulatedDisk()
        let db = try open(disk) { $0.log.fileByteLimit = 20_000 }
        for round in 0..<100 {
            for number in 0..<10 { try db.call("say", arguments: "round \(round), number \(number)".bsatn()) }
            db.log.flush()
            #expect(try byteCount(disk) < 20_000)
        }
        #expect(files(disk).count > 4)
        try db.close()
        let again = try open(disk)
        #expect(again.log.last(1).map(\.message) == ["round 99, number 9"])
        #expect(again.log.last().count > 50)
    }

    @Test func filesSayWhatIsMissingInThem() throws {
        let disk = SimulatedDisk()
        let db = try open(disk) { $0.log.recordLimit = 10 }
        for number in 0..<100 { try db.call("say", arguments: "\(number)".bsatn()) }
        try db.close()
        let again = try open(disk)
        #expect(again.log.last(11).map(\.message).first?.hasPrefix("91 records are missing here") == true)
        #expect(again.log.last(10).map(\.message) == (90..<100).map(String.init))
    }

    @Test func damagedFilesArePassedOver() throws {
        let disk = SimulatedDisk()
        let first = try open(disk)
        for number in 0..<10 { try first.call("say", arguments: "\(number)".bsatn()) }
        try first.close()
        let file = try disk.open("db/module-log/00000000000000000001.ndjson", .update)
        try [UInt8](repeating: 0xFF, count: 40).withUnsafeBytes { try file.write($0, at: 10) }
        try file.truncate(to: file.size() - 5)
        let again = try open(disk)
        #expect(again.log.last().map(\.message) == (0..<9).map(String.init))
    }

    @Test func aThreadWritesTheFilesOfADatabaseOnARealDisk() throws {
        let disk = SimulatedDisk()
        var storage = StorageOptions.simulated(disk)
        storage.runsInBackground = true
        let db = try Database.open(.directory("db", storage), module: Self.module)
        for number in 0..<5_000 { try db.call("say", arguments: "\(number)".bsatn()) }
        db.log.flush()
        let bytes = try byteCount(disk)
        #expect(bytes > 5_000 * 60)
        try db.close()
        #expect(try byteCount(disk) == bytes)
    }
}
