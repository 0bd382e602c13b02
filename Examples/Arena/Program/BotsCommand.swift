import ArenaClient
import ArenaModule
import ArgumentParser
import SpacetimeClientKit
import SpacetimeClientNIO
import Synchronization

/// Many players at once, who show what a player costs.
struct BotsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bots", abstract: "Plays with many runners, and says what each of them hears.")

    @Option(help: "Where the server is.")
    var server = "ws://127.0.0.1:3001"
    @Option(help: "How many players.")
    var count = 100
    @Option(help: "For how many seconds.")
    var seconds = 20
    @Option(help: "How many cells each sees, in each direction.")
    var columns: Int32 = 80
    @Option(help: "How many rows of cells each sees.")
    var rows: Int32 = 24

    func run() async throws {
        let traffic = (0..<count).map { _ in Traffic() }
        var answers = Percentiles()
        var moves = 0
        let (server, seconds, columns, rows) = (server, seconds, columns, rows)
        try await withThrowingTaskGroup(of: Bot.Played.self) { group in
            for (number, traffic) in traffic.enumerated() {
                group.addTask {
                    let bot = try await Bot(name: "bot \(number)", server, traffic, columns: columns, rows: rows)
                    return try await bot.play(for: .seconds(seconds))
                }
            }
            for try await played in group {
                played.answers.forEach { answers.add($0) }
                moves += played.moves
            }
        }
        let bytes = traffic.map(\.bytes).reduce(0, +)
        let frames = traffic.map(\.frames).reduce(0, +)
        let perSecond = Double(count * seconds)
        print("\(count) players for \(seconds) s, each with \(columns) by \(rows) cells")
        print(
            "each hears \(Int(Double(bytes) / perSecond)) bytes in \(Int(Double(frames) / perSecond)) messages a second"
        )
        print(
            "\(moves) areas were entered; the server has told a turn after \(answers.summary)"
        )
    }
}

/// Somebody who runs about.
private struct Bot {
    struct Played: Sendable {
        var answers: [Duration] = []
        var moves = 0
    }

    let name: String
    private let client: DatabaseClient
    private let traffic: Traffic
    private let columns: Int32
    private let rows: Int32

    init(name: String, _ server: String, _ traffic: Traffic, columns: Int32, rows: Int32) async throws {
        self.name = name
        self.traffic = traffic
        (self.columns, self.rows) = (columns, rows)
        var options = ClientOptions()
        options.delivery = .onFrameTick
        options.confirmedReads = false
        client = try await DatabaseClient.connect(
            to: server, database: "arena", over: CountingTransport(base: NIOTransport(), traffic), options: options)
    }

    func play(for duration: Duration) async throws -> Played {
        let clock = ContinuousClock()
        let visitor = Visitor(client, columns: columns, rows: rows)
        try visitor.join(as: name)
        var played = Played()
        var turned: ContinuousClock.Instant?
        let isAnswered = Flag()
        let end = clock.now + duration
        var nextTurn = clock.now
        // What is heard while the players come is not what they hear while they play.
        traffic.reset()
        while clock.now < end {
            try visitor.frame()
            if visitor.runner != nil {
                if let turn = turned, isAnswered.take() {
                    played.answers.append(clock.now - turn)
                    turned = nil
                }
                if clock.now >= nextTurn {
                    nextTurn = clock.now + .milliseconds(.random(in: 500...1500))
                    try visitor.steer(dx: .random(in: -8...8), dy: .random(in: -8...8)) { isAnswered.set() }
                    turned = clock.now
                }
            }
            try await clock.sleep(for: .milliseconds(10))
        }
        played.moves = visitor.moves
        await client.disconnect()
        return played
    }
}

/// Whether something has happened, told by whoever it happened to.
private final class Flag: Sendable {
    private let isSet = Atomic(false)

    func set() { isSet.store(true, ordering: .relaxed) }
    func take() -> Bool { isSet.exchange(false, ordering: .relaxed) }
}

/// How much one client has heard.
private final class Traffic: Sendable {
    private let counts = Mutex((bytes: 0, frames: 0))

    var bytes: Int { counts.withLock { $0.bytes } }
    var frames: Int { counts.withLock { $0.frames } }

    func add(_ payload: [UInt8]) {
        counts.withLock { ($0.bytes, $0.frames) = ($0.bytes + payload.count, $0.frames + 1) }
    }
    func reset() { counts.withLock { $0 = (0, 0) } }
}

/// Another transport, of which it is counted what arrives.
private struct CountingTransport: ClientTransport {
    let base: NIOTransport
    let traffic: Traffic

    init(base: NIOTransport, _ traffic: Traffic) { (self.base, self.traffic) = (base, traffic) }

    var compression: Compression { base.compression }
    var decompressor: any PayloadDecompressor { base.decompressor }

    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        let counting = TransportReceiver(
            receive: { payload in
                traffic.add(payload)
                receiver.receive(payload)
            }, end: receiver.end)
        return try await base.open(opening, counting)
    }
}
