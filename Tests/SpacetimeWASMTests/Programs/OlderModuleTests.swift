import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Testing

@testable import SpacetimeHost

/// Definitions of versions 8 and 9.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct OlderModuleTests {
    private func open(_ version: Int) throws -> DatabaseCore {
        let options = OpeningOptions(name: "older")
        return try DatabaseCore.open(
            .memory, module: GuestPrograms.load("older-\(version)").makeHost(), options: options
        ).core
    }

    private func people(_ core: DatabaseCore) throws -> [String] {
        let table = try #require(core.catalog.tableID(named: "person"))
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        var people: [String] = []
        try TransactionReference(runner: core.runner, serial: serial).scan(table).forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            if let id = try? reader.readU64(), let name = try? reader.readString() { people.append("\(id) \(name)") }
        }
        return people.sorted()
    }

    @Test(arguments: [8, 9]) func modulesOfOlderLibrariesRun(version: Int) throws {
        let core = try open(version)
        #expect(try people(core) == ["1 first"])
        try core.runner.call("add", arguments: "Ann".bsatn(), as: core.owner)
        #expect(try people(core) == ["1 first", "2 Ann"])
        try core.runner.call("rename", arguments: UInt64(2).bsatn() + "Bea".bsatn(), as: core.owner)
        #expect(try people(core) == ["1 first", "2 Bea"])
        let error = #expect(throws: SenderError.self) {
            try core.runner.call("add", arguments: "".bsatn(), as: core.owner)
        }
        #expect(error?.message == "a person has a name")
        #expect(throws: SenderError.self) {
            try core.runner.call("rename", arguments: UInt64(9).bsatn() + "Bea".bsatn(), as: core.owner)
        }
    }

    @Test(arguments: [8, 9]) func theirHooksAreNotForEverybody(version: Int) throws {
        let core = try open(version)
        let error = #expect(throws: DatabaseError.self) {
            try core.runner.call(version == 8 ? "__init__" : "begin", arguments: [], as: core.owner)
        }
        #expect(error?.code == .noSuchReducer)
    }

    @Test func version8GetsTheIndexThatItsConstraintImplies() throws {
        let core = try open(8)
        #expect(core.catalog.indexID(named: "idx_person_id_primary_key_auto_unique") != nil)
    }
}
