import SpacetimeDurability
import SpacetimeKit
import Synchronization

/// A writer that calls all the time, on a thread of its own, and how long its longest call took.
///
/// The clock and the machine have a share in it: what the writer waits for alone is to be told beside it.
final class LongestWait: Sendable {
    private let longest = Mutex(Duration.zero)
    private let mustStop = Atomic(false)
    private let hasStopped = Atomic(false)

    /// In milliseconds, while `body` runs.
    static func milliseconds(of database: Database<World>, _ body: () throws -> Void) rethrows -> Double {
        let writer = LongestWait(database)
        defer { writer.stop() }
        try body()
        writer.stop()
        return writer.longest.withLock { $0 }.inMilliseconds
    }

    private init(_ database: Database<World>) {
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

    private func stop() {
        mustStop.store(true, ordering: .relaxed)
        while !hasStopped.load(ordering: .acquiring) {}
    }
}

extension Duration {
    var inNanoseconds: Double { Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9 }
    var inMilliseconds: Double { inNanoseconds / 1e6 }
}
