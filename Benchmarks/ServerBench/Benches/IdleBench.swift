import BenchHarness
import SpacetimeDurability

/// What connections cost that do nothing, and what a few active ones notice of them.
struct IdleBench {
    let settings: BenchSettings
    private let wanted: Int
    private let tiny: Bool
    private static let active = 10

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        self.tiny = tiny
        wanted = tiny ? 50 : 50_000
    }

    func run() throws {
        let child = try Child.itself("serve", ["memory", "1000", "0"])
        let port = try ServerChild.port(of: child)
        // The server has as many files as this process.
        let count = min(wanted, OpenFiles.limit - 200)
        if count < wanted, !settings.figures.json {
            print(
                "idle: \(count) connections instead of \(wanted), since a process may open \(OpenFiles.limit) files here"
            )
        }
        // Buffers and code that any connection needs are there before anything is counted.
        try active(child, port, "alone", nil)
        let before = try child.usage()
        let idle = try IdleClients(port: port)
        let start = monotonicNanoseconds()
        while idle.count < count {
            try idle.add()
            if idle.count % 100 == 0 { try idle.serve(milliseconds: 0) }
        }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        try settle(idle)
        let after = try child.usage()
        settings.report(
            "spacetimekit", "\(count)-connections",
            [
                ("bytes_per_connection", (after.residentByteCount - before.residentByteCount) / Double(count)),
                ("connects_per_second", Double(count) / seconds),
                ("server_us_per_connect", (after.seconds - before.seconds) / Double(count) * 1e6),
            ])
        try active(child, port, "beside-\(count)", idle)
        let quiet = try child.usage()
        try settle(idle)
        let later = try child.usage()
        let waited = tiny ? 0.2 : 2.0
        settings.report(
            "spacetimekit", "\(count)-idle",
            [("server_cores", (later.seconds - quiet.seconds) / waited)])
        child.end()
    }

    private func settle(_ idle: IdleClients) throws {
        let end = monotonicNanoseconds() + (tiny ? 200_000_000 : 2_000_000_000)
        while monotonicNanoseconds() < end { try idle.serve(milliseconds: 20) }
    }

    /// Calls of a few clients, one under way each.
    private func active(_ child: Child, _ port: Int, _ variant: String, _ idle: IdleClients?) throws {
        let transfers = Transfers(.uniform, accounts: 1_000, count: 100_000)
        let load = try PipelinedLoad<SpacetimeWire>(
            port: port, connections: Self.active, depth: 1, transfers, options: "confirmed=true")
        let before = try child.usage()
        let result = try load.run(seconds: settings.seconds, warmUp: settings.seconds / 5, begin: {}, end: {})
        let used = try child.usage().seconds - before.seconds
        settings.report(
            "spacetimekit", "\(Self.active)-active-\(variant)",
            result.figures + [("server_us_per_transaction", used / Double(max(result.answers, 1)) * 1e6)])
        // Pings that came meanwhile.
        try idle?.serve(milliseconds: 0)
    }
}
