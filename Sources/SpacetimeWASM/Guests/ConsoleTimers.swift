import SpacetimeSATS

/// The times that a guest measures, by number.
struct ConsoleTimers {
    private var running: [UInt32: (name: String, start: Timestamp)] = [:]
    private var last: UInt32 = 0

    var count: Int { running.count }

    /// - Returns: its number, never 0.
    mutating func start(_ name: String, at time: Timestamp) -> UInt32 {
        repeat { last = last == .max ? 1 : last + 1 } while running[last] != nil
        running[last] = (name, time)
        return last
    }

    /// - Returns: the line for the log; nil if there is no such timer.
    mutating func end(_ number: UInt32, at time: Timestamp) -> String? {
        guard let timer = running.removeValue(forKey: number) else { return nil }
        let duration = max(0, time.microsecondsSinceUnixEpoch &- timer.start.microsecondsSinceUnixEpoch)
        return "Timing span \(timer.name.debugDescription): \(Self.text(microseconds: duration))"
    }

    /// As the original writes it: `1.5ms`.
    static func text(microseconds: Int64) -> String {
        switch microseconds {
        case 0: "0ns"
        case ..<1_000: "\(microseconds)µs"
        case ..<1_000_000: decimal(microseconds, 1_000, digits: 3) + "ms"
        default: decimal(microseconds, 1_000_000, digits: 6) + "s"
        }
    }

    private static func decimal(_ value: Int64, _ unit: Int64, digits: Int) -> String {
        let rest = String(value % unit)
        var fraction = Substring(String(repeating: "0", count: digits - rest.count) + rest)
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? "\(value / unit)" : "\(value / unit).\(fraction)"
    }
}
