import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import SpacetimeWASM
import Testing

@testable import SpacetimeHost

/// A module in C++ with a function of every kind, as a program would have them.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct GardenTests {
    private let clock = VirtualClock()
    private let http = StubHTTP { request in
        guard request.url == "http://seeds.example/" else {
            throw DatabaseError(.httpFailure, "error sending request for url (\(request.url))")
        }
        return HTTP.Response(text: "oak")
    }
    private let core: DatabaseCore
    private let gardener: Caller

    init() throws {
        var options = OpeningOptions(name: "garden")
        options.clock = clock
        options.procedures.http = http
        core = try DatabaseCore.open(.memory, module: GuestPrograms.load("garden").makeHost(), options: options).core
        gardener = try core.connections.connect(.local("gardener"), credentials: "")
    }

    private func sow(_ name: String, as caller: Caller? = nil) throws {
        try core.runner.call("sow", arguments: name.bsatn(), as: caller ?? gardener)
    }

    /// Names and heights of a query's rows.
    private func plants(_ query: String = "SELECT * FROM plant", as caller: Caller? = nil) throws -> [String] {
        let session = Session(caller ?? gardener, outlet: nil, queueLimit: 10)
        let queries = try core.sessions.texts.queries([query], as: session.caller)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        defer { core.sessions.end(session) }
        guard case .subscribed(let first)? = session.queue.nextAvailable() else { return ["nothing came"] }
        var plants: [String] = []
        first.rows[0].inserts.forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            guard (try? reader.readU64()) != nil, (try? Identity(from: &reader)) != nil,
                let name = try? reader.readString(), let height = try? reader.readU32()
            else { return }
            plants.append("\(name) \(height)")
        }
        return plants.sorted()
    }

    private func watchOwnPlants() throws -> Session {
        let session = Session(gardener, outlet: nil, queueLimit: 10)
        let queries = try core.sessions.texts.queries(["SELECT * FROM mine"], as: gardener)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        return session
    }

    private func order(_ time: Timestamp) throws {
        try core.runner.call("order", arguments: time.microsecondsSinceUnixEpoch.bsatn(), as: gardener)
    }

    /// Lets procedures run that are due.
    private func wait(_ duration: Duration) async {
        clock.advance(by: duration)
        await core.procedures.settle()
    }

    @Test func plantsGrowWithTime() async throws {
        try sow("rose")
        await wait(.seconds(3))
        try sow("fern")
        await wait(.seconds(1))
        #expect(try plants() == ["fern 1", "rose 4"])
    }

    @Test func reducersRefuseWithATextOfTheirs() throws {
        let error = #expect(throws: SenderError.self) { try sow("") }
        #expect(error?.message == "a plant needs a name")
    }

    @Test func hooksSeeClientsComeAndGo() throws {
        #expect(try core.connections.disconnect(gardener) == nil)
        #expect(core.log.last(2).map(\.message) == ["somebody comes", "somebody goes"])
    }

    @Test func everybodySeesTheirOwnPlants() throws {
        let other = try core.connections.connect(.local("other"), credentials: "")
        try sow("rose")
        try sow("oak", as: other)
        #expect(try plants("SELECT * FROM mine") == ["rose 0"])
        #expect(try plants("SELECT * FROM mine", as: other) == ["oak 0"])
    }

    @Test func aViewThatIsAQueryFollowsItsTable() async throws {
        try sow("rose")
        #expect(try plants("SELECT * FROM high") == [])
        await wait(.seconds(3))
        #expect(try plants("SELECT * FROM high") == ["rose 3"])
    }

    @Test func watchersOfAViewAreToldOfEachCommit() throws {
        let session = try watchOwnPlants()
        try sow("rose")
        try sow("fern", as: try core.connections.connect(.local("other"), credentials: ""))
        var updates = 0
        while let event = session.queue.nextAvailable() { if case .update = event { updates += 1 } }
        #expect(updates == 1)
        core.sessions.end(session)
    }

    @Test func aProcedureCommitsWhatItWants() async throws {
        let count = try await core.procedures.call("sow_twice", arguments: "tulip".bsatn(), as: gardener)
        #expect(try UInt64(bsatn: count) == 2)
        #expect(try plants() == ["tulip 0", "tulip 0"])
    }

    @Test func viewsAreWatchedWhileAProcedureCommits() async throws {
        let session = try watchOwnPlants()
        _ = try await core.procedures.call("sow_twice", arguments: "tulip".bsatn(), as: gardener)
        var updates = 0
        while let event = session.queue.nextAvailable() { if case .update = event { updates += 1 } }
        #expect(updates == 2)
        core.sessions.end(session)
    }

    @Test func aProcedureAsksOtherServers() async throws {
        func fetch(_ url: String) async throws -> String {
            try String(bsatn: try await core.procedures.call("fetch", arguments: url.bsatn(), as: gardener))
        }
        #expect(try await fetch("http://seeds.example/") == "oak")
        let failure = try await fetch("http://foo.invalid/")
        #expect(failure.contains("error"))
        #expect(failure.contains("http://foo.invalid/"))
    }

    @Test func aScheduledProcedureRunsWhenItIsDue() async throws {
        try order(clock.now() + TimeDuration(microseconds: 500_000))
        #expect(try plants() == [])
        await wait(.milliseconds(500))
        #expect(try plants() == ["delivered 0"])
    }

    @Test func handlersAnswerTheirRoutes() async throws {
        for number in 0..<12 { try sow("plant \(number)") }
        let response = await core.handle(HTTP.Request(.get, "http://garden.example/count"))
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == "12")
        #expect(await core.handle(HTTP.Request(.post, "http://garden.example/count")).status == 404)
        #expect(await core.handle(HTTP.Request(.get, "http://garden.example/other")).status == 404)
    }
}
