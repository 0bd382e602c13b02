import BenchHarness
import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Transfers between accounts, asked for over sockets by clients that keep many under way, or one each.
///
/// Beside it: the same calls made in the server's own process; a server on NIO that answers as many bytes and does nothing
/// else; Redis with a script, and PostgreSQL with a stored function.
struct KeynoteBench {
    let settings: BenchSettings
    private let accounts: Int
    private let pairs: Int
    private let connections: Int
    private static let pipelined = 40

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        accounts = tiny ? 1_000 : 100_000
        pairs = tiny ? 10_000 : 1_000_000
        connections = 2 * Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private struct Variant {
        let distribution: Transfers.Distribution
        let depth: Int
        var name: String { "\(distribution.rawValue)-\(depth == 1 ? "one" : "pipelined")" }
    }

    private var variants: [Variant] {
        Transfers.Distribution.allCases.flatMap { distribution in
            [Self.pipelined, 1].map { Variant(distribution: distribution, depth: $0) }
        }
    }

    func run() throws {
        try spacetime()
        try inProcess()
        try echo()
        try redis()
        try postgres()
    }

    // MARK: This package

    private func spacetime() throws {
        for confirmed in [true, false] {
            let suffix = confirmed ? "confirmed" : "unconfirmed"
            let wanted = variants.filter { settings.wants("spacetimekit", "\($0.name)-\(suffix)") }
            if wanted.isEmpty { continue }
            let directory = try TemporaryDirectory()
            let child = try Child.itself("serve", [directory.path + "/db", "\(accounts)", "0"])
            let port = try ServerChild.port(of: child)
            for variant in wanted {
                try measure(
                    SpacetimeWire.self, "spacetimekit", "\(variant.name)-\(suffix)", variant, port: port,
                    options: "confirmed=\(confirmed)"
                ) { try child.usage().seconds }
            }
            child.end()
        }
    }

    /// The same transfers without sockets, by one thread. Confirmed: as many as clients would have under way are made, and then
    /// the last of them is waited for.
    private func inProcess() throws {
        for (confirmed, distribution) in [
            (true, Transfers.Distribution.uniform), (false, .uniform), (true, .zipf), (false, .zipf),
        ] {
            let name = "\(distribution.rawValue)-\(confirmed ? "confirmed" : "unconfirmed")"
            guard settings.wants("in-process", name) else { continue }
            let directory = try TemporaryDirectory()
            let database = try Database.open(at: directory.path + "/db", module: Workload.self)
            try database.call(Workload.seed, UInt32(accounts), Transfers.initialBalance, 0)
            var transfers = Transfers(distribution, accounts: accounts, count: pairs)
            var result = LoadResult()
            let before = Usage.own().seconds
            let start = monotonicNanoseconds()
            while monotonicNanoseconds() - start < Int64(settings.seconds * 1e9) {
                let begin = monotonicNanoseconds()
                var last = TxOffset(0)
                let batch = Self.pipelined * connections
                for _ in 0..<batch {
                    let pair = transfers.next()
                    last = try database.call(Workload.transfer, pair.from, pair.to, 1)
                }
                if confirmed { try database.core.runner.waitUntilDurable(last) }
                let time = monotonicNanoseconds() - begin
                // Those of a batch that nobody waits for are done one after the other.
                result.latencies.record(nanoseconds: confirmed ? time : time / Int64(batch))
                result.answers += batch
            }
            result.seconds = Double(monotonicNanoseconds() - start) / 1e9
            let used = Usage.own().seconds - before
            settings.report(
                "in-process", name,
                result.figures + [("server_us_per_transaction", used / Double(result.answers) * 1e6)])
            try database.close()
        }
    }

    // MARK: Peers

    private func echo() throws {
        let wanted = variants.filter { $0.distribution == .uniform && settings.wants("nio-echo", $0.name) }
        if wanted.isEmpty { return }
        let child = try Child.itself("echo", [])
        let port = try ServerChild.port(of: child)
        for variant in wanted {
            try measure(SpacetimeWire.self, "nio-echo", variant.name, variant, port: port, options: "") {
                try child.usage().seconds
            }
        }
        child.end()
    }

    private func redis() throws {
        let wanted = variants.filter { settings.wants("redis", "\($0.name)-everysec") }
        if wanted.isEmpty { return }
        guard let redis = try Redis.start(accounts: accounts) else {
            return settings.skip("redis", "there is no redis-server; Debian's package has that name")
        }
        for variant in wanted {
            try measure(
                RedisWire.self, "redis", "\(variant.name)-everysec", variant, port: redis.port, options: redis.script
            ) { Usage.seconds(ofTree: redis.server.process) }
        }
        redis.server.end()
    }

    private func postgres() throws {
        guard variants.contains(where: { settings.wants("postgresql", $0.name) }) else { return }
        guard let postgres = try Postgres.start(accounts: accounts) else {
            return settings.skip("postgresql", "it is not installed; Debian's package has that name")
        }
        for commit in ["off", "on"] {
            for variant in variants where settings.wants("postgresql", "\(variant.name)-\(commit)") {
                try measure(
                    PostgresWire.self, "postgresql", "\(variant.name)-\(commit)", variant, port: postgres.port,
                    options: commit
                ) { Usage.seconds(ofTree: postgres.server.process) }
            }
        }
        postgres.server.end(signal: SIGINT)
    }

    private func measure<Wire: TransferWire>(
        _ wire: Wire.Type, _ system: String, _ name: String, _ variant: Variant, port: Int, options: String,
        usage: () throws -> Double?
    ) throws {
        let transfers = Transfers(variant.distribution, accounts: accounts, count: pairs)
        let load = try PipelinedLoad<Wire>(
            port: port, connections: connections, depth: variant.depth, transfers, options: options)
        var (before, after): (Double?, Double?) = (nil, nil)
        let result = try load.run(seconds: settings.seconds, warmUp: settings.seconds / 5) {
            before = try usage()
        } end: {
            after = try usage()
        }
        var figures = result.figures
        if let before, let after {
            figures.append(("server_us_per_transaction", (after - before) / Double(max(result.answers, 1)) * 1e6))
        }
        settings.report(system, name, figures)
    }
}
