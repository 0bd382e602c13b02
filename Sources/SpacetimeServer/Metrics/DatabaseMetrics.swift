import CoreMetrics
import SpacetimeHost
import SpacetimeKit
import Synchronization

/// The metrics of one database of a server.
final class DatabaseMetrics: Sendable {
    let name: String
    /// The names of the reducers, in the order of the schema.
    let reducers: [String]
    private let server: ServerMetrics

    let bytesReceived: Counter
    let bytesSent: Counter
    let framesSent: Counter
    let messagesReceived: [Counter]
    let messagesSent: [Counter]
    private let opened: [Counter]
    private let closed: [Counter]

    // Sums over all connections, which add differences; printed by ``sample(_:)``.
    private let connectionCount = Atomic<Int>(0)
    let subscriptionCount = Atomic<Int>(0)
    let waitingIn = Atomic<Int>(0)
    let waitingOut = Atomic<Int>(0)

    private let connections: Gauge
    private let subscriptions: Gauge
    private let incoming: Gauge
    private let outgoing: Gauge
    private let commits: Gauge
    private let recordsNotDurable: Gauge
    private let isSaturated: Gauge
    private let snapshotAge: Gauge
    private let snapshotHasFailed: Gauge

    /// By the position of the reducer, and whether it committed.
    private let calls: [(committed: CallMetrics, failed: CallMetrics)]

    init(_ server: ServerMetrics, _ name: String, reducers: [String]) {
        self.name = name
        self.reducers = reducers
        self.server = server
        func label(_ key: String, _ value: String) -> [(String, String)] { [("database", name), (key, value)] }
        let own = [("database", name)]
        bytesReceived = server.counter("spacetime_received_bytes", own)
        bytesSent = server.counter("spacetime_sent_bytes", own)
        framesSent = server.counter("spacetime_sent_frames", own)
        messagesReceived = ReceivedMessage.allCases.map {
            server.counter("spacetime_received_messages", label("kind", $0.name))
        }
        messagesSent = SentMessage.allCases.map { server.counter("spacetime_sent_messages", label("kind", $0.name)) }
        opened = ConnectionProtocol.allCases.map {
            server.counter("spacetime_connections_opened", label("protocol", $0.rawValue))
        }
        closed = ConnectionEnd.allCases.map {
            server.counter("spacetime_connections_closed", label("reason", $0.rawValue))
        }
        connections = server.gauge("spacetime_connections", own)
        subscriptions = server.gauge("spacetime_subscriptions", own)
        incoming = server.gauge("spacetime_incoming_queue_messages", own)
        outgoing = server.gauge("spacetime_outgoing_queue_messages", own)
        commits = server.gauge("spacetime_commit_offset", own)
        recordsNotDurable = server.gauge("spacetime_log_commits_not_durable", own)
        isSaturated = server.gauge("spacetime_log_saturated", own)
        snapshotAge = server.gauge("spacetime_snapshot_age_seconds", own)
        snapshotHasFailed = server.gauge("spacetime_snapshot_failed", own)
        calls = reducers.map { reducer in
            let labels = label("reducer", reducer)
            return (
                CallMetrics(server, labels + [("outcome", "committed")]),
                CallMetrics(server, labels + [("outcome", "failed")])
            )
        }
    }

    // MARK: Connections

    func opened(_ connectionProtocol: ConnectionProtocol) {
        opened[connectionProtocol.index].increment()
        connectionCount.wrappingAdd(1, ordering: .relaxed)
    }

    func closed(_ reason: ConnectionEnd) {
        closed[reason.index].increment()
        connectionCount.wrappingAdd(-1, ordering: .relaxed)
    }

    /// The metrics of a reducer's calls. Nil for one that there is none of.
    func calls(_ reducer: Int, hasCommitted: Bool) -> CallMetrics? {
        guard calls.indices.contains(reducer) else { return nil }
        return hasCommitted ? calls[reducer].committed : calls[reducer].failed
    }

    // MARK: What is looked at when it is asked for

    /// Looks at what nobody counts. Takes no lock of the database.
    func sample(_ core: DatabaseCore) {
        connections.record(connectionCount.load(ordering: .relaxed))
        subscriptions.record(subscriptionCount.load(ordering: .relaxed))
        incoming.record(waitingIn.load(ordering: .relaxed))
        outgoing.record(waitingOut.load(ordering: .relaxed))
        guard let files = core.files else { return }
        let durable = files.log.durableEnd
        let appended = max(files.log.appendedEnd, durable)
        commits.record(appended)
        recordsNotDurable.record(appended - durable)
        isSaturated.record(files.log.isSaturated ? 1 : 0)
        snapshotAge.record(files.secondsSinceSnapshot)
        snapshotHasFailed.record(files.snapshotFailure == nil ? 0 : 1)
    }
}

/// How long the calls of one reducer with one outcome took.
final class CallMetrics: Sendable {
    let histogram: PrometheusHistogram
    /// The program's own backend, which wants each call by itself.
    let timer: Timer?

    init(_ server: ServerMetrics, _ labels: [(String, String)]) {
        histogram = server.registry.histogram("spacetime_calls", labels)
        timer = server.other.map { Timer(label: "spacetime_calls", dimensions: labels, factory: $0) }
    }

    /// One call, outside of connections.
    func record(nanoseconds: Int64) {
        histogram.record(nanoseconds)
        timer?.recordNanoseconds(nanoseconds)
    }
}
