import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SpacetimeKit
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// What limits do to clients on sockets, and what these are told.
@Suite struct AbuseTests {
    private func server(_ change: (inout ServerOptions) -> Void) throws -> (SpacetimeServer, Database<Talk>) {
        let db = try Database.open(.inMemory, module: Talk.self)
        let server = SpacetimeServer(options: .test(change))
        try server.host(db, as: "talk")
        return (server, db)
    }

    private func count(_ limit: ClientLimit, _ server: SpacetimeServer) -> Int {
        let name = #"spacetime_limits_reached_total{limit="\#(limit.rawValue)"} "#
        let line = server.metrics.registry.text().split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }

    private func ending(_ reason: ConnectionEnd, _ server: SpacetimeServer) -> Bool {
        server.metrics.registry.text().contains(
            #"spacetime_connections_closed_total{database="talk",reason="\#(reason.rawValue)"} 1"#)
    }

    private func call(_ text: String, _ request: Int = 1) -> String {
        #"{"CallReducer":{"reducer":"say","args":"[\"\#(text)\"]","request_id":\#(request),"flags":0}}"#
    }

    private func connect(_ probe: SocketProbe) async throws {
        let head = try await probe.upgrade("talk")
        #expect(head.hasPrefix("HTTP/1.1 101"))
        #expect(await probe.readMessage()?.contains("IdentityToken") == true)
    }

    @Test func connectionsTooManyFromAnAddressAreToldSo() async throws {
        let (server, _) = try server {
            $0.limits.connectionsPerAddress = 2
            $0.limits.countsLoopback = true
            // The test may have to wait for a thread.
            $0.limits.handshakeTimeout = .seconds(6_000)
        }
        try await serving(server) { port in
            try await SocketProbe.open(port) { first in
                try await connect(first)
                try await SocketProbe.open(port) { second in
                    try await connect(second)
                    let answer = try await SocketProbe.open(port) { try await $0.get("/v1/ping") }
                    #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable"))
                    #expect(answer.contains("too many connections from this address; close some"))
                }
                #expect(count(.connectionsPerAddress, server) == 1)
            }
        }
    }

    @Test func whoDoesNotSayWhatHeWantsIsClosed() async throws {
        let (server, _) = try server { $0.limits.handshakeTimeout = .milliseconds(50) }
        try await serving(server) { port in
            try await SocketProbe.open(port) { silent in #expect(await silent.readToEnd().isEmpty) }
            try await SocketProbe.open(port) { slow in
                // On a busy machine it may be closed before it has said anything.
                try? await slow.send("GET /v1/ping HTTP/1.1\r\nhost: ")
                #expect(await slow.readToEnd().isEmpty)
            }
            #expect(count(.handshake, server) == 2)
        }
    }

    @Test func reducersThatAreCalledTooOftenAnswerWithTheWait() async throws {
        let (server, db) = try server {
            $0.limits.everybody.reducerRates["say"] = RateLimit(perSecond: 0.001, burst: 2)
        }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                for request in 1...3 { try await probe.sendMessage(call("\(request)", request)) }
                #expect(await probe.readMessage()?.contains("Committed") == true)
                #expect(await probe.readMessage()?.contains("Committed") == true)
                let third = await probe.readMessage()
                #expect(third?.contains("'say' was called too often; wait ") == true)
                #expect(try db.lines() == ["1", "2"])
                #expect(count(.reducerRate, server) == 1)
            }
        }
    }

    @Test func whoSendsTooFastIsSlowedDownAndLosesNothing() async throws {
        let (server, db) = try server {
            $0.limits.everybody.messageRate = RateLimit(perSecond: 2_000, burst: 10)
        }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                let began = ContinuousClock.now
                var batch: [UInt8] = []
                for request in 0..<400 { batch += SocketProbe.frame(call("\(request)", request)) }
                try await probe.send(batch)
                for _ in 0..<400 { #expect(await probe.readMessage()?.contains("Committed") == true) }
                try await probe.sendMessage(call("last"))
                #expect(await probe.readMessage()?.contains("Committed") == true)
                #expect(ContinuousClock.now - began > .milliseconds(150))
                #expect(try db.lines().count == 401)
                #expect(count(.messageRate, server) > 0)
            }
        }
    }

    @Test func queriesTooManyAreRefusedUntilSomeAreLeft() async throws {
        let (server, _) = try server { $0.limits.everybody.subscriptionLimit = 3 }
        func subscribe(_ id: Int, _ count: Int) -> String {
            let queries = (0..<count).map { #""SELECT * FROM line WHERE id = \#(id * 100 + $0)""# }.joined(
                separator: ",")
            return #"{"SubscribeMulti":{"query_strings":[\#(queries)],"request_id":\#(id),"query_id":{"id":\#(id)}}}"#
        }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.sendMessage(subscribe(1, 2))
                #expect(await probe.readMessage()?.contains("SubscribeMultiApplied") == true)
                try await probe.sendMessage(subscribe(2, 2))
                let refusal = await probe.readMessage()
                #expect(
                    refusal?.contains("2 queries are watched and 2 more were asked for, but a client may watch 3")
                        == true)
                try await probe.sendMessage(#"{"UnsubscribeMulti":{"request_id":3,"query_id":{"id":1}}}"#)
                #expect(await probe.readMessage()?.contains("UnsubscribeMultiApplied") == true)
                try await probe.sendMessage(subscribe(4, 3))
                #expect(await probe.readMessage()?.contains("SubscribeMultiApplied") == true)
                #expect(count(.subscriptions, server) == 1)
            }
        }
    }

    @Test func moreWaitingMessagesThanMayCloseOnlyThoseWhoAreNotTrusted() async throws {
        for isTrusted in [false, true] {
            let (server, db) = try server {
                $0.webSocket.incomingQueueLimit = 50
                if isTrusted { $0.limits.everybody = .trusted }
            }
            try await serving(server) { port in
                try await SocketProbe.open(port) { probe in
                    try await connect(probe)
                    var batch: [UInt8] = []
                    for request in 0..<300 { batch += SocketProbe.frame(call("\(request)", request)) }
                    try await probe.send(batch)
                    if isTrusted {
                        for _ in 0..<300 { #expect(await probe.readMessage()?.contains("Committed") == true) }
                        #expect(try db.lines() == (0..<300).map(String.init))
                    } else {
                        let closing = await probe.readClosing()
                        #expect(closing?.code == 1013)
                        #expect(closing?.reason == "too many requests")
                        #expect(count(.incomingQueue, server) == 1)
                        #expect(ending(.incomingOverflow, server))
                    }
                }
            }
        }
    }

    @Test func messagesTooLargeCloseTheConnectionOfTheirSender() async throws {
        let (server, _) = try server { $0.webSocket.messageByteLimit = 1_000 }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.sendMessage(call(String(repeating: "x", count: 2_000)))
                let closing = await probe.readClosing()
                #expect(closing?.code == 1009)
                #expect(closing?.reason.contains("larger than is accepted; send less at once") == true)
                #expect(await probe.readNoMoreThanPings())
                #expect(count(.messageBytes, server) == 1)
                #expect(ending(.limit, server))
            }
        }
    }

    @Test func aMessageThatDoesNotEndDropsItsSender() async throws {
        let (server, _) = try server {
            $0.limits.messageTimeout = .milliseconds(50)
            $0.webSocket.pingInterval = .milliseconds(40)
        }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.send(Array(SocketProbe.frame(call("hello")).dropLast()))
                while await probe.readFrame() != nil {}
                #expect(count(.slowMessage, server) == 1)
                #expect(ending(.limit, server))
            }
        }
    }

    @Test func aRequestWhoseBodyDoesNotEndDropsItsSender() async throws {
        let (server, _) = try server { $0.limits.bodyTimeout = .milliseconds(50) }
        try await serving(server) { port in
            // Whoever has sent all of it is answered, however long the connection stays.
            try await SocketProbe.open(port) { probe in
                try await probe.send("POST /v1/identity HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
                #expect(await probe.readHead().hasPrefix("HTTP/1.1 200"))
                #expect(count(.slowMessage, server) == 0)
            }
            // Some of it comes, and is waited for, whether it is wanted or not.
            for path in ["/v1/database/talk/sql", "/v1/nothing"] {
                try await SocketProbe.open(port) { probe in
                    try await probe.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nSELECT")
                    _ = await probe.readToEnd()
                }
            }
            #expect(count(.slowMessage, server) == 2)
        }
    }

    @Test func metricsTellWhatAClientDid() async throws {
        let (server, _) = try server { _ in }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.sendMessage(call("hello"))
                _ = await probe.readMessage()
                try await probe.sendMessage(call("no"))
                _ = await probe.readMessage()
                // What it counted is handed on at the latest when it goes.
                try await probe.send(SocketProbe.frame("", opcode: 8))
                while await probe.readFrame() != nil {}
            }
        }
        let text = server.metrics.registry.text()
        for line in [
            #"spacetime_connections_opened_total{database="talk",protocol="v1.json"} 1"#,
            #"spacetime_connections_closed_total{database="talk",reason="client"} 1"#,
            #"spacetime_received_messages_total{database="talk",kind="call_reducer"} 2"#,
            #"spacetime_sent_messages_total{database="talk",kind="reducer_result"} 2"#,
            #"spacetime_calls_seconds_count{database="talk",outcome="committed",reducer="say"} 1"#,
            #"spacetime_calls_seconds_count{database="talk",outcome="failed",reducer="say"} 1"#,
            #"spacetime_sent_frames_total{database="talk"} 3"#,
        ] { #expect(text.contains(line + "\n"), "\(line)") }
    }
}

extension AbuseTests {
    /// Small tables are looked at under the lock, large ones without it.
    @Test(arguments: [100, 10_000]) func firstRowsTooManyAreRefusedEarly(rowCount: Int) async throws {
        let (server, db) = try server { $0.limits.everybody.subscribedRowLimit = 99 }
        for number in 0..<rowCount { try await db.call(Talk.say, "\(number)") }
        let all = #"{"SubscribeMulti":{"query_strings":["SELECT * FROM line"],"request_id":1,"query_id":{"id":1}}}"#
        let some =
            #"{"SubscribeMulti":{"query_strings":["SELECT * FROM line WHERE id < 50"],"request_id":2,"query_id":{"id":1}}}"#
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.sendMessage(all)
                let refusal = await probe.readMessage()
                #expect(refusal?.contains("more rows than the 99 that a client may be told at once") == true)
                // Neither is it watched.
                try await probe.sendMessage(call("hello", 7))
                #expect(await probe.readMessage()?.contains(#""tables":[]"#) == true)
                try await probe.sendMessage(some)
                #expect(await probe.readMessage()?.contains("SubscribeMultiApplied") == true)
                #expect(count(.rows, server) == 1)
            }
        }
    }

    @Test func whoDoesNotReadIsDropped() async throws {
        let (server, db) = try server {
            $0.limits.sendTimeout = .milliseconds(200)
            $0.webSocket.pingInterval = .milliseconds(100)
        }
        // More than the buffers of sockets take.
        let text = String(repeating: "x", count: 20_000)
        for _ in 0..<1_500 { try await db.call(Talk.say, text) }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await connect(probe)
                try await probe.sendMessage(
                    #"{"SubscribeMulti":{"query_strings":["SELECT * FROM line"],"request_id":1,"query_id":{"id":1}}}"#)
                try await server.registry.database("talk").clients.allHaveLeft()
                #expect(count(.slowReader, server) == 1)
                #expect(ending(.slow, server))
            }
        }
    }

    private func withLargeAnswer(
        _ change: (inout ServerOptions) -> Void,
        _ body: (SocketProbe, ServiceGroup, Task<Void, any Error>, SpacetimeServer) async throws -> Void
    ) async throws {
        let (server, db) = try server(change)
        let text = String(repeating: "x", count: 20_000)
        for _ in 0..<1_500 { try await db.call(Talk.say, text) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        let running = Task { try await group.run() }
        try await SocketProbe.open(server.waitUntilListening()) { probe in
            try await probe.send(
                "POST /v1/database/talk/sql HTTP/1.1\r\nhost: a\r\ncontent-length: 18\r\n\r\nSELECT * FROM line")
            try await body(probe, group, running, server)
        }
    }

    @Test(.timeLimit(.minutes(10))) func anAnswerUnderWayIsSentWholeWhenTheServerStops() async throws {
        // Whoever reads is waited for, however long the machine takes.
        try await withLargeAnswer {
            $0.limits.sendTimeout = .seconds(6_000)
        } _: { probe, group, running, _ in
            let head = await probe.readHead().lowercased()
            let length = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") })
            await group.triggerGracefulShutdown()
            let count = try #require(Int(length.dropFirst("content-length: ".count)))
            #expect(count > 30_000_000)
            #expect(await probe.readToEnd().utf8.count == count)
            try await running.value
        }
    }

    @Test(.timeLimit(.minutes(10))) func whoDoesNotReadAnAnswerHoldsUpNoShutdown() async throws {
        try await withLargeAnswer {
            $0.limits.sendTimeout = .milliseconds(200)
        } _: { probe, group, running, server in
            #expect(await probe.readHead().hasPrefix("HTTP/1.1 200"))
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(count(.slowReader, server) == 1)
        }
    }

    /// Over HTTP, too: what waits to be sent is not kept for as long as somebody likes.
    @Test(.timeLimit(.minutes(10))) func whoDoesNotReadAnAnswerIsDropped() async throws {
        let (server, db) = try server { $0.limits.sendTimeout = .milliseconds(200) }
        let text = String(repeating: "x", count: 20_000)
        for _ in 0..<1_500 { try await db.call(Talk.say, text) }
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await probe.send(
                    "POST /v1/database/talk/sql HTTP/1.1\r\nhost: a\r\ncontent-length: 18\r\n\r\nSELECT * FROM line")
                #expect(await probe.readHead().hasPrefix("HTTP/1.1 200"))
                // The server's own timers bring it about, and nothing that the client could hear.
                while count(.slowReader, server) == 0 {
                    for loop in server.group.makeIterator() {
                        try await loop.scheduleTask(in: .milliseconds(20)) {}.futureResult.get()
                    }
                }
                #expect(count(.slowReader, server) == 1)
            }
        }
    }
}
