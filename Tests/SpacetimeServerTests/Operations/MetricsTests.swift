import CoreMetrics
import SpacetimeKit
import Synchronization
import Testing

@testable import SpacetimeServer

@Suite struct MetricsTests {
    private let registry = PrometheusRegistry()

    private func lines(_ prefix: String = "") -> [String] {
        registry.text().split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test func countersGaugesAndHistogramsArePrinted() {
        Counter(label: "requests.failed", dimensions: [("path", "a\"b\\c\nd"), ("code", "500")], factory: registry)
            .increment(by: 3)
        Gauge(label: "9lives", factory: registry).record(2.5)
        Meter(label: "level", factory: registry).set(7)
        let timer = Timer(label: "wait", dimensions: [("kind", "x")], factory: registry)
        for nanoseconds: Int64 in [1, 10_000, 10_001, 3_000_000, 99_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        #expect(
            lines("_9lives") + lines("level") + lines("requests") == [
                "_9lives 2.5", "level 7", #"requests_failed_total{code="500",path="a\"b\\c\nd"} 3"#,
            ])
        let buckets = lines("wait_seconds_bucket")
        #expect(buckets.count == PrometheusHistogram.bucketCount)
        #expect(buckets.first == #"wait_seconds_bucket{kind="x",le="1e-05"} 2"#)
        #expect(buckets[1] == #"wait_seconds_bucket{kind="x",le="2.5e-05"} 3"#)
        #expect(buckets.last == #"wait_seconds_bucket{kind="x",le="+Inf"} 5"#)
        #expect(lines("wait_seconds_count") == [#"wait_seconds_count{kind="x"} 5"#])
        #expect(lines("# TYPE wait_seconds") == ["# TYPE wait_seconds histogram"])
    }

    @Test func theSameNameAndLabelsAreOneSeries() {
        for _ in 0..<3 { Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment() }
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        #expect(lines("c") == [#"c_total{a="1",b="2"} 4"#])
    }

    @Test func metricsThatAreDestroyedAreNotPrinted() {
        let counter = Counter(label: "c", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(registry.text().isEmpty)
    }

    @Test func namesThatAreUsedTwicePrintOneKind() {
        Counter(label: "x_total", factory: registry).increment()
        Gauge(label: "x_total", factory: registry).record(5)
        Gauge(label: "x_total", dimensions: [("a", "b")], factory: registry).record(5)
        #expect(lines() == ["# TYPE x_total counter", "x_total 1"])
    }

    @Test func numbersHaveTheSpellingsOfPrometheus() {
        #expect(PrometheusText.number(3) == "3")
        #expect(PrometheusText.number(-0.5) == "-0.5")
        #expect(PrometheusText.number(.infinity) == "+Inf")
        #expect(PrometheusText.number(-.infinity) == "-Inf")
        #expect(PrometheusText.number(.nan) == "NaN")
    }

    @Test func gaugesCountUpAndDownFromManyThreads() async {
        let gauge = PrometheusGauge()
        let counter = PrometheusCounter()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask {
                    for _ in 0..<1_000 {
                        if index % 2 == 0 { gauge.increment(by: 3) } else { gauge.decrement(by: 1) }
                        counter.increment(by: 1)
                    }
                }
            }
        }
        var text = ""
        gauge.print("g", "", to: &text)
        counter.print("c", "", to: &text)
        #expect(text == "g 8000\nc 8000\n")
    }

    // MARK: Connections

    @Test func connectionsHandOnWhatTheyCountedOncePerBatch() {
        let server = ServerMetrics(program: registry)
        let database = server.database("arena", reducers: ["send", "tick"])
        database.opened(.v3)
        var connection = ConnectionMetrics(database)
        for _ in 0..<40 {
            connection.receive(.callReducer)
            connection.call(0, hasCommitted: true, nanoseconds: 2_000)
            connection.send(.reducerResult)
        }
        connection.call(1, hasCommitted: false, nanoseconds: 1_000_000)
        connection.call(7, hasCommitted: true, nanoseconds: 1)
        connection.receive(byteCount: 1_000)
        connection.sendFrame(byteCount: 500)
        connection.set(subscriptions: 3)
        connection.set(waitingIn: 5, waitingOut: 2)
        #expect(
            lines(#"spacetime_received_messages_total{database="arena",kind="call_reducer"}"#).first?.hasSuffix(" 0")
                == true)
        connection.flush()
        let text = registry.text()
        for line in [
            #"spacetime_received_messages_total{database="arena",kind="call_reducer"} 40"#,
            #"spacetime_sent_messages_total{database="arena",kind="reducer_result"} 40"#,
            #"spacetime_received_bytes_total{database="arena"} 1000"#,
            #"spacetime_sent_bytes_total{database="arena"} 500"#,
            #"spacetime_sent_frames_total{database="arena"} 1"#,
            #"spacetime_calls_seconds_count{database="arena",outcome="committed",reducer="send"} 40"#,
            #"spacetime_calls_seconds_bucket{database="arena",outcome="committed",reducer="send",le="1e-05"} 40"#,
            #"spacetime_calls_seconds_count{database="arena",outcome="failed",reducer="tick"} 1"#,
            #"spacetime_connections_opened_total{database="arena",protocol="v3"} 1"#,
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        // Handing on twice counts nothing twice.
        connection.flush()
        #expect(registry.text() == text)
    }

    @Test func sumsOverConnectionsFollowEachOfThem() throws {
        let db = try Database.open(.inMemory, module: Module("empty") {})
        let server = ServerMetrics(program: registry)
        let metrics = server.database("arena", reducers: [])
        var (one, two) = (ConnectionMetrics(metrics), ConnectionMetrics(metrics))
        metrics.opened(.v2)
        metrics.opened(.v1JSON)
        one.set(subscriptions: 3)
        two.set(subscriptions: 4)
        one.set(waitingIn: 0, waitingOut: 9)
        one.flush()
        two.flush()
        func gauges() -> [String] {
            server.sample([("arena", db.core)])
            return ["connections", "subscriptions", "outgoing_queue_messages"].map { name in
                String(lines(#"spacetime_\#(name){database="arena"}"#).first?.split(separator: " ").last ?? "")
            }
        }
        #expect(gauges() == ["2", "7", "9"])
        one.set(subscriptions: 1)
        one.flush()
        #expect(gauges() == ["2", "5", "9"])
        one.end()
        metrics.closed(.slow)
        #expect(gauges() == ["1", "4", "0"])
        #expect(
            lines(#"spacetime_connections_closed_total{database="arena",reason="slow_reader"}"#).first?.hasSuffix(" 1")
                == true)
    }

    @Test func theProcessSaysHowMuchMemoryItHas() throws {
        #expect(try #require(ProcessMemory.residentByteCount) > 1 << 20)
        ServerMetrics(program: registry).sample([])
        #expect(lines("process_resident_memory_bytes").count == 1)
    }

    // MARK: Other backends

    /// Keeps the sums of counters and the durations of timers.
    private final class Backend: MetricsFactory {
        let counts = Mutex<[String: Int64]>([:])

        private final class Handler: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
            let label: String
            unowned let backend: Backend
            init(_ label: String, _ backend: Backend) {
                self.label = label
                self.backend = backend
            }
            func add(_ amount: Int64) { backend.counts.withLock { $0[label, default: 0] += amount } }
            func increment(by amount: Int64) { add(amount) }
            func increment(by amount: Double) {}
            func decrement(by amount: Double) {}
            func reset() {}
            func set(_ value: Int64) {}
            func set(_ value: Double) {}
            func record(_ value: Int64) {}
            func record(_ value: Double) {}
            func recordNanoseconds(_ duration: Int64) { add(1) }
        }

        func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { Handler(label, self) }
        func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { Handler(label, self) }
        func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
            Handler(label, self)
        }
        func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { Handler(label, self) }
        func destroyCounter(_ handler: any CounterHandler) {}
        func destroyMeter(_ handler: any MeterHandler) {}
        func destroyRecorder(_ handler: any RecorderHandler) {}
        func destroyTimer(_ handler: any TimerHandler) {}
    }

    @Test func aBackendOfTheProgramGetsEverythingAsWell() {
        let backend = Backend()
        let server = ServerMetrics(program: backend)
        var connection = ConnectionMetrics(server.database("arena", reducers: ["send"]))
        for _ in 0..<3 { connection.call(0, hasCommitted: true, nanoseconds: 5) }
        connection.receive(.subscribe)
        connection.flush()
        server.refused(by: .messageRate)
        server.refused(by: .messageRate)
        server.answered(status: 404)
        let counts = backend.counts.withLock { $0 }
        #expect(counts["spacetime_calls"] == 3)
        #expect(counts["spacetime_received_messages"] == 1)
        #expect(counts["spacetime_limits_reached"] == 2)
        #expect(counts["spacetime_http_requests"] == 1)
        let own = server.registry.text()
        #expect(own.contains(#"spacetime_limits_reached_total{limit="message_rate"} 2"#))
        #expect(own.contains(#"spacetime_http_requests_total{status="404"} 1"#))
    }
}
