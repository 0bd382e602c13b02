import ArenaClient
import ArenaModule
import ArgumentParser
import SpacetimeClientKit
import SpacetimeClientNIO

/// Plays in the terminal.
struct PlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play", abstract: "Steers a runner, with the arrow keys or WASD; q leaves.")

    @Option(help: "Where the server is.")
    var server = "ws://127.0.0.1:3001"
    @Option(help: "The name to be known by.")
    var name = "somebody"

    func run() async throws {
        var options = ClientOptions()
        options.delivery = .onFrameTick
        // Nothing is lost that matters if the server loses its power.
        options.confirmedReads = false
        print("Connecting to \(server) …")
        let client = try await DatabaseClient.connect(
            to: server, database: "arena", over: NIOTransport(), options: options)
        guard let terminal = RawTerminal() else { throw ValidationError("play in a terminal") }
        defer { terminal.restore() }
        let clock = ContinuousClock()
        let size = terminal.size
        let visitor = Visitor(client, columns: Int32(size.columns), rows: Int32(size.rows))
        try visitor.join(as: name)
        var told: (runner: Runner, at: ContinuousClock.Instant)?
        while true {
            try visitor.frame()
            let keys = terminal.keys()
            if keys.contains(.leave) { break }
            if let heading = keys.last?.heading { try visitor.steer(dx: heading.dx, dy: heading.dy) }
            if let runner = visitor.runner {
                if told?.runner != runner { told = (runner, clock.now) }
                // Between two ticks everybody goes on as they went.
                let ticks = told.map { min((clock.now - $0.at) / .milliseconds(50), 2) } ?? 0
                let (runners, coins) = try visitor.seen()
                terminal.draw(
                    Picture(
                        around: runner, runners: runners, coins: coins, columns: size.columns, rows: size.rows - 1,
                        afterTicks: ticks),
                    status: "\(name): \(runner.coins) coins, \(runners.count) runners near")
            }
            try await clock.sleep(for: .milliseconds(25))
        }
        await client.disconnect()
    }
}
