public import CoreMetrics
import Synchronization

/// Keeps metrics in memory, and prints them in the text format of Prometheus.
///
/// A server has one for its own metrics, and answers `/v1/metrics` with it. A program without another backend makes it that of
/// all its metrics by `MetricsSystem.bootstrap(registry)`; the server then uses the same one.
///
/// Counting is an atomic addition. Names and labels are made to fit what Prometheus allows: `requests.failed` becomes
/// `requests_failed`, a counter's name ends in `_total`, a timer's in `_seconds`.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// What tells one series from another.
    private struct Key: Hashable {
        let name: String
        /// As they are printed: `{a="1",b="2"}`, or nothing.
        let labels: String
    }

    private let metrics = Mutex<[Key: any PrometheusMetric]>([:])

    public init() {}

    // MARK: Making metrics

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        metric(label, "_total", dimensions) { PrometheusCounter() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        metric(label, "", dimensions) { PrometheusGauge() }
    }

    /// A gauge, or, if it is to aggregate, a histogram with bounds from 1 to 10,000,000.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            metric(label, "", dimensions) { PrometheusHistogram(.numbers) }
        } else {
            metric(label, "", dimensions) { PrometheusGauge() }
        }
    }

    /// A histogram with bounds from 10 microseconds to 10 seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    func histogram(_ label: String, _ dimensions: [(String, String)]) -> PrometheusHistogram {
        metric(label, "_seconds", dimensions) { PrometheusHistogram(.seconds) }
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        metrics.withLock { metrics in
            for (key, metric) in metrics where metric === handler { metrics[key] = nil }
        }
    }

    /// The metric of a name and labels: the one that there is, or a new one.
    private func metric<Metric: PrometheusMetric>(
        _ label: String, _ suffix: String, _ dimensions: [(String, String)], _ make: () -> Metric
    ) -> Metric {
        var name = PrometheusText.name(label)
        if !name.hasSuffix(suffix) { name += suffix }
        let key = Key(name: name, labels: PrometheusText.labels(dimensions))
        return metrics.withLock { metrics in
            if let known = metrics[key] as? Metric { return known }
            let new = make()
            // A name that is used for two kinds of metrics prints the one that came first; the other counts unseen.
            if metrics[key] == nil { metrics[key] = new }
            return new
        }
    }

    // MARK: Printing

    /// All metrics, in the text format of Prometheus (version 0.0.4), in the order of their names.
    public func text() -> String {
        let sorted = metrics.withLock { Array($0) }.sorted {
            ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels)
        }
        var text = ""
        var last: (name: String, kind: String)?
        for (key, metric) in sorted {
            let kind = type(of: metric).kind
            if last?.name != key.name {
                text += "# TYPE \(key.name) \(kind)\n"
                last = (key.name, kind)
            } else if last?.kind != kind {
                continue
            }
            metric.print(key.name, key.labels, to: &text)
        }
        return text
    }
}

/// How names and labels are spelled.
enum PrometheusText {
    /// Letters, digits, underscores and colons, not beginning with a digit.
    static func name(_ label: String) -> String {
        var name = ""
        for byte in label.utf8 {
            let isFine = isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
            name.unicodeScalars.append(Unicode.Scalar(isFine ? byte : UInt8(ascii: "_")))
        }
        return name.utf8.first.map(isDigit) == true ? "_" + name : name
    }

    /// Labels in the order of their names, values quoted.
    static func labels(_ dimensions: [(String, String)]) -> String {
        if dimensions.isEmpty { return "" }
        let parts = dimensions.sorted { $0.0 < $1.0 }.map { "\(name($0.0))=\"\(escaped($0.1))\"" }
        return "{" + parts.joined(separator: ",") + "}"
    }

    /// Labels with one more behind them.
    static func adding(_ label: String, _ value: String, to labels: String) -> String {
        let added = "\(label)=\"\(value)\"}"
        return labels.isEmpty ? "{" + added : labels.dropLast() + "," + added
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
}
