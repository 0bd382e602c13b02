import SpacetimeCompression
import SpacetimeHost
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Testing

@testable import SpacetimeServer

/// What a client that asks for offsets is told over a socket.
@Suite struct ResumingSocketTests {
    /// Takes frames until one ends with an offset.
    private func reached(_ client: RawClient) async throws -> (messages: [V3.ServerMessage], offset: UInt64) {
        var messages: [V3.ServerMessage] = []
        while true {
            let frame = try v3Messages(try await client.message())
            #expect(!frame.dropLast().contains { if case .reached = $0 { true } else { false } })
            messages += frame
            guard case .reached(let offset)? = frame.last else { continue }
            messages.removeLast()
            return (messages, offset)
        }
    }

    /// What a frame of rows has.
    private func rowCount(_ message: V3.ServerMessage?) -> Int? {
        guard case .common(.subscribeApplied(_, _, let rows))? = message else { return nil }
        return rows.reduce(0) { $0 + $1.rows.count }
    }

    /// Takes frames until the name of the history has come.
    private func history(_ client: RawClient) async throws -> UInt128 {
        while true {
            for message in try v3Messages(try await client.message()) {
                if case .history(let name) = message { return name }
            }
        }
    }

    private func connect(
        _ server: RunningServer, to database: String = "arena", token: String? = nil,
        query: String = "compression=None&confirmed=false&offsets=true"
    ) async throws -> RawClient {
        try await server.connect(
            "/v1/database/\(database)/subscribe?\(query)", protocols: "v3.bsatn.spacetimedb",
            headers: token.map { ["Authorization: Bearer \($0)"] } ?? [])
    }

    private func since(
        _ request: UInt32, _ set: UInt32, _ history: UInt128, _ offset: UInt64, _ queries: String...
    ) -> [UInt8] {
        var writer = BSATNWriter()
        V3.SubscribeSince(
            requestID: request, querySetID: set, history: history, offset: offset, queries: queries
        ).encode(to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    @Test func aClientGoesOnWhereItWas() async throws {
        try await withServer(try Arena.open()) { server in
            let token = try await server.token()
            let first = try await connect(server, token: token)
            let history = try await history(first)
            try await first.send(Say.addUser(1, 1, "Ann"))
            try await first.send(Say.subscribe(2, 5, "SELECT * FROM user"))
            var offset: UInt64 = 0
            var names: [UInt32] = []
            while names != [1, 2] {
                let told = try await reached(first)
                for message in told.messages {
                    switch message {
                    case .common(.reducerResult(let request, _, _)): names.append(request)
                    case .common(.subscribeApplied(let request, 5, let rows)):
                        #expect(rows.flatMap(\.rows.rows).count == 1)
                        names.append(request)
                    default: Issue.record("\(message)")
                    }
                }
                offset = told.offset
            }
            try await first.vanish()

            let other = try await connect(server)
            try await other.send(Say.addUser(1, 2, "Bob"))
            #expect(try await reached(other).offset > offset)

            let second = try await connect(server, token: token)
            #expect(try await self.history(second) == history)
            try await second.send(since(7, 6, history, offset, "SELECT * FROM user"))
            let told = try await reached(second)
            let row = UInt32(2).bsatn() + "Bob".bsatn()
            #expect(
                told.messages == [
                    .resumed(
                        requestID: 7, querySetID: 6,
                        changes: [
                            V2.QuerySetUpdate(
                                querySetID: 6,
                                tables: [
                                    V2.TableUpdate(
                                        table: "user",
                                        changes: [.persistent(inserts: RowList([row]), deletes: RowList())])
                                ])
                        ])
                ])
            // Again, now that nothing has changed; and the number of a set that is watched is taken.
            try await second.send(since(8, 9, history, told.offset, "SELECT * FROM user"))
            #expect(
                try v3Messages(try await second.message())
                    == [.resumed(requestID: 8, querySetID: 9, changes: []), .reached(told.offset)])
            try await second.send(since(9, 9, history, told.offset, "SELECT * FROM user"))
            guard case .common(.subscriptionError(9, 9, _))? = try v3Messages(try await second.message()).first else {
                Issue.record("a set was watched twice")
                return
            }
            // Somebody else was never there.
            let stranger = try await connect(server)
            #expect(try await self.history(stranger) != history)
            try await stranger.send(since(1, 1, history, offset, "SELECT * FROM user"))
            guard case .common(.subscribeApplied(1, 1, let rows))? = try await reached(stranger).messages.first else {
                Issue.record("a stranger went on where somebody else was")
                return
            }
            #expect(rows.flatMap(\.rows.rows).count == 2)
        }
    }

    @Test(arguments: [
        ("v3.bsatn.spacetimedb", "compression=None"), ("v3.bsatn.spacetimedb", "compression=None&offsets=false"),
        ("v2.bsatn.spacetimedb", "compression=None&offsets=true"),
    ])
    func whoDidNotAskOrCannotIsToldNothingOfOffsets(subprotocol: String, query: String) async throws {
        try await withServer(try Arena.open()) { server in
            let client = try await server.connect("/v1/database/arena/subscribe?\(query)", protocols: subprotocol)
            #expect(try Greeting(try await client.message()).rest.isEmpty)
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            try await client.send(Say.addUser(2, 1, "Ann"))
            var body: [UInt8] = []
            var messages: [V2.ServerMessage] = []
            while messages.count < 2 {
                body = Array(try await client.message().dropFirst())
                var reader = try V2.ServerMessageReader(body.span.bytes, isBatched: true)
                while let message = try reader.next() { messages.append(message) }
            }
            #expect(messages.count == 2)
            // Nor does it know the message.
            try await client.send(since(3, 2, 0, 0, "SELECT * FROM user"))
            guard case .close(code: 1011, _) = try await client.next() else {
                Issue.record("an unknown message was taken")
                return
            }
        }
    }

    /// However the rows are sent: beside others, compressed by another thread, or in pieces.
    @Test(arguments: [("None", 40), ("None", 6_000), ("Gzip", 900)])
    func theOffsetComesBehindTheRowsThatItIsOf(compression: String, count: Int) async throws {
        let database = try Arena.open()
        let padding = String(repeating: "x", count: 60)
        for id in 0..<count {
            _ = try await database.sql("INSERT INTO user (id, name) VALUES (\(id), '\(id) \(padding)')")
        }
        try await withServer(database) { server in
            let client = try await connect(server, query: "compression=\(compression)&confirmed=false&offsets=true")
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            try await client.send(Say.addUser(2, 1_000_000, "last"))
            var kinds: [String] = []
            var told: [UInt64] = []
            let codec = PayloadCodec()
            while kinds.filter({ $0 != "history" }).count < 3 || told.isEmpty {
                let payload = try await client.message()
                var scratch = BSATNWriter()
                try ServerPayload.withBody(
                    of: payload.span.bytes, limits: .forClients, decompressor: codec, scratch: &scratch
                ) { (body) throws(ProtocolError) in
                    var reader = try V3.ServerMessageReader(body)
                    while let message = try reader.next() {
                        switch message {
                        case .common(.initialConnection): kinds.append("greeting")
                        case .history: kinds.append("history")
                        case .common(.subscribeApplied(_, _, let rows)):
                            kinds.append("rows \(rows.reduce(0) { $0 + $1.rows.count })")
                        case .common(.reducerResult): kinds.append("result")
                        case .reached(let offset): told.append(offset)
                        default: kinds.append("\(message)")
                        }
                    }
                }
            }
            #expect(kinds == ["greeting", "history", "rows \(count)", "result"])
            #expect(told == told.sorted() && Set(told).count == told.count)
            // The connection itself is a commit, too, if the module hears of it.
            #expect(told.last.map { $0 >= UInt64(count) } == true)
        }
    }

    /// Many who watch the same get one frame, those who want offsets another one.
    @Test func sharedFramesKeepWhatIsWantedApart() async throws {
        try await withServer(try Arena.open()) { server in
            var clients: [(client: RawClient, isWanted: Bool)] = []
            for number in 0..<6 {
                let isWanted = number % 2 == 0
                let client = try await connect(
                    server, query: "compression=None&confirmed=false&offsets=\(isWanted)")
                try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
                while true {
                    let frame = try v3Messages(try await client.message())
                    let isDone = frame.contains { if case .common(.subscribeApplied) = $0 { true } else { false } }
                    if isDone { break }
                }
                clients.append((client, isWanted))
            }
            let writer = try await connect(server, query: "compression=None")
            try await writer.send(Say.addUser(1, 1, "Ann"))
            for (client, isWanted) in clients {
                var frame = try v3Messages(try await client.message())
                // The offset of the rows may have come by itself.
                if case .reached = frame[0] { frame = try v3Messages(try await client.message()) }
                #expect(frame.count == (isWanted ? 2 : 1))
                guard case .common(.transactionUpdate) = frame[0] else { Issue.record("\(frame)"); continue }
                if isWanted { guard case .reached = frame[1] else { Issue.record("\(frame)"); continue } }
            }
        }
    }

    /// Publishes a stand-in as a database of its own.
    private func publish(_ lines: String..., to server: RunningServer, as token: String) async throws {
        let answer = try await server.request(
            "PUT", "/v1/database/world?host_type=Wasm", headers: ["Authorization: Bearer \(token)"],
            body: Array((["stand-in"] + lines).joined(separator: "\n").utf8))
        #expect(answer.status == 200, "\(answer.text)")
    }

    /// A module that takes over begins a history of its own. Who stays is told its name, before all that is told in its terms; and
    /// can go on in it, and no more in the one before. Who watches nothing is told when it does.
    @Test(arguments: [1, 3]) func whoStaysWhileTheModuleIsReplacedIsToldTheNewHistory(times: Int) async throws {
        var options = ServerOptions.test()
        options.publishing.runtime = ModuleRuntime(StandInLoader())
        try await withServer(try Arena.open(), options: options) { server in
            let token = try await server.token()
            try await publish("init first", to: server, as: token)
            let client = try await connect(server, to: "world", token: token)
            let idle = try await connect(server, to: "world", token: token)
            var known = try await history(client)
            #expect(try await history(idle) == known)
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM item"))
            var told = try await reached(client)
            #expect(rowCount(told.messages.last) == 1)
            for number in 1...times {
                let (old, oldOffset) = (known, told.offset)
                let tables = (1...number).map { "table other\($0)" }.joined(separator: "\n")
                try await publish("prefix new-", "init first", tables, to: server, as: token)
                let added = try await server.request(
                    "POST", "/v1/database/world/call/add",
                    headers: ["Authorization: Bearer \(token)", "content-type: application/json"],
                    body: Array(#"["b\#(number)"]"#.utf8))
                #expect(added.status == 200)
                told = try await reached(client)
                guard told.messages.count == 2, case .history(let name) = told.messages[0],
                    case .common(.transactionUpdate(let changes)) = told.messages[1]
                else {
                    Issue.record("\(told.messages) came behind the replacement")
                    return
                }
                #expect(name != old)
                known = name
                #expect(changes.flatMap(\.tables).map(\.table) == ["item"])
                let back = try await connect(server, to: "world", token: token)
                #expect(try await history(back) == known)
                try await back.send(since(1, 1, known, told.offset, "SELECT * FROM item"))
                #expect(
                    try await reached(back).messages == [.resumed(requestID: 1, querySetID: 1, changes: [])])
                try await back.send(since(2, 2, old, oldOffset, "SELECT * FROM item"))
                #expect(rowCount(try await reached(back).messages.first) == 1 + number)
                try await back.vanish()
            }
            try await idle.send(Say.subscribe(1, 1, "SELECT * FROM item"))
            let late = try await reached(idle)
            #expect(late.messages.first == .history(known) && rowCount(late.messages.last) == 1 + times)
        }
    }
}
