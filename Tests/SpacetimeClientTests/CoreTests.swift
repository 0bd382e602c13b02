import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

@Suite struct CoreTests {
    @Test func answersFindTheirRequests() throws {
        let bench = try Bench()
        try bench.connect()
        let put = try bench.core.callReducer("put", Item(id: 1, owner: 2, text: "x").bsatn())
        let fail = try bench.core.callReducer("fail", "no way".bsatn())
        let unknown = try bench.core.callReducer("unknown", [])
        let sum = try bench.core.callProcedure("echo", [1, 2, 3])
        let rows = try bench.core.query(ItemQuery.all.text)
        let wrong = try bench.core.query("SELECT nonsense")
        try bench.settle()
        // In another order than they were asked.
        bench.server.outbox.removeAll { if case .reached = $0 { true } else { false } }
        bench.server.outbox.reverse()
        try bench.deliver(6)
        #expect(bench.outcomes[put] == .returned([]))
        #expect(bench.outcomes[fail] == .failed(ClientError(.rejected, "no way")))
        #expect(bench.outcomes[unknown] == .failed(ClientError(.failed, "no such reducer")))
        #expect(bench.outcomes[sum] == .returned([1, 2, 3]))
        #expect(bench.outcomes[wrong] == .failed(ClientError(.failed, "no such table")))
        guard case .rows(let tables) = bench.outcomes[rows] else { throw Unexpected() }
        #expect(tables.map(\.rows.count) == [1])
        let waiting = bench.core.requests
        #expect(waiting.isEmpty)
    }

    @Test func changesAreToldBeforeTheResultOfTheCallThatMadeThem() throws {
        let bench = try Bench()
        try bench.connect()
        _ = try bench.core.subscribe([ItemQuery.all.text])
        try bench.settle()
        try bench.deliverAll()
        bench.events = []
        let call = try bench.core.callReducer("put", Item(id: 1, owner: 2, text: "x").bsatn())
        try bench.settle()
        try bench.deliver()
        #expect(bench.events.count == 2)
        guard case .changed? = bench.events.first else { throw Unexpected() }
        #expect(bench.events.last == .finished(call, .returned([])))
    }

    @Test func aRowIsThereForAsLongAsOneQueryDeliversIt() throws {
        let bench = try Bench()
        bench.server.items[1] = Item(id: 1, owner: 0, text: "a")
        try bench.connect()
        let all = try bench.core.subscribe([ItemQuery.all.text, ItemQuery.owner(0).text])
        let owner = try bench.core.subscribe([ItemQuery.owner(0).text])
        try bench.settle()
        try bench.deliverAll()
        #expect(bench.mirror.count == 1)
        bench.core.unsubscribe(all)
        try bench.settle()
        try bench.deliverAll()
        #expect(bench.mirror.count == 1)
        bench.core.unsubscribe(owner)
        try bench.settle()
        try bench.deliverAll()
        #expect(bench.mirror.isEmpty)
        #expect(bench.events.contains(.unsubscribed(all, nil)) && bench.events.contains(.unsubscribed(owner, nil)))
    }

    @Test func aSubscriptionThatIsRefusedEndsWithTheServersText() throws {
        let bench = try Bench()
        try bench.connect()
        let number = try bench.core.subscribe(["SELECT nonsense"])
        // It is given up before the answer has come: there are two answers then.
        try bench.settle()
        bench.core.unsubscribe(number)
        try bench.settle()
        try bench.deliverAll()
        #expect(bench.events.contains(.unsubscribed(number, ClientError(.subscription, "no such table"))))
        #expect(bench.closes.isEmpty && bench.isOpen)
    }

    @Test func aSetThatFailsAtTheServerIsLeftOutOfANewBeginning() throws {
        let bench = try Bench()
        bench.server.items[1] = Item(id: 1, owner: 0, text: "a")
        bench.server.items[2] = Item(id: 2, owner: 1, text: "b")
        try bench.connect()
        let failing = try bench.core.subscribe([ItemQuery.owner(0).text])
        _ = try bench.core.subscribe([ItemQuery.owner(1).text])
        try bench.settle()
        try bench.deliverAll()
        bench.server.outbox = [.common(.subscriptionError(requestID: nil, querySetID: 1, message: "overflow"))]
        try bench.deliver()
        #expect(bench.events.contains(.unsubscribed(failing, ClientError(.subscription, "overflow"))))
        #expect(bench.mirror.count == 2)
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.mirror.map(\.id) == [2])
    }

    /// What a server may not say. The cache stands then as it did before, and the connection is closed with a reason.
    @Test func whatAServerMayNotSayEndsTheConnectionAndChangesNothing() throws {
        let item = Item(id: 1, owner: 0, text: "a")
        let other = Item(id: 2, owner: 0, text: "b")
        func update(_ inserts: [[UInt8]], _ deletes: [[UInt8]], set: UInt32 = 1) -> V2.ServerMessage {
            .transactionUpdate([
                V2.QuerySetUpdate(
                    querySetID: set,
                    tables: [
                        V2.TableUpdate(
                            table: "item",
                            changes: [.persistent(inserts: RowList(inserts), deletes: RowList(deletes))])
                    ])
            ])
        }
        let messages: [V2.ServerMessage] = [
            // A row goes that was not there, behind others that came and went.
            update([other.bsatn()], [item.bsatn(), Item(id: 3, owner: 0, text: "").bsatn()]),
            // A row that ends within its index, behind one that does not.
            update([other.bsatn(), [1, 2]], []),
            update([other.bsatn()], [], set: 77),
            .reducerResult(
                requestID: 77, timestamp: Timestamp(microsecondsSinceUnixEpoch: 0), outcome: .committedEmpty),
            .oneOffQueryResult(requestID: 77, result: .rows([])),
            .subscribeApplied(requestID: 1, querySetID: 1, rows: []),
            .unsubscribeApplied(requestID: 1, querySetID: 1, rows: []),
            .subscriptionError(requestID: 77, querySetID: 1, message: ""),
            .subscriptionError(requestID: nil, querySetID: 77, message: ""),
            .initialConnection(identity: .zero, connectionID: .none, token: ""),
        ]
        var payloads = messages.map { payload([$0]) }
        payloads.append(payload([V3.ServerMessage.resumed(requestID: 1, querySetID: 1, changes: [])]))
        payloads += [[], [0], [9, 1, 2], [1, 2, 3], [2, 0], [0, 99], Array(payload([messages[0]]).dropLast(3))]
        for (number, bytes) in payloads.enumerated() {
            let bench = try Bench()
            bench.server.items[1] = item
            try bench.connect()
            _ = try bench.core.subscribe([ItemQuery.all.text])
            try bench.settle()
            try bench.deliverAll()
            bench.events = []
            bench.core.received(bench.core.connection, bytes, now: bench.now)
            try bench.settle()
            #expect(bench.closes == [1002], "payload \(number)")
            let rows = try bench.cached()
            #expect(rows == [item], "payload \(number)")
            guard case .disconnected(let error, _)? = bench.events.last else { throw Unexpected() }
            #expect(error.code == .protocolViolation)
            // And it goes on as if nothing had been.
            try bench.wait()
            try bench.deliverAll()
            let after = try bench.cached()
            #expect(after == [item], "payload \(number)")
        }
    }

    @Test func randomBytesNeverTrap() throws {
        var dice = RandomValues(seed: freshSeed())
        for _ in 0..<2_000 {
            let bench = try Bench()
            bench.server.items[1] = Item(id: 1, owner: 0, text: "a")
            try bench.connect()
            _ = try bench.core.subscribe([ItemQuery.all.text])
            try bench.settle()
            try bench.deliverAll()
            var bytes = payload([
                .transactionUpdate(bench.server.change(1, to: Item(id: 1, owner: 1, text: "z"), noise: "n"))
            ])
            for _ in 0...dice.below(3) { bytes[dice.below(bytes.count)] = UInt8(dice.below(256)) }
            bench.core.received(bench.core.connection, bytes, now: bench.now)
            bench.core.disconnect()
            _ = bench.core.takeEvents()
        }
    }

    @Test func aServerThatDoesNotGreetIsGivenUp() throws {
        let bench = try Bench()
        bench.core.connect(now: bench.now)
        try bench.settle()
        #expect(bench.phase == .greeting(until: .seconds(10)))
        try bench.wait()
        guard case .ended(let error?)? = bench.events.last else { throw Unexpected() }
        #expect(error.code == .unreachable)
    }

    @Test func aFirstConnectionIsTriedAgainIfThatIsWanted() throws {
        let bench = try Bench { $0.reconnection.coversFirstConnection = true }
        let number = try bench.core.subscribe([ItemQuery.all.text])
        bench.core.connect(now: bench.now)
        _ = bench.core.takeActions()
        bench.core.openingFailed(1, ClientError(.unreachable, "nobody there"), now: bench.now)
        try bench.settle()
        try bench.wait()
        try bench.deliverAll()
        #expect(bench.isOpen)
        #expect(bench.events.contains(.subscribed(number)))
    }

    @Test func aRefusalIsFinal() throws {
        let bench = try Bench()
        try bench.connect()
        try bench.cut()
        // The token has expired meanwhile.
        bench.core.timeReached(now: .seconds(60))
        _ = bench.core.takeActions()
        bench.core.openingFailed(2, ClientError(.refused, "expired"), now: .seconds(60))
        try bench.settle()
        #expect(bench.events.last == .ended(ClientError(.refused, "expired")))
        #expect(throws: ClientError.self) { try bench.core.callReducer("nothing", []) }
    }

    @Test func eachMessageHasAFrameOfItsOwnWhereFramesAreNotShared() throws {
        for subprotocol in [Subprotocol.v3, .v2] {
            let bench = try Bench()
            for _ in 0..<3 { _ = try bench.core.subscribe([ItemQuery.all.text]) }
            bench.core.connect(now: bench.now)
            _ = bench.core.takeActions()
            bench.server.greet()
            bench.core.opened(1, subprotocol, now: bench.now)
            bench.core.received(1, payload(bench.server.outbox), now: bench.now)
            let actions = bench.core.takeActions()
            #expect(actions.count == (subprotocol == .v3 ? 1 : 3))
        }
    }

    @Test func whatTheServerChoosesMustBeWhatTheClientSpeaks() throws {
        for subprotocol in [Subprotocol.v1BSATN, nil] {
            let bench = try Bench()
            bench.core.connect(now: bench.now)
            _ = bench.core.takeActions()
            bench.core.opened(1, subprotocol, now: bench.now)
            try bench.settle()
            #expect(bench.closes == [1002])
            guard case .ended(let error?)? = bench.events.last else { throw Unexpected() }
            #expect(error.code == .protocolViolation)
        }
    }

    @Test func requestsAreBounded() throws {
        let bench = try Bench { $0.requestLimit = 2 }
        try bench.connect()
        for _ in 0..<2 { _ = try bench.core.callReducer("nothing", []) }
        #expect(throws: ClientError.self) { try bench.core.callReducer("nothing", []) }
        try bench.settle()
        try bench.deliverAll()
        _ = try bench.core.callReducer("nothing", [])
    }

    /// So the server knows a connection that the client has lost, and a module never sees two of one client.
    @Test func aClientNamesTheSameSessionEachTime() throws {
        func sessions(seed: UInt64) throws -> Set<String> {
            let bench = try Bench(seed: seed) { $0.reconnection.coversFirstConnection = true }
            var seen: Set<String> = []
            bench.core.connect(now: .zero)
            for number in 1...4 as ClosedRange<UInt64> {
                guard case .open(number, let opening)? = bench.core.takeActions().last else { throw Unexpected() }
                let parameters = opening.path.split(separator: "?")[1].split(separator: "&")
                seen.insert(String(try #require(parameters.first { $0.hasPrefix("session_id=") })))
                bench.core.openingFailed(number, ClientError(.unreachable, "lost"), now: bench.now)
                bench.now += .seconds(3_600)
                bench.core.timeReached(now: bench.now)
            }
            return seen
        }
        let (first, second) = (try sessions(seed: 1), try sessions(seed: 2))
        #expect(first.count == 1 && second.count == 1 && first != second)
        #expect(first.first?.utf8.count ?? 0 > 20)
    }

    @Test func theUpgradeSaysWhatTheClientWants() throws {
        var options = ClientOptions()
        options.confirmedReads = false
        options.sessionID = "a b"
        var core = ClientCore(
            address: try ServerAddress("wss://example.com/games/"), database: "chat/ö", token: "secret",
            options: options, compression: .gzip, decompressor: NoCompression())
        core.connect(now: .zero)
        let actions = core.takeActions()
        guard case .open(1, let opening)? = actions.first else { throw Unexpected() }
        #expect(
            opening.path
                == "/games/v1/database/chat%2F%C3%B6/subscribe?compression=Gzip&confirmed=false&session_id=a%20b&offsets=true"
        )
        #expect(opening.wantsOffsets)
        #expect(opening.headers.map(\.name) == ["Authorization"])
        #expect(opening.headers.map(\.value) == ["Bearer secret"])
        #expect(opening.subprotocols == [.v3, .v2])
    }
}

@Suite struct ServerAddressTests {
    @Test func addressesAreTakenApart() throws {
        func parts(_ text: String) throws -> [String] {
            let address = try ServerAddress(text)
            return [address.isSecure ? "s" : "", address.host, "\(address.port)", address.basePath]
        }
        #expect(try parts("localhost") == ["", "localhost", "80", ""])
        #expect(try parts("localhost:3000/") == ["", "localhost", "3000", ""])
        #expect(try parts("HTTPS://example.com/a/b//") == ["s", "example.com", "443", "/a/b"])
        #expect(try parts("ws://[::1]:3000") == ["", "::1", "3000", ""])
        #expect(try ServerAddress("wss://[::1]").description == "wss://[::1]:443")
    }

    @Test(arguments: [
        "", "ws://", "ftp://a", "a:0", "a:70000", "a:b", "[::1", "[::1]3000", "a/b?c", "a b", "user@host",
    ])
    func whatIsNoAddressIsRefused(_ text: String) {
        #expect(throws: ClientError.self) { try ServerAddress(text) }
    }
}
