import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Testing

@testable import SpacetimeHost

/// A module that uses `wasi_snapshot_preview1`, as those of plain toolchains do.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct SystemInterfaceTests {
    private let clock = VirtualClock()

    private func open(seed: UInt64 = 1) throws -> DatabaseCore {
        var options = OpeningOptions(name: "wasi")
        options.clock = clock
        options.seed = seed
        return try DatabaseCore.open(.memory, module: GuestPrograms.load("wasi").makeHost(), options: options).core
    }

    private func facts(_ core: DatabaseCore) throws -> [String: String] {
        try core.runner.call("facts", arguments: [], as: core.owner)
        let words = try #require(core.log.last().last).message.split(separator: " ")
        return Dictionary(
            words.map { word in
                let parts = word.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    @Test(arguments: [(1, LogLevel.info), (2, .warn)] as [(UInt32, LogLevel)])
    func whatAGuestPrintsIsInTheLog(descriptor: UInt32, level: LogLevel) throws {
        let core = try open()
        try core.runner.call("write", arguments: descriptor.bsatn() + "to whom it may concern".bsatn(), as: core.owner)
        let line = try #require(core.log.last().first { $0.target == "wasi" })
        #expect(line.level == level)
        #expect(line.message == "to whom it may concern")
        #expect(core.log.last().last?.message == "errno=0 written=22")
    }

    @Test func thereIsNoOtherDescriptor() throws {
        let core = try open()
        try core.runner.call("write", arguments: UInt32(3).bsatn() + "nobody".bsatn(), as: core.owner)
        #expect(core.log.last().allSatisfy { $0.target != "wasi" })
        #expect(core.log.last().last?.message.hasPrefix("errno=8 ") == true)
    }

    @Test func timeIsThatOfTheCall() throws {
        let core = try open()
        clock.advance(by: .seconds(5))
        let now = clock.now().microsecondsSinceUnixEpoch
        #expect(try facts(core)["clock"] == "\(now)000")
    }

    @Test func randomNumbersFollowFromTheCall() throws {
        let (first, same) = (try open(), try open())
        let number = try facts(first)["random"]
        #expect(try facts(same)["random"] == number)
        clock.advance(by: .seconds(1))
        #expect(try facts(first)["random"] != number)
    }

    @Test func thereAreNoFilesAndNoEnvironment() throws {
        let core = try open()
        let facts = try facts(core)
        #expect(facts["arguments"] == "1")
        #expect(facts["stdb.wasm"] == "")
        #expect(facts["bytes"] == "10")
        #expect(facts["variables"] == "0")
        #expect(facts["folder"] == "8")
        try core.runner.call("files", arguments: [], as: core.owner)
        #expect(core.log.last().last?.message == "read=0")
    }

    @Test func aGuestThatExitsIsStopped() throws {
        let core = try open()
        let error = #expect(throws: DatabaseError.self) {
            try core.runner.call("exit", arguments: UInt32(3).bsatn(), as: core.owner)
        }
        #expect(error?.code == .moduleFailure)
        _ = try facts(core)
    }

    @Test func withoutPermissionSuchAModuleIsRefused() throws {
        var options = WASMOptions()
        options.allowsWASI = false
        let error = #expect(throws: DatabaseError.self) {
            try WASMModule(contentsOf: GuestPrograms.path("wasi"), options: options)
        }
        #expect(error?.message.contains("wasi_snapshot_preview1") == true)
    }
}
