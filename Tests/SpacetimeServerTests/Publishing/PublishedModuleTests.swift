import HTTPTypes
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeServer

/// Publishing programs over HTTP.
@Suite struct PublishedModuleTests {
    /// A server that runs stand-ins, and whose databases are in memory or on a disk.
    static func server(on disk: SimulatedDisk? = nil) async throws -> TestServer {
        let server = try TestServer { options in
            options.publishing.runtime = ModuleRuntime(StandInLoader())
            options.publishing.clock = VirtualClock(start: Arena.time)
            if let disk {
                options.publishing.directory = "server"
                options.publishing.storage = .simulated(disk)
            }
        }
        try await server.server.openPublished()
        return server
    }

    static func program(_ lines: String...) -> String { (["stand-in"] + lines).joined(separator: "\n") }

    // MARK: Creating and updating

    @Test(arguments: [false, true]) func aDatabaseIsCreatedCalledUpdatedAndAsked(onDisk: Bool) async throws {
        let server = try await Self.server(on: onDisk ? SimulatedDisk() : nil)
        let created = try await server.publish("world", Self.program("init first"))
        #expect(created.status == 200 && created.type == "application/json")
        let success = try #require(try created.json["Success"])
        #expect(success["domain"] == .string("world") && success["op"] == .string("created"))
        let identity = try #require(success["database_identity"]?.stringValue)
        #expect(try await server.send(.get, "/v1/database/world/identity").text == identity)
        #expect(try await server.call("world/call/add", "[\"x\"]", as: server.owner).status == 200)

        let updated = try await server.publish("world", Self.program("prefix new-", "init first", "table other"))
        #expect(try updated.json["Success"]?["op"] == .string("updated"))
        #expect(try updated.json["Success"]?["database_identity"] == .string(identity))
        #expect(try await server.call("world/call/add", "[\"y\"]", as: server.owner).status == 200)
        #expect(try await server.names("world") == ["first", "x", "new-y"])
        let schema = try await server.send(.get, "/v1/database/\(identity)/schema?version=10")
        #expect(schema.text.contains("other"))
        let logs = try await server.send(.get, "/v1/database/world/logs", as: server.owner)
        for line in ["Database initialized", "Updated program to ", "Creating table `other`", "Database updated"] {
            #expect(logs.text.contains(line), "\(line)")
        }
        let first = ModuleProgram(.webAssembly, Array(Self.program("init first").utf8))
        let info = try await server.send(.get, "/v1/database/world").json
        #expect(info["initial_program"] == .string(HashText.text(first.hash)))
        #expect(info["host_type"] == .variant("Wasm"))
    }

    @Test func theSameProgramAgainChangesNothing() async throws {
        let server = try await Self.server()
        _ = try await server.publish("world", Self.program())
        let core = try server.server.registry.database("world").core
        let again = try await server.publish("world", Self.program())
        #expect(try again.json["Success"]?["op"] == .string("updated"))
        #expect(try server.server.registry.database("world").core === core)
    }

    @Test func databasesNeedNoName() async throws {
        let server = try await Self.server()
        let created = try await server.send(
            .post, "/v1/database?host_type=Wasm", as: server.owner, text: Self.program())
        let success = try #require(try created.json["Success"])
        #expect(success["domain"] == .null)
        let identity = try #require(success["database_identity"]?.stringValue)
        let updated = try await server.publish(identity, Self.program("table other"))
        #expect(try updated.json["Success"]?["domain"] == .null)
        #expect(try updated.json["Success"]?["op"] == .string("updated"))
        // Whoever names an identity that nobody has gets it.
        let fresh = Identity(issuer: "localhost", subject: "fresh").hex
        let wanted = try await server.publish(fresh, Self.program())
        #expect(try wanted.json["Success"]?["database_identity"] == .string(fresh))
    }

    @Test func aBrokenProgramLeavesTheNameReserved() async throws {
        let server = try await Self.server()
        for broken in ["nonsense", Self.program("failing-init")] {
            let reply = try await server.publish("world", broken)
            #expect(reply.status == 500)
            if broken != "nonsense" {
                #expect(reply.text == "the module's `init` refuses the new database: init fails")
            }
        }
        let identity = try await server.send(.get, "/v1/database/world/identity").text
        let described = try await server.send(.get, "/v1/database/\(identity)/schema?version=10")
        #expect(described.status == 404 && described.text == "No such database.")
        let other = try await server.publish("world", Self.program(), as: server.token("other"))
        #expect(other.status == 401 && other.text == #"{"PermissionDenied":{"name":"world"}}"#)
        let repaired = try await server.publish("world", Self.program())
        #expect(try repaired.json["Success"]?["database_identity"] == .string(identity))
        #expect(try repaired.json["Success"]?["op"] == .string("created"))
    }

    /// Somebody's module may take its time to start; nobody else is to wait for that.
    @Test(.timeLimit(.minutes(10))) func aProgramThatTakesLongToLoadHoldsNobodyUp() async throws {
        let gate = Gate()
        let server = try TestServer { options in
            options.publishing.runtime = ModuleRuntime(GatedLoader(gate: gate))
        }
        try await server.server.openPublished()
        async let slow = server.publish("slow", Self.program("init gated"))
        await gate.reached()
        #expect(try await server.publish("quick", Self.program("init first")).status == 200)
        let plan = try await server.send(
            .post, "/v1/database/quick/pre_publish", as: server.owner, text: Self.program("init second"))
        #expect(plan.status == 200)
        #expect(try await server.send(.delete, "/v1/database/quick", as: server.owner).status == 200)
        gate.open()
        #expect(try await slow.status == 200)
        #expect(try await server.names("slow") == ["gated"])
    }

    /// `init` runs in the turn of its own database alone.
    @Test(.timeLimit(.minutes(10))) func anInitThatTakesLongHoldsNobodyElseUp() async throws {
        let gate = Gate()
        let server = try TestServer { options in
            options.publishing.runtime = ModuleRuntime(GatedInitLoader(gate: gate))
        }
        try await server.server.openPublished()
        async let slow = server.publish("slow", Self.program("init gated"))
        await gate.reached()
        #expect(try await server.publish("quick", Self.program("init first")).status == 200)
        #expect(try await server.publish("quick", Self.program("init first", "table other")).status == 200)
        // Whoever publishes to the same database waits for it.
        async let again = server.publish("slow", Self.program("init gated", "table other"))
        #expect(try await server.publish("third", Self.program("init first")).status == 200)
        gate.open()
        #expect(try await slow.status == 200)
        #expect(try await again.status == 200)
        #expect(try await server.names("slow") == ["gated"])
    }

    /// Loads stand-ins, whose reducers wait if they say so.
    private struct GatedInitLoader: ModuleLoader {
        let gate: Gate

        func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost {
            let module = try StandInModule(program)
            return String(decoding: program.bytes, as: UTF8.self).contains("gated")
                ? GatedModule(inner: module, gate: gate) : module
        }
    }

    private final class GatedModule: ModuleHost {
        private let inner: StandInModule
        private let gate: Gate

        init(inner: StandInModule, gate: Gate) {
            self.inner = inner
            self.gate = gate
        }

        func describe() throws(DatabaseError) -> RawModuleDefV10 { try inner.describe() }

        func call(
            _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
        ) throws -> Outcome {
            gate.pass()
            return try inner.call(function, arguments: arguments, in: transaction)
        }
    }

    /// Where a thread waits until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Monitor(false)
        private let arrivals = AsyncStream<Void>.makeStream()

        func pass() {
            arrivals.continuation.yield()
            isOpen.wait { $0 }
        }

        func reached() async { for await _ in arrivals.stream { return } }

        func open() { isOpen.wake { $0 = true } }
    }

    /// Loads stand-ins, and those that say so slowly.
    private struct GatedLoader: ModuleLoader {
        let gate: Gate

        func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost {
            if String(decoding: program.bytes, as: UTF8.self).contains("gated") { gate.pass() }
            return try StandInLoader().load(program)
        }
    }

    @Test func onlyTheOwnerUpdates() async throws {
        let server = try await Self.server()
        _ = try await server.publish("world", Self.program())
        let reply = try await server.publish("world", Self.program("table other"), as: server.token("other"))
        #expect(reply.status == 403 && reply.text.hasSuffix("update database"))
    }

    @Test func scriptsAreRefused() async throws {
        let server = try await Self.server()
        let reply = try await server.send(.put, "/v1/database/world?host_type=Js", as: server.owner, text: "export {}")
        #expect(reply.status == 400 && reply.text.contains("JavaScript"))
    }

    // MARK: Plans

    @Test func aPlanIsMadeAndCarriedOutByItsToken() async throws {
        let server = try await Self.server()
        #expect(try await server.plan("world", Self.program()).status == 404)
        _ = try await server.publish("world", Self.program())
        let reply = try await server.plan("world", Self.program("table other"))
        let plan = try #require(try reply.json["AutoMigrate"])
        #expect(plan["break_clients"] == .bool(false) && plan["major_version_upgrade"] == .bool(false))
        #expect(plan["migrate_plan"]?.stringValue?.contains("- add table 'other'") == true)
        let token = try #require(plan["token"]?.stringValue)
        // Also for plans that break nothing.
        let done = try await server.publish(
            "world?token=\(token)&policy=BreakClients&host_type=Wasm", Self.program("table other"))
        #expect(try done.json["Success"]?["op"] == .string("updated"))
        // The token was for the module before.
        let again = try await server.publish("world?token=\(token)&policy=BreakClients", Self.program("prefix p"))
        #expect(again.status == 400 && again.text.hasPrefix("Failed to create or update the database: "))
    }

    @Test func tokensAreWhatTheFormatSays() throws {
        let program = ModuleProgram(.webAssembly, [1, 2, 3])
        let core = try DatabaseCore.publish(
            ModuleProgram(.webAssembly, Array(Self.program().utf8)),
            as: StandInModule(ModuleProgram(.webAssembly, Array(Self.program().utf8))), at: .memory,
            options: OpeningOptions(name: "t")
        ).core
        let database = HostedDatabase(core)
        let text = database.identity.hex + database.moduleHash.hexText + program.hash.hexText
        #expect(PlanToken.text([database], program) == HashText.text(Keccak256.hash(Array(text.utf8))))
    }

    @Test func aPlanThatBreaksClientsNeedsConsent() async throws {
        let server = try await Self.server()
        _ = try await server.publish("world", Self.program("view !"))
        let refused = try await server.publish("world", Self.program("column"))
        #expect(refused.status == 400 && refused.text.hasPrefix("Failed to create or update the database: "))
        #expect(refused.text.contains("view 'names' goes") && refused.text.contains("'level'"))
        let plan = try #require(try await server.plan("world", Self.program("column")).json["AutoMigrate"])
        #expect(plan["break_clients"] == .bool(true))
        #expect(plan["migrate_plan"]?.stringValue?.contains("\u{1B}[33m") == true)
        let plain = try await server.plan("world", Self.program("column"), style: "style=NoColor")
        #expect(try plain.json["AutoMigrate"]?["migrate_plan"]?.stringValue?.contains("\u{1B}") == false)
        let token = try #require(plan["token"]?.stringValue)
        let done = try await server.publish("world?token=\(token)&policy=BreakClients", Self.program("column"))
        #expect(done.status == 200)
        let logs = try await server.send(.get, "/v1/database/world/logs", as: server.owner)
        #expect(logs.text.contains("Disconnecting all users"))
    }

    @Test func anImpossiblePlanIsManual() async throws {
        let server = try await Self.server()
        _ = try await server.publish("world", Self.program("column"))
        let plan = try await server.plan("world", Self.program())
        let reason = try #require(try plan.json["ManualMigrate"]?["reason"]?.stringValue)
        #expect(reason.contains("RemoveColumn") && reason.hasSuffix("clear=true, which removes all rows"))
        let refused = try await server.publish("world", Self.program())
        #expect(refused.status == 400 && refused.text == "Database update rejected: \(reason)")
        // The data may go instead.
        _ = try await server.call("world/call/add", "[\"x\"]", as: server.owner)
        let cleared = try await server.publish("world?clear=true&host_type=Wasm", Self.program("init fresh"))
        #expect(try cleared.json["Success"]?["op"] == .string("updated"))
        #expect(try await server.names("world") == ["fresh"])
    }

    @Test func aViewThatFailsLeavesTheOldModule() async throws {
        let server = try await Self.server()
        _ = try await server.publish("world", Self.program("view !"))
        _ = try await server.call("world/call/add", "[\"x\"]", as: server.owner)
        // Nobody looks at the view, so nothing fails yet; a broken program does.
        let reply = try await server.publish("world", "nonsense")
        #expect(reply.status == 500)
        #expect(try await server.names("world") == ["x"])
    }

    // MARK: Resetting and deleting

    @Test(arguments: [false, true]) func aDatabaseIsResetAndDeleted(onDisk: Bool) async throws {
        let disk = onDisk ? SimulatedDisk() : nil
        let server = try await Self.server(on: disk)
        _ = try await server.publish("world", Self.program("init first"))
        _ = try await server.call("world/call/add", "[\"x\"]", as: server.owner)
        let identity = try await server.send(.get, "/v1/database/world/identity").text
        // Without a body the module stays.
        let reset = try await server.send(.put, "/v1/database/world/reset", as: server.owner)
        #expect(reset.status == 200)
        #expect(try reset.json["Success"]?["op"] == .string("updated"))
        #expect(try await server.names("world") == ["first"])
        // One that cannot be initialized leaves everything as it is.
        let failed = try await server.send(
            .put, "/v1/database/world/reset", as: server.owner, text: Self.program("failing-init"))
        #expect(failed.status == 500)
        #expect(try await server.names("world") == ["first"])
        _ = try await server.send(.post, "/v1/database/world/lock", as: server.owner)
        #expect(try await server.send(.put, "/v1/database/world/reset", as: server.owner).status == 403)
        #expect(try await server.publish("world?clear=true", Self.program()).status == 403)
        #expect(try await server.send(.delete, "/v1/database/world", as: server.owner).status == 403)
        #expect(try await server.publish("world", Self.program("table other")).status == 200, "updates are allowed")
        _ = try await server.send(.post, "/v1/database/world/unlock", as: server.owner)
        #expect(try await server.send(.delete, "/v1/database/world", as: server.token("other")).status == 403)
        #expect(try await server.send(.delete, "/v1/database/world", as: server.owner).status == 200)
        #expect(try await server.send(.get, "/v1/database/world").text == "No such database.")
        #expect(try await server.send(.delete, "/v1/database/world", as: server.owner).status == 200)
        if let disk { #expect(!disk.paths.contains { $0.contains(identity) }) }
        let again = try await server.publish("world", Self.program())
        #expect(try again.json["Success"]?["database_identity"] == .string(identity))
        #expect(try again.json["Success"]?["op"] == .string("created"))
    }

    // MARK: Several at once

    @Test(arguments: [false, true]) func aSetOfDatabasesIsPublishedInOneStep(onDisk: Bool) async throws {
        let server = try await Self.server(on: onDisk ? SimulatedDisk() : nil)
        let created = try await server.publishSet("names=a,b,c", Self.program("init first"))
        let list = try #require(try created.json["Success"]?["databases"]?.arrayValue)
        #expect(list.map { $0["domain"]?.stringValue } == ["a", "b", "c"])
        #expect(list.allSatisfy { $0["op"] == .string("created") })
        _ = try await server.call("b/call/add", "[\"x\"]", as: server.owner)

        let planned = try await server.send(
            .post, "/v1/databases/pre_publish?names=a,b,d&style=NoColor", as: server.owner, text: Self.program("column")
        )
        #expect(try planned.json["break_clients"] == .bool(true))
        let token = try #require(try planned.json["token"]?.stringValue)
        let plans = try #require(try planned.json["databases"]?.arrayValue)
        #expect(plans[0]["plan"]?["AutoMigrate"]?["break_clients"] == .bool(true))
        #expect(plans[2]["plan"] == .variant("Create"))
        #expect(try await server.publishSet("names=a,b,d", Self.program("column")).status == 400)
        #expect(try await server.send(.get, "/v1/database/d").status == 404, "nothing was made")
        let updated = try await server.publishSet(
            "names=a,b,d&policy=BreakClients&token=\(token)", Self.program("column"))
        let ops = try updated.json["Success"]?["databases"]?.arrayValue?.map { $0["op"]?.stringValue }
        #expect(ops == ["updated", "updated", "created"])
        #expect(try await server.names("b") == ["first", "x"])
    }

    @Test func ifOneCannotFollowNoneIsChanged() async throws {
        let server = try await Self.server()
        _ = try await server.publishSet("names=a,b", Self.program())
        // One of them was published by itself since, and cannot go back.
        let plan = try await server.plan("b", Self.program("column"))
        let token = try #require(try plan.json["AutoMigrate"]?["token"]?.stringValue)
        _ = try await server.publish("b?policy=BreakClients&token=\(token)", Self.program("column"))
        let before = try server.server.registry.database("a").core
        let reply = try await server.publishSet("names=a,b", Self.program("table other"))
        #expect(reply.status == 400 && reply.text.contains("`b`") && reply.text.contains("RemoveColumn"))
        #expect(try server.server.registry.database("a").core === before)
        #expect(try await server.call("a/call/add", "[\"x\"]", as: server.owner).status == 200)
        for query in ["", "names=", "names=a,a", "names=A"] {
            #expect(try await server.publishSet(query, Self.program()).status == 400, "\(query)")
        }
        #expect(try await server.publishSet("names=a,arena", Self.program()).status == 400)
        #expect(try await server.publishSet("names=a,b", Self.program(), as: server.token("other")).status == 403)
    }

    // MARK: Restarting

    @Test func everythingIsThereAfterARestart() async throws {
        let disk = SimulatedDisk()
        var server = try await Self.server(on: disk)
        _ = try await server.publish("world", Self.program("init first"))
        _ = try await server.publish("other", Self.program(), as: server.token("somebody"))
        _ = try await server.publish("world", Self.program("prefix new-", "init first"))
        _ = try await server.call("world/call/add", "[\"x\"]", as: server.owner)
        _ = try await server.send(
            .put, "/v1/database/world/names", as: server.owner, type: "application/json", text: #"["renamed"]"#)
        _ = try await server.send(.post, "/v1/database/renamed/lock", as: server.owner)
        let identity = try await server.send(.get, "/v1/database/renamed/identity").text
        let info = try await server.send(.get, "/v1/database/renamed").text
        await server.server.finish()

        server = try await Self.server(on: disk)
        #expect(try await server.send(.get, "/v1/database/renamed/identity").text == identity)
        #expect(try await server.send(.get, "/v1/database/renamed").text == info)
        #expect(try await server.send(.get, "/v1/database/world").status == 404)
        #expect(try await server.names("renamed") == ["first", "new-x"])
        _ = try await server.call("renamed/call/add", "[\"y\"]", as: server.owner)
        #expect(try await server.names("renamed") == ["first", "new-x", "new-y"])
        #expect(try await server.send(.delete, "/v1/database/renamed", as: server.owner).status == 403, "it is locked")
        // The old name is still its owner's.
        #expect(try await server.publish("world", Self.program(), as: server.token("somebody")).status == 401)
        let owned = Identity(issuer: "localhost", subject: "somebody").hex
        #expect(
            try await server.send(.get, "/v1/identity/\(owned)/databases").json["identities"]?.arrayValue?.count == 1)
    }

    @Test func twoServersDoNotShareADirectory() async throws {
        let disk = SimulatedDisk()
        let first = try await Self.server(on: disk)
        let error = await #expect(throws: DatabaseError.self) { try await Self.server(on: disk) }
        #expect(error?.code == .inUse)
        await first.server.finish()
        _ = try await Self.server(on: disk)
    }

    @Test func aDatabaseThatCannotBeOpenedDoesNotKeepOthersFromBeingServed() async throws {
        let disk = SimulatedDisk()
        var server = try await Self.server(on: disk)
        for name in ["good", "bad"] { _ = try await server.publish(name, Self.program("prefix \(name)-")) }
        let bad = try await server.send(.get, "/v1/database/bad/identity").text
        await server.server.finish()
        let program = try #require(disk.paths.first { $0.contains(bad) && $0.hasSuffix(".wasm") })
        try disk.remove(program)

        server = try await Self.server(on: disk)
        #expect(try await server.call("good/call/add", "[\"x\"]", as: server.owner).status == 200)
        let reply = try await server.send(.get, "/v1/database/bad")
        #expect(reply.status == 404 && reply.text == "Database is not scheduled on this host")
        let publication = try await server.publish("bad", Self.program())
        #expect(publication.status == 500 && publication.text.contains("could not be opened"))
        #expect(try await server.send(.delete, "/v1/database/bad", as: server.token("other")).status == 403)
        #expect(try await server.send(.delete, "/v1/database/bad", as: server.owner).status == 200)
        #expect(!disk.paths.contains { $0.contains(bad) })
    }

    @Test func aDamagedRegistryIsReported() async throws {
        let disk = SimulatedDisk()
        let server = try await Self.server(on: disk)
        _ = try await server.publish("world", Self.program())
        await server.server.finish()
        let file = try disk.open("server/registry.json", .update)
        try [UInt8(ascii: "!")].withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        file.close()
        let error = await #expect(throws: DatabaseError.self) { try await Self.server(on: disk) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("registry.json") == true)
    }
}

extension TestServer {
    func publish(_ path: String, _ program: String, as token: String? = nil) async throws -> Reply {
        try await send(.put, "/v1/database/\(path)", as: token ?? owner, text: program)
    }

    func publishSet(_ query: String, _ program: String, as token: String? = nil) async throws -> Reply {
        try await send(.put, "/v1/databases?\(query)", as: token ?? owner, text: program)
    }

    func plan(
        _ name: String, _ program: String, style: String = "pretty_print_style=AnsiColor"
    ) async throws -> Reply {
        try await send(
            .post, "/v1/database/\(name)/pre_publish?\(style)&host_type=Wasm", as: owner, text: program)
    }

    /// The names of the items of a stand-in, in the order of their ids.
    func names(_ database: String) async throws -> [String] {
        let reply = try await send(
            .post, "/v1/database/\(database)/sql", as: owner, text: "SELECT name FROM item ORDER BY id")
        let rows = try reply.json.arrayValue?.first?["rows"]?.arrayValue ?? []
        return rows.compactMap { $0.arrayValue?.first?.stringValue }
    }
}
