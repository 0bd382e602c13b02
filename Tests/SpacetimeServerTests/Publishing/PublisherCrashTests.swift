import Logging
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@testable import SpacetimeServer

/// The power fails while a server publishes, renames, locks, resets and deletes: at every operation on the disk in turn.
@Suite(.serialized) struct PublisherCrashTests {
    /// What can be seen of a server's databases.
    private struct State: Equatable {
        var names: [String: Identity?] = [:]
        var locked: Set<Identity> = []
        /// The hash of each one's program, and its rows.
        var databases: [Identity: [String]] = [:]
    }

    private static let owner = Identity(issuer: "localhost", subject: "owner")
    private static let a = Identity(issuer: "localhost", subject: "a")
    private static let b = Identity(issuer: "localhost", subject: "b")

    private struct Running {
        let registry = DatabaseRegistry()
        let publisher: Publisher

        init(_ disk: SimulatedDisk) throws {
            var options = PublishingOptions()
            options.runtime = ModuleRuntime(StandInLoader())
            options.directory = "server"
            options.storage = .simulated(disk)
            options.clock = VirtualClock(start: Arena.time)
            publisher = Publisher(options, registry, Logger(label: "test"))
            try publisher.open()
        }

        func database(_ identity: Identity) throws -> HostedDatabase { try registry.database(identity.hex) }

        func publish(_ identities: [Identity], _ lines: String..., clears: Bool = false) throws {
            let program = ModuleProgram(.webAssembly, Array((["stand-in"] + lines).joined(separator: "\n").utf8))
            let targets = identities.map { identity in
                Publisher.Target(
                    identity: identity, owner: owner, label: nil, database: try? database(identity), clears: clears)
            }
            for published in try publisher.publish(program, to: targets, .compatible) {
                if let offset = published.offset { try published.database.core.runner.waitUntilDurable(offset) }
                publisher.tidy(published.database)
            }
        }

        func add(_ name: String, to identity: Identity) throws {
            let core = try database(identity).core
            try core.runner.waitUntilDurable(
                try core.runner.call("add", arguments: name.bsatn(), as: core.owner))
        }

        func state() throws -> State {
            var state = State()
            state.names = registry.records.names.mapValues(\.database)
            state.locked = registry.records.locked
            for database in registry.all {
                let core = database.core
                let result = try core.statements.run(
                    Statements.Request("SELECT name FROM item ORDER BY id", as: core.owner))
                var rows = [database.moduleHash.hexText]
                try result.rows.forEach { row in
                    var reader = BSATNReader(RawSpan(_unsafeBytes: row))
                    rows.append(try reader.readString())
                }
                state.databases[database.identity] = rows
            }
            return state
        }
    }

    /// Each is on disk when it returns.
    private static let steps: [@Sendable (Running) throws -> Void] = [
        { _ = try $0.registry.register("a", for: owner, a) },
        { try $0.publish([a], "init a") },
        { _ = try $0.registry.register("b", for: owner, b) },
        { try $0.publish([b], "init b") },
        { try $0.add("x", to: a) },
        { try $0.publish([a, b], "prefix v2-", "table other") },
        { try $0.add("y", to: b) },
        { _ = try $0.registry.replaceNames(of: a, by: ["c"], owner) },
        { try $0.registry.setLocked(b, true) },
        { try $0.registry.setLocked(b, false) },
        { try $0.publish([a, b], "prefix v3-", "table other") },
        { try $0.publish([a], "init fresh", clears: true) },
        { try $0.add("z", to: a) },
        { server in _ = try server.publisher.delete(b, try? server.database(b)) },
    ]

    private static func run(on disk: SimulatedDisk, _ note: (Running) throws -> Void = { _ in }) -> Int {
        guard let server = try? Running(disk) else { return -1 }
        for (number, step) in steps.enumerated() {
            do {
                try step(server)
                try note(server)
            } catch { return number }
        }
        return steps.count
    }

    /// On a thread of its own: others wait for answers meanwhile.
    @Test(arguments: SimulatedDisk.Loss.allCases) func aServerFindsWhatItWasToldOrWhatItWasDoing(
        loss: SimulatedDisk.Loss
    ) async throws {
        try await suspendingAside { try Self.sweep(loss) }
    }

    private static func sweep(_ loss: SimulatedDisk.Loss) throws {
        let whole = SimulatedDisk()
        var history = [State()]
        try #require(Self.run(on: whole) { history.append(try $0.state()) } == Self.steps.count)
        var found: Set<Int> = []
        // Each operation comes with two of the losses at least.
        let first = (SimulatedDisk.Loss.allCases.firstIndex(of: loss) ?? 0) % 2
        for operation in stride(from: first, to: whole.operationCount, by: 2) {
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = operation
            let disk = SimulatedDisk(faults: faults)
            let done = max(0, Self.run(on: disk))
            let after = disk.afterPowerLoss(loss, seed: UInt64(operation))
            let server = try Running(after)
            let state = try server.state()
            let allowed = history[done..<min(history.count, done + 2)]
            #expect(allowed.contains(state), "operation \(operation), after step \(done): \(state)")
            found.insert(done)
            #expect(server.registry.records.updates.isEmpty)
            let known = server.registry.records.published.values.map { "server/databases/\($0.directory)/" }
            let stray = after.paths.filter { path in
                path.hasPrefix("server/databases/") && !known.contains { path.hasPrefix($0) }
            }
            #expect(stray == [], "operation \(operation)")
            for database in server.registry.all {
                try server.add("after", to: database.identity)
                try database.core.runner.checkInvariants()
            }
            server.publisher.close()
        }
        #expect(found.count >= Self.steps.count - 1, "crash points lie in all steps: \(found.sorted())")
    }

    @Test func recordsAreReadAsTheyWereWritten() throws {
        var records = RegistryRecords()
        records.names = [
            "a": .init(owner: Self.owner, database: Self.a), "b": .init(owner: Self.owner, database: nil),
        ]
        records.published[Self.a] = .init(
            owner: Self.owner, directory: "\(Self.a.hex)-1", initialProgram: Keccak256.hash([1]))
        records.locked = [Self.a]
        records.updates[Self.a] = Keccak256.hash([2])
        #expect(try RegistryRecords(JSON(parsing: records.json.utf8)) == records)
        #expect(try RegistryRecords(RegistryRecords().json) == RegistryRecords())
    }

    @Test(arguments: [
        "{}", #"{"version":2,"names":[],"databases":[],"locked":[],"updates":[]}"#,
        #"{"version":1,"names":[{"name":"a"}],"databases":[],"locked":[],"updates":[]}"#,
        #"{"version":1,"names":[],"databases":[],"locked":["x"],"updates":[]}"#,
        #"{"version":1,"names":[],"databases":[],"locked":[],"updates":[{"identity":"x","program":""}]}"#,
        #"{"version":1,"names":[],"databases":[],"locked":[]}"#,
    ]) func recordsThatAreNoneAreRefused(text: String) {
        #expect(throws: RegistryRecords.Unreadable.self) { try RegistryRecords(JSON(parsing: text)) }
    }
}
