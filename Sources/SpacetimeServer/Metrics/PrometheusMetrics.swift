import CoreMetrics
import Synchronization

/// A metric that can be printed.
protocol PrometheusMetric: AnyObject, Sendable {
    /// As the line `# TYPE` names it.
    static var kind: String { get }

    func print(_ name: String, _ labels: String, to text: inout String)
}

/// A number that grows.
final class PrometheusCounter: PrometheusMetric, CounterHandler {
    static let kind = "counter"

    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func print(_ name: String, _ labels: String, to text: inout String) {
        text += "\(name)\(labels) \(value.load(ordering: .relaxed))\n"
    }
}

/// A number that goes up and down.
final class PrometheusGauge: PrometheusMetric, MeterHandler, RecorderHandler {
    static let kind = "gauge"

    /// The bits of a `Double`.
    private let bits = Atomic<UInt64>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func increment(by amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let result = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if result.exchanged { return }
            old = result.original
        }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func print(_ name: String, _ labels: String, to text: inout String) {
        text += "\(name)\(labels) \(PrometheusText.number(Double(bitPattern: bits.load(ordering: .relaxed))))\n"
    }
}

/// How many values fell into each of some intervals.
final class PrometheusHistogram: PrometheusMetric, TimerHandler, RecorderHandler {
    static let kind = "histogram"

    /// The upper bounds of the intervals; the last one is infinite.
    enum Scale {
        /// Durations, counted in nanoseconds and printed in seconds: 10 µs, 25 µs, 50 µs, and so on to 10 s.
        case seconds
        /// 1, 2, 5, 10, 25, 50 and so on to 10,000,000.
        case numbers

        var unit: Double { self == .seconds ? 1e-9 : 1 }

        /// In units.
        var bounds: [Int64] {
            var bounds: [Int64] = []
            var step: Int64 = self == .seconds ? 10_000 : 1
            let last: Int64 = self == .seconds ? 10_000_000_000 : 10_000_000
            while step < last {
                bounds += [step, step * 5 / 2, step * 5]
                step *= 10
            }
            return bounds + [last]
        }
    }

    /// The number of intervals, with the infinite one.
    static let bucketCount = 20

    private let scale: Scale
    private let bounds: [Int64]
    private let buckets: [Cell]
    private let sum = Atomic<Int64>(0)

    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    init(_ scale: Scale) {
        self.scale = scale
        bounds = scale.bounds
        buckets = (0...bounds.count).map { _ in Cell() }
    }

    func recordNanoseconds(_ duration: Int64) { record(duration) }
    func record(_ value: Double) { record(Int64(exactly: value.rounded()) ?? (value < 0 ? .min : .max)) }

    func record(_ value: Int64) {
        buckets[bucket(of: value)].count.wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(value, ordering: .relaxed)
    }

    /// The interval of a value.
    func bucket(of value: Int64) -> Int {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds values that were counted elsewhere.
    func add(_ counts: borrowing InlineArray<20, UInt32>, sum added: Int64) {
        for index in 0..<min(Self.bucketCount, buckets.count) where counts[index] > 0 {
            buckets[index].count.wrappingAdd(UInt64(counts[index]), ordering: .relaxed)
        }
        sum.wrappingAdd(added, ordering: .relaxed)
    }

    func print(_ name: String, _ labels: String, to text: inout String) {
        var total: UInt64 = 0
        for (index, cell) in buckets.enumerated() {
            total += cell.count.load(ordering: .relaxed)
            let bound = index < bounds.count ? PrometheusText.number(Double(bounds[index]) * scale.unit) : "+Inf"
            text += "\(name)_bucket\(PrometheusText.adding("le", bound, to: labels)) \(total)\n"
        }
        let sum = Double(sum.load(ordering: .relaxed)) * scale.unit
        text += "\(name)_sum\(labels) \(PrometheusText.number(sum))\n\(name)_count\(labels) \(total)\n"
    }
}
