import CAllocationCounter
import Logging
import NIOPosix
import SpacetimeDurability
import SpacetimeKit
import SpacetimeServer
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The process that serves a database, and nothing else, so that what it uses is what serving costs.
enum ServerChild {
    /// - Parameter words: the directory of the database, or `memory`; the number of accounts; the rows of the burst.
    static func run(_ words: [String]) throws {
        guard words.count == 3, let accounts = UInt32(words[1]), let burst = UInt32(words[2]) else {
            throw BenchFailure("a server needs a directory, a number of accounts and one of rows")
        }
        let database =
            try words[0] == "memory"
            ? Database.open(.inMemory, module: Workload.self) : Database.open(at: words[0], module: Workload.self)
        try database.call(Workload.seed, accounts, Transfers.initialBalance, burst)
        if words[0] != "memory" { try database.flush() }
        let snapshots = Snapshots(database)
        try serve(database) { command in
            guard command == "snapshots" else { return nil }
            snapshots.begin()
            return "ok"
        }
    }

    /// Serves a database and answers what the benchmark asks, line by line, until it asks nothing more.
    ///
    /// - Parameter other: answers what is not asked of all servers.
    static func serve<Definition>(
        _ database: Database<Definition>, _ other: @escaping (String) throws -> String? = { _ in nil }
    ) throws {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let server = SpacetimeServer(options: ServerOptions(port: 0), logger: logger)
        try server.host(database, as: "bench")
        let failure = Mutex<String?>(nil)
        Task.detached {
            do { try await server.run() } catch { failure.withLock { $0 = "\(error)" } }
        }
        while server.port == nil {
            if let failure = failure.withLock({ $0 }) { throw BenchFailure(failure) }
            usleep(1_000)
        }
        answer("port \(server.port ?? 0)")
        try commands(other)
    }

    /// Answers the questions on standard input.
    static func commands(_ other: (String) throws -> String?) throws {
        while let line = readLine() {
            if line == "usage" {
                let usage = Usage.own()
                answer("\(usage.seconds) \(usage.residentByteCount) \(usage.openFiles)")
            } else if line == "allocations" {
                answer("\(allocation_counter_read())")
            } else {
                answer(try other(line) ?? "unknown")
            }
        }
    }

    static func answer(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// The port that a child says it listens on.
    static func port(of child: Child) throws -> Int {
        let line = try child.line()
        guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw BenchFailure("a server does not say its port: '\(line)'")
        }
        return port
    }
}

/// Snapshots one after the other, beside the calls.
private final class Snapshots: Sendable {
    private let take: @Sendable () throws -> Void
    private let isOn = Atomic(false)

    init<Definition>(_ database: Database<Definition>) { take = { _ = try database.takeSnapshot() } }

    func begin() {
        guard !isOn.exchange(true, ordering: .relaxed) else { return }
        startThread(stepsBack: true) { while (try? self.take()) != nil {} }
    }
}
