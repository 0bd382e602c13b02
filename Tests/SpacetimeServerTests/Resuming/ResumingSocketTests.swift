import SpacetimeCompression
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// What a client that asks for offsets is told over a socket.
@Suite struct ResumingSocketTests {
    private static let path = "/v1/database/arena/subscribe"

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

    /// Takes frames until the name of the history has come.
    private func history(_ client: RawClient) async throws -> UInt128 {
        while true {
            for message in try v3Messages(try await client.message()) {
                if case .history(let name) = message { return name }
            }
        }
    }

    private func connect(
        _ server: RunningServer, token: String? = nil, query: String = "compression=None&confirmed=false&offsets=true"
    ) async throws -> RawClient {
        try await server.connect(
            "\(Self.path)?\(query)", protocols: "v3.bsatn.spacetimedb",
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
            let client = try await server.connect("\(Self.path)?\(query)", protocols: subprotocol)
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
}
