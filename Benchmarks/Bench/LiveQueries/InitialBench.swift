import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import Synchronization

/// How long a client waits for the first rows of a large table, and how long a writer waits meanwhile.
///
/// Beside it the writer alone, so that the longest wait of the clock and the machine can be told from that of the database.
struct InitialBench {
    let rows: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        for start in stride(from: 0, to: rows, by: 1_000) {
            try database.call(World.fill, UInt32(start), UInt32(min(1_000, rows - start)))
        }
        let alone = try longestWait(database) { pause(milliseconds: 50) }
        var count = 0
        var elapsed = Duration.zero
        let beside = try longestWait(database) {
            elapsed = try ContinuousClock().measure {
                let subscription = try database.subscribe(Thing.all)
                count = subscription.nextAvailable()?.inserted.count ?? 0
            }
        }
        guard count == rows else { throw BenchError.disagreement("\(count) of \(rows) rows came") }
        report(
            "spacetimekit", "table",
            [
                ("rows", Double(rows)), ("first_rows_ms", milliseconds(elapsed)), ("writer_wait_ms", beside),
                ("writer_alone_wait_ms", alone),
            ])
    }

    /// The longest call of a writer that calls all the time while `body` runs, in milliseconds.
    private func longestWait(_ database: Database<World>, _ body: () throws -> Void) throws -> Double {
        let writer = Writer(database)
        defer { writer.stop() }
        try body()
        writer.stop()
        return milliseconds(writer.longest.withLock { $0 })
    }

    /// Calls all the time, on a thread of its own.
    private final class Writer: Sendable {
        let longest = Mutex(Duration.zero)
        private let mustStop = Atomic(false)
        private let hasStopped = Atomic(false)

        init(_ database: Database<World>) {
            startThread { [self] in
                var number: UInt32 = 0
                while !mustStop.load(ordering: .relaxed) {
                    let elapsed = ContinuousClock().measure {
                        _ = try? database.call(World.touch, number % 1_000, number, 1, 1)
                    }
                    number &+= 1
                    longest.withLock { $0 = max($0, elapsed) }
                }
                hasStopped.store(true, ordering: .releasing)
            }
        }

        func stop() {
            mustStop.store(true, ordering: .relaxed)
            while !hasStopped.load(ordering: .acquiring) {}
        }
    }

    private func pause(milliseconds: Int) {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < end {}
    }

    private func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }
}
