import BenchHarness
import SpacetimeKit

@Table private struct Grown {
    @PrimaryKey var id: UInt64
    var value: UInt64
}

/// Without a key: an equal row is found by a hash of the whole.
@Table private struct GrownWhole {
    var id: UInt64
    var value: UInt64
}

@Module private enum Growing {
    static let tables = Tables(Grown.self, GrownWhole.self)

    @Reducer static func add(_ context: borrowing Context, id: UInt64) throws {
        try context.db.grown.insert(Grown(id: id, value: id))
    }

    @Reducer static func remove(_ context: borrowing Context, id: UInt64) throws {
        try context.db.grown.id.delete(id)
    }

    @Reducer static func addWhole(_ context: borrowing Context, id: UInt64) throws {
        try context.db.grownWhole.insert(GrownWhole(id: id, value: id))
    }

    @Reducer static func removeWhole(_ context: borrowing Context, id: UInt64) throws {
        try context.db.grownWhole.delete(GrownWhole(id: id, value: id))
    }
}

/// How long the longest call takes while a table is filled row by row and emptied again, beside a dictionary of Swift.
///
/// Whatever stops a thread for a while, the system above all, does so at another call each time, and what a table does in one
/// go it does at the same row each time. So all is done several times, and of each row the shortest time counts.
struct GrowthBench {
    let rows: Int
    let rounds: Int

    typealias Report = (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void

    /// Of each call of one kind, the shortest time so far.
    private struct Times {
        private var shortest: [UInt32]

        init(_ count: Int) { shortest = Array(repeating: .max, count: count) }

        mutating func measure(_ call: (UInt64) throws -> Void, _ id: (Int) -> UInt64) rethrows {
            for number in shortest.indices {
                let id = id(number)
                let begin = monotonicNanoseconds()
                try call(id)
                let elapsed = monotonicNanoseconds() - begin
                shortest[number] = min(shortest[number], UInt32(clamping: elapsed))
            }
        }

        var figures: [(String, Double)] {
            var latencies = LatencyHistogram()
            var sum = 0.0
            for time in shortest {
                latencies.record(nanoseconds: Int64(time))
                sum += Double(time)
            }
            return [
                ("longest_us", Double(latencies.longest) / 1e3),
                ("p99.999_us", Double(latencies.percentile(0.99999)) / 1e3),
                ("p99.9_us", Double(latencies.percentile(0.999)) / 1e3),
                ("longest_at", Double(shortest.firstIndex { UInt64($0) == latencies.longest } ?? 0)),
                ("median_ns", Double(latencies.percentile(0.5))), ("mean_ns", sum / Double(max(shortest.count, 1))),
            ]
        }
    }

    func run(_ report: Report) throws {
        try measure("spacetimekit", "key", report) {
            let database = try Database.open(.inMemory, module: Growing.self)
            return ({ try database.call(Growing.add, $0) }, { try database.call(Growing.remove, $0) })
        }
        try measure("spacetimekit", "whole-rows", report) {
            let database = try Database.open(.inMemory, module: Growing.self)
            return ({ try database.call(Growing.addWhole, $0) }, { try database.call(Growing.removeWhole, $0) })
        }
        try measure("limit", "dictionary", report) {
            let values = Values()
            return ({ values.byID[$0] = $0 }, { values.byID[$0] = nil })
        }
    }

    private final class Values {
        var byID: [UInt64: UInt64] = [:]
    }

    private typealias Calls = (add: (UInt64) throws -> Void, remove: (UInt64) throws -> Void)

    private func measure(_ system: String, _ variant: String, _ report: Report, _ make: () throws -> Calls) throws {
        var (added, removed) = (Times(rows), Times(rows))
        let stride = Self.stride(rows)
        for _ in 0..<rounds {
            let calls = try make()
            try added.measure(calls.add) { UInt64($0) }
            // In another order, all over the table.
            try removed.measure(calls.remove) { UInt64($0) &* stride % UInt64(rows) }
        }
        report(system, variant + "-insert", added.figures)
        report(system, variant + "-remove", removed.figures)
    }

    /// A number that has no divisor in common with so many rows.
    private static func stride(_ rows: Int) -> UInt64 {
        func divisor(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? a : divisor(b, a % b) }
        var stride: UInt64 = 2_654_435_761
        while divisor(stride, UInt64(rows)) != 1 { stride += 2 }
        return stride
    }
}
