import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

/// The power fails while a database is published, and while its module is replaced: at every operation on the disk in turn.
@Suite(.serialized) struct ModuleUpdateCrashTests {
    /// What can be seen of a database.
    private struct State: Equatable {
        var program: [UInt8]
        var names: [String]
    }

    private static func program(_ lines: String...) -> ModuleProgram {
        ModuleProgram(.webAssembly, Array((["stand-in"] + lines).joined(separator: "\n").utf8))
    }

    private static func options() -> OpeningOptions {
        var options = OpeningOptions(name: "world")
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        return options
    }

    private static func storage(_ disk: SimulatedDisk) -> StorageOptions {
        var storage = StorageOptions.simulated(disk)
        storage.snapshotLogByteCount = 1 << 10
        storage.segmentByteCount = 1 << 10
        return storage
    }

    private static func open(_ disk: SimulatedDisk) throws -> DatabaseCore {
        try DatabaseCore.openPublished("world", storage(disk), by: StandInLoader(), options: options()).core
    }

    private static func state(of core: DatabaseCore) throws -> State {
        let result = try core.statements.run(
            Statements.Request("SELECT name FROM item ORDER BY id", as: core.owner))
        var names: [String] = []
        try result.rows.forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            names.append(try reader.readString())
        }
        return State(program: core.catalog.stored.programHash, names: names)
    }

    private static func add(_ name: String, to core: DatabaseCore) throws {
        let offset = try core.runner.call("add", arguments: name.bsatn(), as: core.owner)
        try core.runner.waitUntilDurable(offset)
    }

    private static func update(_ core: DatabaseCore, to program: ModuleProgram, _ disk: SimulatedDisk) throws
        -> DatabaseCore
    {
        let programs = ProgramFiles(disk, of: "world")
        try programs.keep(program)
        let update = try ModuleUpdate(
            of: core, to: StandInModule(program), program: program, options: options())
        try update.prepare(mayBreakClients: true)
        let (new, offset) = try update.commit { _ in }
        try new.runner.waitUntilDurable(offset)
        programs.removeOthers(than: StoredProgram(program))
        return new
    }

    /// Each step is durable when it returns.
    private static let steps: [@Sendable (DatabaseCore?, SimulatedDisk) throws -> DatabaseCore] = [
        { _, disk in
            let program = program("init first", "table other")
            return try DatabaseCore.publish(
                program, as: StandInModule(program), at: .directory("world", storage(disk)), options: options()
            ).core
        },
        { core, _ in try added("a", core) },
        { core, disk in try update(try #require(core), to: program("prefix v2-", "table other"), disk) },
        { core, _ in try added("b", core) },
        { core, disk in try update(try #require(core), to: program("prefix v3-", "column", "table other"), disk) },
        { core, _ in try added("c", core) },
        { core, disk in try update(try #require(core), to: program("prefix v4-", "column", "table more"), disk) },
        { core, _ in
            let core = try #require(core)
            _ = try core.takeSnapshot()
            return core
        },
        { core, disk in
            try #require(core).close()
            return try open(disk)
        },
        { core, _ in try added("d", core) },
        { core, disk in
            try update(try #require(core), to: program("prefix v5-", "column", "table more", "view !"), disk)
        },
        { core, _ in try added("e", core) },
    ]

    private static func added(_ name: String, _ core: DatabaseCore?) throws -> DatabaseCore {
        let core = try #require(core)
        try add(name, to: core)
        return core
    }

    /// Runs steps until the disk fails.
    ///
    /// - Returns: how many were done.
    private static func run(on disk: SimulatedDisk, _ note: (DatabaseCore) throws -> Void = { _ in }) -> Int {
        var core: DatabaseCore?
        for (number, step) in steps.enumerated() {
            do {
                core = try step(core, disk)
                if let core { try note(core) }
            } catch { return number }
        }
        return steps.count
    }

    @Test(arguments: SimulatedDisk.Loss.allCases) func theOldModuleOrTheNewOneIsFound(loss: SimulatedDisk.Loss) throws {
        let whole = SimulatedDisk()
        var history: [State] = []
        try #require(Self.run(on: whole) { history.append(try Self.state(of: $0)) } == Self.steps.count)
        #expect(history.last?.names == ["first", "a", "v2-b", "v3-c", "v4-d", "v5-e"])
        var found: Set<Int> = []
        for operation in 0..<whole.operationCount {
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = operation
            let disk = SimulatedDisk(faults: faults)
            let done = Self.run(on: disk)
            let after = disk.afterPowerLoss(loss, seed: UInt64(operation))
            let core: DatabaseCore
            do { core = try Self.open(after) } catch {
                #expect(done == 0, "operation \(operation): \(error)")
                continue
            }
            let state = try Self.state(of: core)
            let allowed = history[max(0, done - 1)..<min(history.count, done + 1)]
            #expect(allowed.contains(state), "operation \(operation), after step \(done): \(state)")
            found.insert(done)
            try core.runner.checkInvariants()
            #expect(after.paths.count { $0.hasSuffix(".wasm") } == 1)
            try Self.add("z", to: core)
            #expect(try Self.state(of: core).names.last?.hasSuffix("z") == true)
            try core.close()
        }
        #expect(found.count >= Self.steps.count - 1, "crash points lie in all steps: \(found.sorted())")
    }

    @Test func aBackupHoldsTheProgram() throws {
        let disk = SimulatedDisk()
        var running: DatabaseCore?
        _ = Self.run(on: disk) { running = $0 }
        let core = try #require(running)
        _ = try core.backUp(to: "copy", on: disk)
        let copy = try DatabaseCore.openPublished(
            "copy", Self.storage(disk), by: StandInLoader(), options: Self.options()
        ).core
        #expect(try Self.state(of: copy) == Self.state(of: core))
        _ = try DatabaseCore.restore(from: "copy", to: "again", on: disk)
        #expect(disk.paths.contains { $0.hasPrefix("again/programs/") })
    }

    @Test func aProgramThatIsNotWhatItsNameSaysIsReported() throws {
        let disk = SimulatedDisk()
        _ = Self.run(on: disk) { _ in }
        let copy = disk.afterPowerLoss(.nothing, seed: 0)
        let path = try #require(copy.paths.first { $0.hasSuffix(".wasm") })
        let file = try copy.open(path, .update)
        try [UInt8(0)].withUnsafeBytes { try file.write($0, at: 3) }
        try file.sync()
        file.close()
        let error = #expect(throws: DatabaseError.self) { try Self.open(copy) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(path) == true)
    }

    @Test func aDatabaseOfAnotherProgramIsNotTakenForPublished() throws {
        let disk = SimulatedDisk()
        _ = try DatabaseCore.open(
            .directory("world", Self.storage(disk)), module: StandInModule(Self.program()), options: Self.options()
        ).core.close()
        let error = #expect(throws: DatabaseError.self) { try Self.open(disk) }
        #expect(error?.code == .notPossible)
    }
}
