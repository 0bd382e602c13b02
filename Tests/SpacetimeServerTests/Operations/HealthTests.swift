import Dispatch
import HummingbirdCore
import NIOCore
import NIOEmbedded
import NIOPosix
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeServer

@Table struct Bell {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@Suite struct HealthTests {
    private let monitor = HealthMonitor(patience: .seconds(10))

    private func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds) }

    private func check(
        _ database: Database<DynamicModule>, _ loops: [any EventLoop] = [], at seconds: Int64
    ) -> [HealthMonitor.Problem] {
        monitor.check([("arena", database.core)], loops, at: time(seconds))
    }

    // MARK: Standing still

    @Test func whatGoesOnIsNotStuckHoweverMuchWaits() {
        var stall = Stall()
        for step in 0..<100 { #expect(stall.observe(UInt64(step), isWaiting: true, at: time(Int64(step) * 60)) == nil) }
    }

    @Test func whatHasNothingToDoIsNotStuck() {
        var stall = Stall()
        for step in 0..<100 { #expect(stall.observe(7, isWaiting: false, at: time(Int64(step) * 60)) == nil) }
        #expect(stall.observe(7, isWaiting: true, at: time(6_000)) == nil, "the time without work does not count")
        #expect(stall.observe(7, isWaiting: true, at: time(6_030)) == .seconds(30))
    }

    @Test func whatStandsStillIsTimedFromItsLastStep() {
        var stall = Stall()
        #expect(stall.observe(1, isWaiting: true, at: time(0)) == nil)
        #expect(stall.observe(1, isWaiting: true, at: time(5)) == .seconds(5))
        #expect(stall.observe(2, isWaiting: true, at: time(9)) == nil)
        #expect(stall.observe(2, isWaiting: true, at: time(12)) == .seconds(3))
        #expect(stall.observe(2, isWaiting: false, at: time(13)) == nil)
    }

    // MARK: Stopping each part

    @Test func aDatabaseThatIsLeftAloneIsWell() throws {
        let db = try Database.open(.inMemory, module: Module("m") {})
        for second in 0..<60 { #expect(check(db, at: Int64(second)).isEmpty) }
    }

    /// Alarms that never ring: the thread that makes scheduled calls has gone.
    private final class DeadAlarmClock: HostClock {
        let clock = VirtualClock()
        private final class DeadAlarm: HostAlarm {
            func set(_ time: Timestamp?) {}
            func cancel() {}
        }
        func now() -> Timestamp { clock.now() }
        func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm { DeadAlarm() }
    }

    private func schedule(_ clock: any HostClock) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.clock = clock
        let module = Module("m") {
            Table(Bell.self)
            Reducer("begin") { (context: borrowing ReducerContext) in
                try context.table(Bell.self).insert(Bell(id: 0, when: .time(context.timestamp + .seconds(60))))
            }
            Reducer("ring", lifecycle: .scheduled) { (context: borrowing ReducerContext, bell: Bell) in }
        }
        let db = try Database.open(.inMemory, module: module, options: options)
        try db.call("begin", arguments: [])
        return db
    }

    @Test func aSchedulerThatDoesNotCallIsFound() throws {
        let dead = DeadAlarmClock()
        let db = try schedule(dead)
        dead.clock.advance(by: .seconds(59))
        #expect(check(db, at: 0).isEmpty)
        dead.clock.advance(by: .seconds(10))
        #expect(check(db, at: 10).isEmpty, "it is late, and may still be coming")
        dead.clock.advance(by: .seconds(2))
        let problem = try #require(check(db, at: 12).first)
        #expect(problem.part == .scheduler && problem.database == "arena")
        #expect(problem.text.contains("has not been made"))

        let alive = VirtualClock()
        let well = try schedule(alive)
        alive.advance(by: .seconds(3_600))
        #expect(check(well, at: 20).isEmpty)
    }

    @Test func aTransactionThatDoesNotEndIsFound() throws {
        let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let module = Module("m") {
            Reducer("hang") { (context: borrowing ReducerContext) in
                entered.signal()
                leave.wait()
            }
            Reducer("nothing") { (context: borrowing ReducerContext) in }
        }
        let db = try Database.open(.inMemory, module: module)
        let ended = DispatchSemaphore(value: 0)
        startThread {
            _ = try? db.call("hang", arguments: [])
            ended.signal()
        }
        entered.wait()
        #expect(check(db, at: 0).isEmpty)
        #expect(check(db, at: 9).isEmpty)
        let problem = try #require(check(db, at: 11).first)
        #expect(problem.part == .transactions && problem.text.contains("running for 11 s"))
        leave.signal()
        ended.wait()
        #expect(check(db, at: 12).isEmpty)
    }

    @Test func aLogThatWritesNothingIsFound() throws {
        let disk = SimulatedDisk()
        let gate = Gate()
        var faults = SimulatedDisk.Faults()
        faults.onOperation = { _ in gate.pass() }
        disk.setFaults(faults)
        var storage = StorageOptions(disk: disk)
        storage.syncInterval = .zero
        let module = Module("m") {
            Table(Line.self)
            Reducer("say") { (context: borrowing ReducerContext, text: String) in
                try context.table(Line.self).insert(Line(id: 0, text: text))
            }
        }
        let db = try Database.open(.directory("db", storage), module: module)
        try db.call("say", arguments: "before".bsatn())
        try db.flush()
        #expect(check(db, at: 0).isEmpty)
        gate.shut()
        try db.call("say", arguments: "hello".bsatn())
        #expect(check(db, at: 100).isEmpty)
        let problem = try #require(check(db, at: 111).first)
        #expect(problem.part == .log && problem.text.contains("for 11 s, and 1 commits wait"))
        gate.open()
        try db.flush()
        #expect(check(db, at: 112).isEmpty)
        try db.close()
    }

    /// Stops whoever passes while it is shut.
    private final class Gate: Sendable {
        private let isShut = Monitor(false)
        func shut() { isShut.wake { $0 = true } }
        func open() { isShut.wake { $0 = false } }
        func pass() { isShut.wait { !$0 } }
    }

    @Test func aLogThatHasFailedIsFoundAtOnce() throws {
        let disk = SimulatedDisk()
        var storage = StorageOptions.simulated(disk)
        storage.runsInBackground = false
        let module = Module("m") {
            Table(Line.self)
            Reducer("say") { (context: borrowing ReducerContext, text: String) in
                try context.table(Line.self).insert(Line(id: 0, text: text))
            }
        }
        let db = try Database.open(.directory("db", storage), module: module)
        disk.powerOff()
        try db.call("say", arguments: "hello".bsatn())
        #expect(throws: DatabaseError.self) { try db.flush() }
        let problem = try #require(check(db, at: 0).first)
        #expect(problem.part == .log && problem.text.contains("cannot be kept any more"))
    }

    @Test func aThreadThatServesNobodyIsFound() throws {
        let db = try Database.open(.inMemory, module: Module("m") {})
        let (running, stuck) = (EmbeddedEventLoop(), EmbeddedEventLoop())
        for second in 0..<20 {
            let problems = check(db, [running, stuck], at: Int64(second))
            running.run()
            #expect(problems.map(\.part) == (second < 10 ? [] : [.streaming]))
            if second >= 10 { #expect(problems.first?.text.hasPrefix("thread 2 of 2 has served no client") == true) }
        }
        stuck.run()
        #expect(check(db, [running, stuck], at: 20).isEmpty)
    }

    // MARK: Routes

    private func get(_ path: String, _ server: SpacetimeServer, method: String = "GET") async throws -> (Int, String) {
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await probe.send(
                    "\(method) \(path) HTTP/1.1\r\nhost: arena.example:80\r\nconnection: close\r\n\r\n")
                let head = await probe.readHead()
                let body = await probe.readToEnd()
                return (Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0, head.lowercased() + body)
            }
        }
    }

    private func server(_ change: (inout ServerOptions) -> Void = { _ in }) throws -> SpacetimeServer {
        let server = SpacetimeServer(options: .test(change))
        try server.host(try Database.open(.inMemory, module: Talk.self), as: "arena")
        return server
    }

    @Test func healthIsToldAsTheOriginalsDo() async throws {
        let (status, text) = try await get("/v1/health", server())
        #expect(status == 200)
        #expect(text.contains("content-type: application/json\r\n"))
        #expect(
            text.hasSuffix(
                #"{"package_name":"spacetimedb-client-api","version":"2.8.3","nodes":[0],"schedulable":true}"#))
    }

    @Test func aServerThatIsWellSaysSo() async throws {
        let (status, text) = try await get("/v1/health/live", server())
        #expect(status == 200)
        #expect(text.hasSuffix(#"{"status":"ok","problems":[]}"#))
    }

    @Test func whatIsStuckFailsTheRoute() async throws {
        let dead = DeadAlarmClock()
        let server = SpacetimeServer(options: .test())
        try server.host(try schedule(dead), as: "arena")
        dead.clock.advance(by: .seconds(120))
        let (status, text) = try await get("/v1/health/live", server)
        #expect(status == 503)
        #expect(text.contains(#"{"status":"stuck","problems":[{"part":"scheduler","database":"arena","text":"a call"#))
    }

    @Test func metricsAreToldAsText() async throws {
        let (status, text) = try await get("/v1/metrics", server())
        #expect(status == 200)
        #expect(text.contains("content-type: text/plain; charset=utf-8\r\n"))
        #expect(text.contains(#"spacetime_connections{database="arena"} 0"#))
    }

    @Test func prometheusFindsTheServer() async throws {
        let (status, text) = try await get("/v1/prometheus/sd_config", server())
        #expect(status == 200)
        #expect(text.hasSuffix(#"[{"targets":["arena.example:80"],"labels":{}}]"#))
    }

    @Test(arguments: ["/v1/health", "/v1/health/live", "/v1/metrics", "/v1/prometheus/sd_config"])
    func otherMethodsAreRefused(path: String) async throws {
        let (status, text) = try await get(path, server(), method: "DELETE")
        #expect(status == 405)
        #expect(text.contains("allow: get, head\r\n"))
    }
}
