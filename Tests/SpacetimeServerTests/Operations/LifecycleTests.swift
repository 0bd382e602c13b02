import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import ServiceLifecycle
import SpacetimeHost
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeServer

/// How a server ends, and how it is part of another program.
@Suite struct LifecycleTests {
    @Test func aGracefulShutdownRunsDisconnectReducersAndSyncsTheLog() async throws {
        let disk = SimulatedDisk()
        var storage = StorageOptions(disk: disk)
        // Nothing reaches the disk by itself meanwhile.
        storage.syncInterval = .seconds(3_600)
        let db = try await Database.open(.directory("talk", storage), module: Talk.self)
        let server = SpacetimeServer(options: .test())
        try server.host(db, as: "talk")
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                _ = try await probe.upgrade("talk")
                #expect(await probe.readMessage()?.contains("IdentityToken") == true)
                try await probe.sendMessage(
                    #"{"CallReducer":{"reducer":"say","args":"[\"hello\"]","request_id":1,"flags":0}}"#)
                #expect(await probe.readMessage()?.contains("Committed") == true)
            }
        }
        #expect(try db.lines() == ["hello", "left"])
        // The power fails right after the server has ended.
        let after = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        let again = try await Database.open(.directory("talk", .simulated(after)), module: Talk.self)
        #expect(try again.lines() == ["hello", "left"])
        try await db.close()
    }

    @Test func aGracefulShutdownClosesClientsThatAreConnected() async throws {
        let db = try await Database.open(.inMemory, module: Talk.self)
        let server = SpacetimeServer(options: .test())
        try server.host(db, as: "talk")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        async let running: Void = group.run()
        let port = try await server.waitUntilListening()
        try await SocketProbe.open(port) { probe in
            _ = try await probe.upgrade("talk")
            #expect(await probe.readMessage() != nil)
            await group.triggerGracefulShutdown()
            let closing = await probe.readClosing()
            #expect(closing?.code == 1001)
            #expect(closing?.reason == "the server stops")
            // On a busy machine the server may have stopped waiting for it by now.
            try? await probe.send(SocketProbe.frame("", opcode: 8))
            #expect(await probe.readNoMoreThanPings())
        }
        try await running
        #expect(try db.lines() == ["left"])
        let metrics = server.metrics.registry.text()
        #expect(metrics.contains(#"spacetime_connections_closed_total{database="talk",reason="shutdown"} 1"#))
        await #expect(throws: (any Error).self) { try await SocketProbe.open(port) { _ in } }
    }

    @Test(.timeLimit(.minutes(10))) func connectionsThatHaveAskedForNothingHoldUpNoShutdown() async throws {
        let server = SpacetimeServer(options: .test { $0.limits.handshakeTimeout = .seconds(3_600) })
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        async let running: Void = group.run()
        try await SocketProbe.open(server.waitUntilListening()) { probe in
            // The server has the connection once it has answered another one.
            _ = try await SocketProbe.open(server.waitUntilListening()) { try await $0.get("/v1/ping") }
            await group.triggerGracefulShutdown()
            #expect(await probe.readToEnd().isEmpty)
        }
        try await running
    }

    /// A program that ends its server cancels the task. That is no error, is not logged as one, and is a good end like others.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func aServerThatIsCancelledLogsNoErrors(isInAGroup: Bool) async throws {
        let db = try await Database.open(.inMemory, module: Talk.self)
        let log = RecordedLog()
        let server = SpacetimeServer(options: .test { $0.cancellationTimeout = .seconds(3_600) }, logger: log.logger)
        try server.host(db, as: "talk")
        let running = Task {
            guard isInAGroup else { return try await server.run() }
            try await ServiceGroup(configuration: .init(services: [server], logger: log.logger)).run()
        }
        try await SocketProbe.open(server.waitUntilListening()) { probe in
            _ = try await probe.upgrade("talk")
            #expect(await probe.readMessage() != nil)
            running.cancel()
            #expect(await probe.readClosing()?.code == 1001)
            // On a busy machine the server may have stopped waiting for it by now.
            try? await probe.send(SocketProbe.frame("", opcode: 8))
            // However that ends, it does.
            _ = await running.result
        }
        #expect(log.problems == [])
        #expect(try db.lines() == ["left"])
    }

    /// Who has said how long a graceful shutdown may take does not wait for requests once more.
    @Test(.timeLimit(.minutes(5))) func aProcedureThatSleepsHoldsUpNoShutdownThatMayNotTakeLong() async throws {
        let db = try await Database.open(.inMemory, module: Talk.self)
        let server = SpacetimeServer(options: .test { $0.cancellationTimeout = .seconds(3_600) })
        try server.host(db, as: "talk")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var configuration = ServiceGroupConfiguration(services: [.init(service: server)], logger: logger)
        configuration.maximumGracefulShutdownDuration = .milliseconds(100)
        let group = ServiceGroup(configuration: configuration)
        let running = Task { try await group.run() }
        try await SocketProbe.open(server.waitUntilListening()) { probe in
            let head = "POST /v1/database/talk/call/nap HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            try await probe.send(Array((head + "content-length: 2\r\n\r\n[]").utf8))
            while db.core.procedures.runningCount == 0 { await Task.yield() }
            await group.triggerGracefulShutdown()
            _ = await running.result
        }
        // It is the database's, which is the program's: it may go on.
        #expect(db.core.procedures.runningCount == 1)
        try await db.close()
    }

    @Test func theServerIsPartOfAnApplicationWithRoutesOfItsOwn() async throws {
        let db = try await Database.open(.inMemory, module: Talk.self)
        let spacetime = SpacetimeServer()
        try spacetime.host(db, as: "talk")

        let router = Router()
        router.middlewares.add(SpacetimeMiddleware(spacetime))
        router.get("hello") { _, _ in "hello" }
        let application = Application(
            router: router, server: spacetime.serverBuilder,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            services: [spacetime.upkeep])
        try await application.test(.live) { client in
            try await client.execute(uri: "/hello", method: .get) { response in
                #expect(response.status == .ok)
                #expect(String(buffer: response.body) == "hello")
            }
            try await client.execute(uri: "/v1/ping", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/v1/nothing", method: .get) { #expect($0.status == .notFound) }
            try await client.execute(uri: "/nothing", method: .get) { #expect($0.status == .notFound) }
            let port = try #require(client.port)
            try await SocketProbe.open(port) { probe in
                let head = try await probe.upgrade("talk")
                #expect(head.hasPrefix("HTTP/1.1 101"))
                #expect(await probe.readMessage()?.contains("IdentityToken") == true)
            }
        }
        #expect(try db.lines() == ["left"])
    }

    @Test func countsOfClientsWakeThoseWhoWaitForNone() async {
        let clients = ClientCount()
        await clients.allHaveLeft()
        clients.enter()
        clients.enter()
        let waiting = Task { await clients.allHaveLeft() }
        await Task.yield()
        clients.leave()
        #expect(clients.count == 1)
        clients.leave()
        await waiting.value
        clients.enter()
        let cancelled = Task { await clients.allHaveLeft() }
        cancelled.cancel()
        await cancelled.value
        #expect(clients.count == 1)
    }
}

/// What is logged of warnings and of worse.
private final class RecordedLog: Sendable {
    private let texts = Mutex<[String]>([])

    var problems: [String] { texts.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.texts.withLock { $0.append("\(event.message)") } }
    }
}
