import SpacetimeClient
import SpacetimeClientKit
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// The first rows of a subscription, from the payload to a cache that finds them.
final class KitFirstRows: Contestant {
    let system = "spacetimekit"
    let variant: String
    private let payload: [UInt8]
    private let rows: Int
    private let table: TableDescription<ClientRow>
    private var connected: (server: ScriptedServer, client: DatabaseClient)?

    init(rows: Int, isIndexed: Bool) throws {
        variant = isIndexed ? "key+index" : ""
        self.rows = rows
        payload = ClientPayloads.firstRows(rows)
        table = try ClientRow.table(isIndexed: isIndexed)
    }

    func prepare(pass: Int) throws {
        let (server, client) = try ScriptedServer.connectedClient()
        _ = client.table(table)
        connected = (server, client)
    }

    func run(pass: Int) throws -> PassResult {
        guard let connected else { throw BenchError.system("nobody is connected") }
        connected.server.say(payload)
        connected.client.tick(1)
        return PassResult(operations: rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        for row in try connected?.client.table(table).rows() ?? [] { digest.add(row.id, Int64(row.x)) }
        return digest.value
    }
}

/// Updates of rows that are in the cache, a hundred in a transaction.
final class KitRowUpdates: Contestant {
    static let rowsPerMessage = 100
    let system = "spacetimekit"
    let variant = "key+index"
    private let rows: Int
    private let table: TableDescription<ClientRow>
    private let connected: (server: ScriptedServer, client: DatabaseClient)
    private var payloads: [[UInt8]] = []

    init(rows: Int) throws {
        self.rows = rows
        table = try ClientRow.table(isIndexed: true)
        connected = try ScriptedServer.connectedClient()
        _ = connected.client.table(table)
        connected.server.say(ClientPayloads.firstRows(rows))
        connected.client.tick(1)
    }

    func prepare(pass: Int) throws { payloads = RowUpdates.payloads(rows: rows, pass: pass) }

    func run(pass: Int) throws -> PassResult {
        for payload in payloads { connected.server.say(payload) }
        connected.client.tick(payloads.count)
        return PassResult(operations: rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        for row in try connected.client.table(table).rows() { digest.add(row.id, Int64(row.x)) }
        return digest.value
    }
}

enum RowUpdates {
    static func payloads(rows: Int, pass: Int) -> [[UInt8]] {
        stride(from: 0, to: rows, by: KitRowUpdates.rowsPerMessage).map { start in
            ClientPayloads.update(
                UInt64(start)..<UInt64(min(start + KitRowUpdates.rowsPerMessage, rows)), from: pass)
        }
    }
}

/// Decodes the same messages, looks at each new row, and keeps nothing.
final class LimitRows: Contestant {
    let system = "limit"
    private let rows: Int
    private let isUpdate: Bool
    private var payloads: [[UInt8]] = []

    init(rows: Int, isUpdate: Bool) {
        self.rows = rows
        self.isUpdate = isUpdate
        if !isUpdate { payloads = [ClientPayloads.firstRows(rows)] }
    }

    func prepare(pass: Int) throws {
        if isUpdate { payloads = RowUpdates.payloads(rows: rows, pass: pass) }
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        var scratch = BSATNWriter()
        for payload in payloads {
            try ServerPayload.withBody(
                of: payload.span.bytes, limits: .forClients, decompressor: NoCompression(), scratch: &scratch
            ) { (body) throws(ProtocolError) in
                var reader = try V2.ServerMessageReader(body, isBatched: true, limits: .forClients)
                while let message = try reader.next() {
                    switch message {
                    case .subscribeApplied(_, _, let tables): for table in tables { Self.add(table.rows, to: &digest) }
                    case .transactionUpdate(let sets):
                        for change in sets.lazy.flatMap(\.tables).flatMap(\.changes) {
                            if case .persistent(let inserts, _) = change { Self.add(inserts, to: &digest) }
                        }
                    default: break
                    }
                }
            }
        }
        return PassResult(operations: rows, digest: digest.value)
    }

    private static func add(_ rows: RowList, to digest: inout Digest) {
        rows.data.withUnsafeBytes { bytes in
            func look(_ start: Int) {
                digest.add(
                    bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self),
                    Int64(bytes.loadUnaligned(fromByteOffset: start + 12, as: Int32.self)))
            }
            switch rows.sizeHint {
            case .rowOffsets(let offsets): for offset in offsets { look(Int(offset)) }
            case .fixedSize(let size): for start in stride(from: 0, to: bytes.count, by: Int(size)) { look(start) }
            }
        }
    }
}

/// All rows of a cache as values.
final class KitCachedReads: Contestant {
    let system = "spacetimekit"
    private let rows: Int
    private let table: CachedTable<ClientRow>
    private let connected: (server: ScriptedServer, client: DatabaseClient)

    init(rows: Int) throws {
        self.rows = rows
        connected = try ScriptedServer.connectedClient()
        table = connected.client.table(try ClientRow.table(isIndexed: true))
        connected.server.say(ClientPayloads.firstRows(rows))
        connected.client.tick(1)
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for row in try table.rows() { digest.add(row.id, Int64(row.x)) }
        return PassResult(operations: rows, digest: digest.value)
    }
}

/// The same values out of one piece of memory.
final class LimitRowValues: Contestant {
    let system = "limit"
    private let rows: Int
    private let bytes: [UInt8]

    init(rows: Int) {
        self.rows = rows
        var writer = BSATNWriter()
        for id in 0..<UInt64(rows) { ClientRow(id: id, version: 0).encode(to: &writer) }
        bytes = writer.toArray()
    }

    func run(pass: Int) throws -> PassResult {
        let bytes = bytes
        var values: [ClientRow] = []
        var reader = BSATNReader(bytes.span.bytes)
        for _ in 0..<rows { values.append(try ClientRow(from: &reader)) }
        var digest = Digest()
        for row in values { digest.add(row.id, Int64(row.x)) }
        return PassResult(operations: rows, digest: digest.value)
    }
}

// MARK: - Calls

@Table(.public)
private struct Counter {
    @PrimaryKey var id: UInt32
    var value: UInt64
}

@Module
private enum Counting {
    static let tables = Tables(Counter.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        try context.db.counter.insert(Counter(id: 1, value: 0))
    }

    @Reducer static func count(_ context: borrowing Context, by step: UInt64) throws {
        try context.db.counter.id.update(1) { $0.value += step }
    }
}

/// Calls of a client in the same program whose cache follows them.
final class KitClientCalls: Contestant {
    enum Kind: String {
        /// One after the other.
        case single = "client"
        /// All of a pass under way at once.
        case pipelined = "client-pipelined"
        /// One after the other, each shown before it is answered.
        case predicted = "client-predicted"
    }

    let system: String
    let variant: String
    private let calls: Int
    private let kind: Kind
    private let client: DatabaseClient

    /// - Parameter isLimit: whether something else is compared with these.
    init(calls: Int, kind: Kind, isLimit: Bool = false) throws {
        system = isLimit ? "limit" : "spacetimekit"
        variant = kind.rawValue
        self.calls = calls
        self.kind = kind
        let database = try Database.open(.inMemory, module: Counting.self)
        client = try waiting {
            var options = ClientOptions()
            options.requestLimit = .max
            let client = try await DatabaseClient.connect(to: database, as: "bench", options: options)
            try await client.subscribe(Counter.all)
            return client
        }
    }

    func run(pass: Int) throws -> PassResult {
        let (client, calls, kind) = (client, calls, kind)
        try waiting {
            switch kind {
            case .single:
                for _ in 0..<calls { try await client.call(Counting.count, 1) }
                return
            case .predicted:
                for _ in 0..<calls { try await client.predict(Counting.count, 1) }
                return
            case .pipelined: break
            }
            let (ends, end) = AsyncStream.makeStream(of: Void.self)
            let left = Mutex(calls)
            for _ in 0..<calls {
                try client.post(Counting.count, 1) { _ in
                    let isLast = left.withLock { left in
                        left -= 1
                        return left == 0
                    }
                    if isLast { end.finish() }
                }
            }
            for await _ in ends {}
        }
        return PassResult(operations: calls, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try client.table(Counter.self).rows().reduce(0) { $0 + $1.value }
    }
}

/// The same calls, without a client: what the messages come on top of.
final class LimitClientCalls: Contestant {
    let system = "limit"
    private let calls: Int
    private let database: Database<Counting>

    init(calls: Int) throws {
        self.calls = calls
        database = try Database.open(.inMemory, module: Counting.self)
    }

    func run(pass: Int) throws -> PassResult {
        for _ in 0..<calls { try database.call(Counting.count, 1) }
        return PassResult(operations: calls, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try database.read { $0.counter.id.find(1)?.value ?? 0 }
    }
}

/// The memory of rows in a client's cache.
enum ClientMemory {
    static func subject(isIndexed: Bool) -> MemorySubject {
        MemorySubject(system: "client", variant: isIndexed ? "key+index" : "bytes") { count in
            let (server, client) = try ScriptedServer.connectedClient()
            _ = client.table(try ClientRow.table(isIndexed: isIndexed))
            server.say(ClientPayloads.firstRows(count))
            client.tick(1)
            return Filled(server: server, client: client)
        }
    }

    private final class Filled {
        let server: ScriptedServer
        let client: DatabaseClient

        init(server: ScriptedServer, client: DatabaseClient) {
            self.server = server
            self.client = client
        }
    }
}

extension Benches {
    /// What a client does with what it is told, and with calls.
    var client: [Group] {
        [
            Group(
                bench: "client", part: "first-rows",
                workload: "\(sizes.rows) rows of five columns from one message into a cache; cost per row"
            ) { [sizes] in
                [
                    try KitFirstRows(rows: sizes.rows, isIndexed: false),
                    try KitFirstRows(rows: sizes.rows, isIndexed: true),
                    LimitRows(rows: sizes.rows, isUpdate: false),
                ]
            },
            Group(
                bench: "client", part: "updates",
                workload:
                    "each of \(min(sizes.rows, 100_000)) cached rows replaced, \(KitRowUpdates.rowsPerMessage) a message; cost per row"
            ) { [sizes] in
                let rows = min(sizes.rows, 100_000)
                return [try KitRowUpdates(rows: rows), LimitRows(rows: rows, isUpdate: true)]
            },
            Group(
                bench: "client", part: "reads",
                workload: "\(min(sizes.rows, 100_000)) cached rows as values; cost per row"
            ) { [sizes] in
                let rows = min(sizes.rows, 100_000)
                return [try KitCachedReads(rows: rows), LimitRowValues(rows: rows)]
            },
            Group(
                bench: "client", part: "calls",
                workload: "calls that change a row which the client watches, in one process, without a socket"
            ) { [sizes] in
                let calls = max(1, sizes.callsPerPass / 10)
                return [
                    try KitClientCalls(calls: calls, kind: .pipelined),
                    try KitClientCalls(calls: calls, kind: .single),
                    try LimitClientCalls(calls: calls),
                ]
            },
            Group(
                bench: "client", part: "predictions",
                workload: "the same calls, shown before they are answered; the limit are those that are not"
            ) { [sizes] in
                let calls = max(1, sizes.callsPerPass / 10)
                return [
                    try KitClientCalls(calls: calls, kind: .predicted),
                    try KitClientCalls(calls: calls, kind: .single, isLimit: true),
                ]
            },
        ]
    }
}
