import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// The same random calls to a Swift module and to the same module in WebAssembly give the same rows, errors, subscriptions and
/// log, after each step.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct DifferentialTests {
    @Test(arguments: Twin.allCases, Form.guests) func nobodySeesWhatAModuleIsWrittenIn(twin: Twin, form: Form) throws {
        let seed = freshSeed("\(twin) in \(form)")
        for round in 0..<UInt64(20) {
            var steps = RandomSteps(twin, seed: seed &+ round)
            let native = try TwinDatabase(twin, .swift, seed: round)
            let guest = try TwinDatabase(twin, form, seed: round)
            var watchers = 0
            for number in 0..<60 {
                let step = steps.next(&watchers)
                let place: Comment = "seed \(seed &+ round), step \(number): \(step)"
                let outcomes = [native, guest].map { step.run(on: $0) }
                try #require(outcomes[0] == outcomes[1], place)
                try #require(try native.allRows() == guest.allRows(), place)
                try #require(native.news() == guest.news(), place)
                try #require(native.lines == guest.lines, place)
            }
        }
    }
}

/// Something that a client does, or time.
private enum Step {
    case connect(String)
    case disconnect(Int)
    case call(String, [UInt8], client: Int?)
    case watch(String, client: Int)
    case wait(Duration)

    /// What whoever does it sees.
    func run(on database: TwinDatabase) -> String {
        do {
            switch self {
            case .connect(let name): return "client \(try database.connect(name))"
            case .disconnect(let client):
                return try database.disconnect(client).map(TwinDatabase.describe) ?? "gone"
            case .call(let reducer, let arguments, let client):
                try database.call(reducer, arguments, as: client)
                return "done"
            case .watch(let query, let client):
                try database.watch(query, as: client)
                return "watching"
            case .wait(let duration):
                database.clock.advance(by: duration)
                return "later"
            }
        } catch {
            return TwinDatabase.describe(error)
        }
    }
}

/// Draws what clients do: mostly what makes sense, and now and then what does not.
private struct RandomSteps {
    private let twin: Twin
    private var random: RandomValues
    private var clients = 0
    private var isFilled = false

    init(_ twin: Twin, seed: UInt64) {
        self.twin = twin
        random = RandomValues(seed: seed)
    }

    mutating func next(_ watchers: inout Int) -> Step {
        if clients == 0 || random.oneIn(12) {
            clients += 1
            return .connect(random.one(of: ["alice", "bob", "carol", "dave"]))
        }
        if random.oneIn(15) { return .disconnect(random.below(clients)) }
        if random.oneIn(20) { return .wait(.seconds(random.one(of: [1, 600, 4_000]))) }
        if watchers < 5, random.oneIn(8) {
            watchers += 1
            return .watch(random.one(of: queries), client: random.below(clients))
        }
        let client = random.oneIn(10) ? nil : random.below(clients)
        var (reducer, arguments) = twin == .chat ? chatCall() : transferCall()
        if random.oneIn(25) { arguments = Array(arguments.dropLast()) }
        if random.oneIn(40) { arguments.append(UInt8(random.below(256))) }
        if random.oneIn(60) { reducer = random.one(of: ["set_up", "nobody", "forget_guests"]) }
        return .call(reducer, arguments, client: client)
    }

    private var queries: [String] {
        twin == .chat
            ? [
                "SELECT * FROM user WHERE is_online = true", "SELECT * FROM message WHERE room = 'lobby'",
                "SELECT * FROM room", "SELECT * FROM sweep",
            ]
            : [
                "SELECT * FROM account", "SELECT * FROM account WHERE balance > 500",
                "SELECT * FROM account WHERE id = 3",
            ]
    }

    // MARK: Calls

    private mutating func chatCall() -> (String, [UInt8]) {
        switch random.below(6) {
        case 0: ("rename", name().bsatn())
        case 1: ("open", name().bsatn())
        default: ("send", room().bsatn() + text().bsatn())
        }
    }

    private mutating func name() -> String {
        random.one(of: [
            "ada", "grace", "", " x", "x ", "x\u{301}", "a \u{301}", "\u{a0}y", "日本", "lobby", "kitchen", "a\u{0}b",
            "\r\n",
            String(repeating: "n", count: 60 + random.below(8)),
        ])
    }

    private mutating func room() -> String { random.oneIn(3) ? name() : "lobby" }

    private mutating func text() -> String {
        switch random.below(8) {
        case 0: ""
        case 1: String(repeating: "t", count: 15_998 + random.below(5))
        case 2: String(repeating: "∑", count: random.below(300))
        default: "hello \(random.below(100))"
        }
    }

    private mutating func transferCall() -> (String, [UInt8]) {
        if !isFilled || random.oneIn(30) {
            isFilled = true
            return ("fill", UInt32(random.below(9)).bsatn() + Int64(random.below(2_000)).bsatn())
        }
        if random.oneIn(15) { return ("nothing", []) }
        let (from, to) = (UInt32(random.below(9)), UInt32(random.below(9)))
        let amount = random.oneIn(12) ? Int64(-random.below(3)) : Int64(random.below(400))
        return ("transfer", from.bsatn() + to.bsatn() + amount.bsatn())
    }
}
