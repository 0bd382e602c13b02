import CoreMetrics
import SpacetimeHost
import SpacetimeSchema
import Synchronization

/// The metrics of a server. They are kept in a registry of the server's own, for `/v1/metrics`, and go to the program's
/// backend as well if it has one.
final class ServerMetrics: Sendable {
    let registry: PrometheusRegistry
    /// The backend of the program; nil if it has none, or ``registry`` is it.
    let other: (any MetricsFactory)?
    /// The requests over HTTP that were answered, by status.
    private let requests = Mutex<[Int: Counter]>([:])
    private let databases = Mutex<[String: DatabaseMetrics]>([:])
    private let refusals = Mutex<[String: Counter]>([:])
    private let residentMemory: Gauge

    init(program: any MetricsFactory = MetricsSystem.factory) {
        if let registry = program as? PrometheusRegistry {
            self.registry = registry
            other = nil
        } else {
            registry = PrometheusRegistry()
            other = program is NOOPMetricsHandler ? nil : program
        }
        residentMemory = Gauge(label: "process_resident_memory_bytes", factory: Self.factory(registry, other))
    }

    private static func factory(_ registry: PrometheusRegistry, _ other: (any MetricsFactory)?) -> any MetricsFactory {
        other.map { MultiplexMetricsHandler(factories: [registry, $0]) } ?? registry
    }

    /// Where all metrics are made.
    var factory: any MetricsFactory { Self.factory(registry, other) }

    func counter(_ name: String, _ labels: [(String, String)] = []) -> Counter {
        Counter(label: name, dimensions: labels, factory: factory)
    }

    func gauge(_ name: String, _ labels: [(String, String)] = []) -> Gauge {
        Gauge(label: name, dimensions: labels, factory: factory)
    }

    /// The metrics of a database, under its name.
    func database(_ name: String, reducers: [String]) -> DatabaseMetrics {
        databases.withLock { databases in
            if let known = databases[name] { return known }
            let new = DatabaseMetrics(self, name, reducers: reducers)
            databases[name] = new
            return new
        }
    }

    // MARK: What happens seldom

    /// A request was answered.
    func answered(status: Int) {
        let counter = requests.withLock { requests in
            if let known = requests[status] { return known }
            let new = self.counter("spacetime_http_requests", [("status", String(status))])
            requests[status] = new
            return new
        }
        counter.increment()
    }

    /// Something was refused because a limit was reached.
    func refused(by limit: ClientLimit) {
        let counter = refusals.withLock { refusals in
            if let known = refusals[limit.rawValue] { return known }
            let new = self.counter("spacetime_limits_reached", [("limit", limit.rawValue)])
            refusals[limit.rawValue] = new
            return new
        }
        counter.increment()
    }

    // MARK: What is looked at when it is asked for

    /// Looks at what nobody counts: how far logs lag, how old snapshots are, how much memory the process has. Takes no lock of
    /// a database, so it answers also while one is stuck.
    func sample(_ hosted: [(name: String, core: DatabaseCore)]) {
        for (name, core) in hosted {
            database(name, reducers: core.catalog.schema.reducers.map(\.name)).sample(core)
        }
        if let bytes = ProcessMemory.residentByteCount { residentMemory.record(bytes) }
    }
}
