import SpacetimeDurability
import SpacetimeEngine
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import SpacetimeWASM
import Testing

@testable import SpacetimeHost

/// A module that has itself mounted as `lib`, and in there as `deep`: three modules with the same names.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct SubmoduleTests {
    private static let prefixes = ["", "lib.", "lib.deep."]

    private let clock = VirtualClock()
    private let core: DatabaseCore

    init() throws { core = try Self.open(.memory, clock) }

    private static func open(_ location: DatabaseLocation, _ clock: VirtualClock) throws -> DatabaseCore {
        var options = OpeningOptions(name: "mounted")
        options.clock = clock
        return try DatabaseCore.open(
            location, module: GuestPrograms.load("mounted").makeHost(), options: options
        ).core
    }

    private func bump(_ name: String, in prefix: String) throws {
        try core.runner.call("\(prefix)bump", arguments: name.bsatn(), as: core.owner)
    }

    /// What somebody sees of a query who is not the owner: names and values.
    private func rows(_ query: String, _ core: DatabaseCore? = nil) throws -> [String] {
        let core = core ?? self.core
        let session = Session(Caller(identity: .local("guest")), outlet: nil, queueLimit: 10)
        let queries = try core.sessions.texts.queries([query], as: session.caller)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        defer { core.sessions.end(session) }
        guard case .subscribed(let first)? = session.queue.nextAvailable() else { return ["nothing came"] }
        var rows: [String] = []
        first.rows[0].inserts.forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            if let name = try? reader.readString(), let value = try? reader.readU32() {
                rows.append("\(name) \(value)")
            }
        }
        return rows.sorted()
    }

    @Test func eachHasTablesAndReducersOfItsOwn() throws {
        for (times, prefix) in Self.prefixes.enumerated() {
            for _ in 0...times { try bump("x", in: prefix) }
        }
        #expect(try Self.prefixes.map { try rows("SELECT * FROM \($0)counter") } == [["x 1"], ["x 2"], ["x 3"]])
        #expect(try rows("SELECT * FROM \"lib\".\"deep\".\"counter\"") == ["x 3"])
        #expect(core.catalog.schema.tables.map(\.name).contains("lib.deep.timer"))
        let error = #expect(throws: DatabaseError.self) { try bump("x", in: "other.") }
        #expect(error?.code == .noSuchReducer)
    }

    @Test func eachHasProceduresOfItsOwn() async throws {
        try bump("a", in: "lib.")
        try bump("b", in: "lib.")
        try bump("c", in: "lib.deep.")
        var counts: [UInt64] = []
        for prefix in Self.prefixes {
            let result = try await core.procedures.call("\(prefix)count", arguments: [], as: core.owner)
            counts.append(try UInt64(bsatn: result))
        }
        #expect(counts == [0, 2, 1])
    }

    /// Of both kinds, which are numbered apart; and their queries mean tables of their own module.
    @Test func eachHasViewsOfItsOwn() throws {
        for (times, prefix) in Self.prefixes.enumerated() {
            try bump("once", in: prefix)
            for _ in 0...(times + 1) { try bump("often", in: prefix) }
        }
        for (times, prefix) in Self.prefixes.enumerated() {
            #expect(try rows("SELECT * FROM \(prefix)high") == ["often \(times + 2)"], "\(prefix)")
            #expect(try rows("SELECT * FROM \(prefix)mine") == ["often \(times + 2)", "once 1"], "\(prefix)")
        }
    }

    @Test func eachHasSchedulesOfItsOwn() async throws {
        let due = clock.now() + TimeDuration(microseconds: 1_000_000)
        try await core.runner.call("lib.arm", arguments: due.microsecondsSinceUnixEpoch.bsatn(), as: core.owner)
        clock.advance(by: .seconds(2))
        await core.procedures.settle()
        #expect(try Self.prefixes.map { try rows("SELECT * FROM \($0)counter") } == [[], ["fired 1"], []])
    }

    @Test func rowRulesGuardTheTablesOfTheirModule() throws {
        for prefix in Self.prefixes {
            try bump("hidden", in: prefix)
            try bump("seen", in: prefix)
            #expect(try rows("SELECT * FROM \(prefix)counter") == ["seen 1"], "\(prefix)")
        }
    }

    /// All three modules write the same text, which is the key of the table that shows it.
    @Test func rowRulesAreShownWithTheTablesThatTheyGuard() throws {
        let database = try Database.open(.inMemory, module: GuestPrograms.load("mounted"))
        let rules = try database.sql(
            "SELECT t.table_name, r.sql FROM st_row_level_security r JOIN st_table t ON r.table_id = t.table_id")
        let shown = zip(
            try rules.values(of: "table_name", as: String.self), try rules.values(of: "sql", as: String.self))
        #expect(
            Dictionary(uniqueKeysWithValues: shown) == [
                "counter": "SELECT * FROM counter WHERE name <> 'hidden'",
                "lib.counter": #"SELECT * FROM "lib"."counter" AS "counter" WHERE name <> 'hidden'"#,
                "lib.deep.counter": #"SELECT * FROM "lib"."deep"."counter" AS "counter" WHERE name <> 'hidden'"#,
            ])
        // Each is a query that anybody can ask, and finds the rows that are seen of its table.
        for (number, prefix) in Self.prefixes.enumerated() {
            try database.call("\(prefix)bump", arguments: "hidden".bsatn())
            try database.call("\(prefix)bump", arguments: "seen \(number)".bsatn())
        }
        for (table, text) in shown {
            let names = try database.sql(text).values(of: "name", as: String.self)
            let number = try #require(Self.prefixes.firstIndex(of: String(table.dropLast("counter".count))))
            #expect(names == ["seen \(number)"])
        }
    }

    @Test func onlyTheOutermostAnswersRequests() async throws {
        let response = await core.handle(HTTP.Request(.get, "http://mounted.example/answer"))
        #expect(String(decoding: response.body, as: UTF8.self) == "0")
        let lines = core.log.last().filter { $0.level == .warn }.map(\.message)
        #expect(lines.count == 2)
        #expect(lines.first?.contains("'/answer' of 'lib'") == true)
        #expect(lines.last?.contains("'/answer' of 'lib.deep'") == true)
    }

    @Test func theyAreFoundAgainInFiles() throws {
        let storage = StorageOptions.simulated(SimulatedDisk())
        let before = try Self.open(.directory("mounted", storage), clock)
        try before.runner.call("lib.deep.bump", arguments: "x".bsatn(), as: before.owner)
        try before.close()
        let core = try Self.open(.directory("mounted", storage), clock)
        #expect(try rows("SELECT * FROM lib.deep.counter", core) == ["x 1"])
        #expect(try rows("SELECT * FROM lib.counter", core) == [])
        try core.close()
    }
}
