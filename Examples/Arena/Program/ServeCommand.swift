import ArenaClient
import ArenaModule
import ArgumentParser
import Logging
import ServiceLifecycle
import SpacetimeKit
import SpacetimeServer
import UnixSignals

/// Serves the arena, and makes it go on.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves the arena and makes its ticks.")

    @Option(help: "The port to listen on, for this machine alone.")
    var port = 3001
    @Option(help: "How many runners there are; those whom nobody steers wander.")
    var runners: UInt32 = 1000
    @Option(help: "How many coins lie about.")
    var coins: UInt32 = 4000
    @Option(help: "For how many seconds; without it until the program is ended.")
    var seconds: Int?

    func run() async throws {
        let db = try await Database.open(.inMemory, module: Arena.self)
        try await db.call(Arena.populate, runners, coins)
        let server = SpacetimeServer(options: ServerOptions(port: port))
        try server.host(db, as: "arena")
        let loop = GameLoop(db: db, seconds: seconds)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: server),
                    .init(service: loop, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: loop.logger))
        try await group.run()
    }
}

/// Calls the tick twenty times a second, and says every ten seconds how long it took: the whole transaction, with finding out
/// whom it concerns.
struct GameLoop: Service {
    let db: Database<Arena>
    let seconds: Int?
    let logger = Logger(label: "arena")

    func run() async throws {
        let clock = ContinuousClock()
        let period = Duration.seconds(1) / Arena.ticksPerSecond
        var (times, late) = (Percentiles(), 0)
        var next = clock.now
        let end = seconds.map { clock.now + .seconds($0) }
        logger.info("The arena is open.")
        while !Task.isCancelled, !Task.isShuttingDownGracefully, end.map({ clock.now < $0 }) ?? true {
            let began = clock.now
            try await db.call(Arena.tick)
            times.add(clock.now - began)
            if times.count == 10 * Arena.ticksPerSecond {
                logger.info("\(times.count) ticks: \(times.summary); \(late) late")
                (times, late) = (Percentiles(), 0)
            }
            next += period
            if next < clock.now {
                // What is late is not made up for: two ticks at once would look like a jump.
                late += 1
                next = clock.now
            }
            try? await clock.sleep(until: next)
        }
    }
}
