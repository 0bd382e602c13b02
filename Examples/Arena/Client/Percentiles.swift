/// How long something took, over and over.
public struct Percentiles {
    private var values: [Duration] = []

    public init() {}

    public mutating func add(_ value: Duration) { values.append(value) }
    public mutating func removeAll() { values.removeAll(keepingCapacity: true) }
    public var count: Int { values.count }

    /// The value that so many of a hundred do not exceed; zero if there are none.
    public func value(at percent: Double) -> Duration {
        guard !values.isEmpty else { return .zero }
        let position = (Double(values.count) * percent / 100).rounded(.up) - 1
        return values.sorted()[min(max(Int(position), 0), values.count - 1)]
    }

    public var summary: String {
        "p50 \(Self.text(value(at: 50))), p99 \(Self.text(value(at: 99))), at most \(Self.text(value(at: 100)))"
    }

    private static func text(_ duration: Duration) -> String {
        let hundredths = Int((duration / .microseconds(10)).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
    }
}
