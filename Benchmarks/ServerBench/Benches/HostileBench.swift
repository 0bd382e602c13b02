import BenchHarness
import SpacetimeDurability

/// What a few honest clients notice of others that mean no good, and what the server's memory does meanwhile.
struct HostileBench {
    let settings: BenchSettings
    private let connections: Int
    private static let honest = 10

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        connections = tiny ? 20 : min(10_000, OpenFiles.limit - 500)
    }

    func run() throws {
        let child = try Child.itself("serve", ["memory", "1000", "0"])
        let port = try ServerChild.port(of: child)
        let alone = try measure(child, port, "alone")
        for attack in Attacker.Attack.allCases where settings.wants("spacetimekit", "beside-\(attack.rawValue)") {
            let attacker = try Attacker(attack, port: port, connections: connections)
            let beside = try measure(child, port, "beside-\(attack.rawValue)")
            try attacker.end()
            settings.report(
                "spacetimekit", "\(attack.rawValue)-to-alone",
                [("times_p99", Double(beside.percentile(0.99)) / Double(max(alone.percentile(0.99), 1)))])
        }
        child.end()
    }

    /// Calls of honest clients, of which each has one under way.
    private func measure(_ child: Child, _ port: Int, _ variant: String) throws -> LatencyHistogram {
        let transfers = Transfers(.uniform, accounts: 1_000, count: 100_000)
        let load = try PipelinedLoad<SpacetimeWire>(
            port: port, connections: Self.honest, depth: 1, transfers, options: "confirmed=true")
        let result = try load.run(seconds: settings.seconds, warmUp: settings.seconds / 5, begin: {}, end: {})
        let usage = try child.usage()
        settings.report(
            "spacetimekit", variant, result.figures + [("server_megabytes", usage.residentByteCount / 1e6)])
        return result.latencies
    }
}
