import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import SpacetimeTesting
import SpacetimeWASM
import Testing

@testable import SpacetimeHost
@testable import SpacetimeKit

/// The same random calls of functions of every kind to a garden in Swift and to one in C++ give the same results, rows, views,
/// news and log, after each step.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct GardenDifferentialTests {
    private func open(_ host: any ModuleHost, seed: UInt64) throws -> TwinDatabase {
        let http = StubHTTP { request in
            guard request.url == "http://seeds.example/" else {
                throw DatabaseError(.httpFailure, "nobody is at \(request.url)")
            }
            return HTTP.Response(text: "oak")
        }
        return try TwinDatabase(host, name: "garden", seed: seed, http: http)
    }

    @Test func nobodySeesWhatViewsAndProceduresAreWrittenIn() async throws {
        let seed = freshSeed("garden")
        var seen: Set<String> = []
        for round in 0..<UInt64(8) {
            var steps = GardenSteps(seed: seed &+ round)
            let native = try open(Garden.wholeContent.host, seed: round)
            let guest = try open(GuestPrograms.load("garden").makeHost(), seed: round)
            for number in 0..<50 {
                let step = steps.next(at: native.clock.now())
                let place: Comment = "seed \(seed &+ round), step \(number): \("\(step)".prefix(200))"
                let outcomes = (await step.run(on: native), await step.run(on: guest))
                // A delivery that is due already is made beside the call that ordered it.
                await native.core.procedures.settle()
                await guest.core.procedures.settle()
                try #require(outcomes.0 == outcomes.1, place)
                try #require(try native.allRows() == guest.allRows(), place)
                try #require(native.news() == guest.news(), place)
                // A log says what the module calls its functions, which in Swift is not what clients call them.
                let lines = native.lines.map { $0.replacing("sowTwice", with: "sow_twice") }
                try #require(lines == guest.lines, place)
                seen.insert("\(step.kind) \(outcomes.0.prefix(4))")
            }
        }
        for kind in [
            "procedure gave", "procedure the ", "fetch gave", "watch watc", "handler 200", "call done", "call a pl",
        ] {
            #expect(seen.contains { $0.hasPrefix(kind) }, "nothing of '\(kind)' was tried: \(seen.sorted())")
        }
    }
}

private enum GardenStep {
    case connect(String)
    case disconnect(Int)
    case call(String, [UInt8], client: Int)
    case procedure(String, [UInt8], client: Int)
    case watch(String, client: Int)
    case handler(String)
    /// So many steps of the clock, an even number: plants grow at even ones, and deliveries are due at odd ones.
    case wait(Int)

    var kind: String {
        if case .procedure("fetch", _, _) = self { return "fetch" }
        return String("\(self)".prefix { $0 != "(" })
    }

    func run(on database: TwinDatabase) async -> String {
        do {
            switch self {
            case .connect(let name): return "client \(try await attempt { try database.connect(name) })"
            case .disconnect(let client):
                return try await attempt { try database.disconnect(client) }.map(TwinDatabase.describe) ?? "gone"
            case .call(let reducer, let arguments, let client):
                try await attempt { try database.call(reducer, arguments, as: client) }
                return "done"
            case .procedure(let name, let arguments, let client):
                return "gave \(try await database.callProcedure(name, arguments, as: client))"
            case .watch(let query, let client):
                try await attempt { try database.watch(query, as: client) }
                return "watching"
            case .handler(let path):
                let response = await database.core.handle(HTTP.Request(.get, "http://garden.example\(path)"))
                return "\(response.status) \(String(decoding: response.body, as: UTF8.self))"
            case .wait(let steps):
                await database.wait(steps: steps)
                return "later"
            }
        } catch {
            return TwinDatabase.describe(error)
        }
    }

    /// Something that does not suspend: of two forms of a function this takes the one that blocks.
    private func attempt<Result>(_ body: () throws -> Result) async throws -> Result { try body() }
}

private struct GardenSteps {
    private var random: RandomValues
    private var clients = 0
    private var watchers = 0

    init(seed: UInt64) { random = RandomValues(seed: seed) }

    mutating func next(at now: Timestamp) -> GardenStep {
        if clients == 0 || random.oneIn(12) {
            clients += 1
            return .connect(random.one(of: ["alice", "bob", "carol"]))
        }
        let client = random.below(clients)
        if watchers < 6, random.oneIn(6) {
            watchers += 1
            return .watch(
                random.one(of: [
                    "SELECT * FROM mine", "SELECT * FROM high", "SELECT * FROM plant WHERE height > 1",
                    "SELECT * FROM mine WHERE height >= 2", "SELECT plant.* FROM plant JOIN high ON plant.id = high.id",
                ]), client: client)
        }
        switch random.below(14) {
        case 0: return .disconnect(client)
        case 1, 2: return .wait(random.one(of: [8, 20, 50]))
        case 3: return .handler(random.one(of: ["/count", "/count", "/nothing"]))
        case 4, 5, 6: return .procedure("sow_twice", damaged(name().bsatn()), client: client)
        case 7:
            let url = random.one(of: ["http://seeds.example/", "http://seeds.example/", "http://foo.invalid/"])
            return .procedure("fetch", url.bsatn(), client: client)
        case 8:
            let due = now.microsecondsSinceUnixEpoch + Int64(random.below(40) * 2 - 5) * 50_000
            return .call("order", due.bsatn(), client: client)
        case 9: return .call(random.one(of: ["grow", "deliver", "set_up"]), [], client: client)
        default: return .call("sow", damaged(name().bsatn()), client: client)
        }
    }

    private mutating func name() -> String {
        random.one(of: ["rose", "fern", "", "日本", String(repeating: "t", count: 3_000)])
    }

    private mutating func damaged(_ arguments: [UInt8]) -> [UInt8] {
        switch random.below(25) {
        case 0: Array(arguments.dropLast())
        case 1: arguments + [0]
        default: arguments
        }
    }
}
