import BenchHarness
import CAllocationCounter
import SpacetimeDurability
import SpacetimeTestSupport

/// How many heap allocations the server makes for each call that comes over a socket, beside a server on NIO that answers as
/// many bytes and does nothing else. Unlike times these repeat, so a build can fail over them.
///
/// A call that comes with others costs nothing of its own; a message costs what NIO makes for what is read and written.
struct AllocationsBench {
    /// One connection: calls of several that come at the same moment have to wait for each other, which nobody could count.
    private struct Shape {
        let name: String
        /// Calls under way, which come as one message.
        let depth: Int
        /// How many allocations a call may cost more than with the bare server.
        let limit: Double
    }

    /// In memory there is nothing to wait for: not one allocation more than NIO's own.
    private static let inMemory = [
        Shape(name: "one", depth: 1, limit: 0),
        Shape(name: "pipelined", depth: 40, limit: 0),
    ]
    /// What is told when it is on disk is told apart from what was read: the log calls the loop, once for all who wait.
    private static let durable = [
        Shape(name: "one", depth: 1, limit: 2),
        Shape(name: "pipelined", depth: 40, limit: 0.25),
    ]

    let settings: BenchSettings
    private let accounts: Int

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        accounts = tiny ? 1_000 : 100_000
    }

    /// - Throws: if `gate` is set and there are more allocations than are allowed.
    func run(gate: Bool) throws {
        guard allocation_counter_is_supported() else {
            return settings.skip("spacetimekit", "allocations are counted on Linux with glibc only")
        }
        var excesses: [String] = []
        for (place, shapes) in [("memory", Self.inMemory), ("durable", Self.durable)] {
            let directory = try TemporaryDirectory()
            let path = place == "memory" ? "memory" : directory.path + "/db"
            let child = try Child.itself("serve", [path, "\(accounts)", "0"])
            let limit = try Child.itself("echo", [])
            let (port, limitPort) = (try ServerChild.port(of: child), try ServerChild.port(of: limit))
            for shape in shapes {
                let own = try measure(shape, child, port, confirmed: place == "durable")
                let bare = try measure(shape, limit, limitPort, confirmed: false)
                settings.report("nio-echo", shape.name, [("allocations_per_call", bare)])
                settings.report("spacetimekit", "\(shape.name)-\(place)", [("allocations_per_call", own)])
                // Counts are read a moment before and after the calls: a few of other threads come in between.
                if own > bare + shape.limit + 0.05 {
                    excesses.append(
                        "a call \(shape.name)-\(place) makes \(Numbers.fixed(own, 2)) allocations, the bare server "
                            + "\(Numbers.fixed(bare, 2)); \(Numbers.fixed(shape.limit, 2)) more are allowed")
                }
            }
            child.end()
            limit.end()
        }
        if gate, !excesses.isEmpty { throw BenchFailure(excesses.joined(separator: "\n")) }
    }

    private func measure(_ shape: Shape, _ child: Child, _ port: Int, confirmed: Bool) throws -> Double {
        let transfers = Transfers(.uniform, accounts: accounts, count: 10_000)
        let load = try PipelinedLoad<SpacetimeWire>(
            port: port, connections: 1, depth: shape.depth, transfers,
            options: "confirmed=\(confirmed)")
        var (before, after) = (0.0, 0.0)
        // Long enough for what the server does by the second to vanish among the calls.
        let result = try load.run(seconds: max(settings.seconds, 1), warmUp: max(settings.seconds, 1) / 2) {
            before = try child.numbers("allocations").first ?? 0
        } end: {
            after = try child.numbers("allocations").first ?? 0
        }
        guard result.answers > 100 else { throw BenchFailure("\(result.answers) calls are too few to tell") }
        return (after - before) / Double(result.answers)
    }
}
