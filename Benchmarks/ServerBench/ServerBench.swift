import ArgumentParser
import BenchHarness

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Measures the server over sockets, beside the least that such a server can cost and beside others.
///
/// The server is a process of its own, so that what it uses is known; this one makes the load.
@main
struct ServerBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-server", abstract: "Measures a server of SpacetimeKit over sockets.")

    static let names = ["keynote", "fanout", "latency", "login", "idle", "hostile", "allocations"]
    /// Those that run by name only.
    static let onDemand = ["soak"]

    @Argument(help: "The benchmarks to run; all if none is named.")
    var names: [String] = []

    @Flag(help: "List the benchmarks and stop.")
    var list = false

    @Option(help: "Run what has this in its name only, such as 'spacetimekit' or 'zipf'.")
    var only: String?

    @Option(help: "Measured seconds per figure.")
    var seconds: Double = 5

    @Option(help: "How long 'soak' lasts.")
    var minutes: Double = 30

    @Option(help: "What 'soak' draws from.")
    var seed: UInt64 = 1

    @Flag(help: "Sizes so small that everything runs in seconds; the figures mean nothing.")
    var tiny = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @Flag(help: "Fail if 'allocations' finds more than is promised; for release builds.")
    var gate = false

    @Option(help: ArgumentHelp("Be a process that is measured.", visibility: .private))
    var child: String?

    func run() throws {
        // What a peer that has gone costs is an error, not this program.
        signal(SIGPIPE, SIG_IGN)
        if let child { return try runChild(child) }
        if list { return (Self.names + Self.onDemand).forEach { print($0) } }
        OpenFiles.raiseLimit()
        for name in names.isEmpty ? Self.names : names {
            let settings = BenchSettings(
                name: name, only: only, seconds: tiny ? 0.1 : seconds, figures: Figures(json: json))
            switch name {
            case "keynote": try KeynoteBench(settings, tiny: tiny).run()
            case "fanout": try FanoutBench(settings, tiny: tiny).run()
            case "latency": try SocketLatencyBench(settings, tiny: tiny).run()
            case "login": try LoginBench(settings, tiny: tiny).run()
            case "idle": try IdleBench(settings, tiny: tiny).run()
            case "hostile": try HostileBench(settings, tiny: tiny).run()
            case "allocations": try AllocationsBench(settings, tiny: tiny).run(gate: gate)
            case "soak": try SoakBench(settings, minutes: tiny ? 0.02 : minutes, seed: seed, tiny: tiny).run()
            default:
                throw BenchFailure(
                    "there is no benchmark \(name); there are: \((Self.names + Self.onDemand).joined(separator: ", "))")
            }
        }
    }

    private func runChild(_ role: String) throws {
        OpenFiles.raiseLimit()
        switch role {
        case "serve": try ServerChild.run(names)
        case "login": try LoginChild.run(names)
        case "echo": try EchoChild.run()
        case "send": try SendChild.run()
        default: throw BenchFailure("there is no role \(role)")
        }
    }
}

/// What all benchmarks of a run have in common.
struct BenchSettings {
    let name: String
    let only: String?
    let seconds: Double
    let figures: Figures

    func wants(_ system: String, _ variant: String) -> Bool {
        only.map { "\(system)/\(variant)".contains($0) } ?? true
    }

    func report(_ system: String, _ variant: String, _ values: [(String, Double)]) {
        figures.report(name, system, variant, values)
        // At once, also where it goes into a file: some of it takes long.
        fflush(nil)
    }

    /// Says why something is not measured.
    func skip(_ system: String, _ why: String) {
        if !figures.json { print("\(name) \(system): skipped, \(why)") }
    }
}

/// How many files a process may have open, sockets among them.
enum OpenFiles {
    #if canImport(Glibc)
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    private static let resource = RLIMIT_NOFILE
    #endif

    /// As many as the system lets this process have.
    static func raiseLimit() {
        var limit = rlimit()
        getrlimit(resource, &limit)
        // Who may, gets more than the limit that there is.
        var wanted = rlimit(rlim_cur: 60_000, rlim_max: max(60_000, limit.rlim_max))
        if setrlimit(resource, &wanted) == 0 { return }
        wanted = rlimit(rlim_cur: min(60_000, limit.rlim_max), rlim_max: limit.rlim_max)
        setrlimit(resource, &wanted)
    }

    static var limit: Int {
        var limit = rlimit()
        getrlimit(resource, &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
