import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

/// A row of the tests' table.
struct Item: SpacetimeType, Hashable {
    var id: UInt32
    var owner: UInt32
    var text: String

    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "Item") { types in
            .product([
                ("id", UInt32.algebraicType(in: &types)), ("owner", UInt32.algebraicType(in: &types)),
                ("text", String.algebraicType(in: &types)),
            ])
        }
    }

    init(id: UInt32, owner: UInt32, text: String) {
        self.id = id
        self.owner = owner
        self.text = text
    }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        id = try UInt32(from: &reader)
        owner = try UInt32(from: &reader)
        text = try String(from: &reader)
    }

    func encode(to writer: inout BSATNWriter) {
        id.encode(to: &writer)
        owner.encode(to: &writer)
        text.encode(to: &writer)
    }
}

/// The tests' table: with a primary key, an index, one over two columns, and a column that has none of its own.
func itemTable() throws -> TableDescription<Item> {
    try TableDescription(Item.self, name: "item", primaryKey: "id", indexes: ["owner", ["text", "owner"]])
}

/// Queries that the model of a server understands.
enum ItemQuery: Hashable {
    case all
    case owner(UInt32)
    case noise

    var text: String {
        switch self {
        case .all: "SELECT * FROM item"
        case .owner(let owner): "SELECT * FROM item WHERE owner = \(owner)"
        case .noise: "SELECT * FROM noise"
        }
    }

    init?(_ text: String) {
        let prefix = "SELECT * FROM item WHERE owner = "
        switch text {
        case "SELECT * FROM item": self = .all
        case "SELECT * FROM noise": self = .noise
        case _ where text.hasPrefix(prefix):
            guard let owner = UInt32(text.dropFirst(prefix.count)) else { return nil }
            self = .owner(owner)
        default: return nil
        }
    }

    func matches(_ item: Item) -> Bool {
        switch self {
        case .all: true
        case .owner(let owner): item.owner == owner
        case .noise: false
        }
    }
}

/// A payload of a server, as it comes over the wire.
func payload(_ messages: [V2.ServerMessage]) -> [UInt8] { payload(messages.map { .common($0) }) }

/// The same for a client that asked for offsets: the last one stands at the end.
func payload(_ messages: [V3.ServerMessage]) -> [UInt8] {
    var writer = BSATNWriter()
    writer.write(Compression.none.rawValue)
    var reached: V3.ServerMessage?
    for message in messages {
        if case .reached = message { reached = message } else { message.encode(to: &writer) }
    }
    reached?.encode(to: &writer)
    return writer.toArray()
}

/// A core and a server, in virtual time, with what lies between them; and what somebody has who only listens.
final class Bench {
    var core: ClientCore
    var server = ModelServer()
    var now = Duration.zero
    /// The rows that somebody has who puts together what is told.
    var mirror: Set<Item> = []
    var noises = 0
    var outcomes: [UInt32: RequestOutcome] = [:]
    var events: [ClientEvent] = []
    var closes: [UInt16] = []

    init(seed: UInt64 = 1, _ change: (inout ClientOptions) -> Void = { _ in }) throws {
        var options = ClientOptions()
        options.seed = seed
        options.tables = [try itemTable().layout]
        change(&options)
        core = ClientCore(
            address: try ServerAddress("ws://localhost:3000"), database: "items", token: nil, options: options,
            compression: .none, decompressor: NoCompression())
        for name in ["item", "noise"] { core.cache.table(name).isWatched = true }
    }

    /// Does what the core wants, and checks what it tells.
    func settle() throws {
        // What is told must be true whenever it is: it is put together before the actions make new events.
        for event in core.takeEvents() { try take(event) }
        for action in core.takeActions() {
            switch action {
            case .open(let number, let opening):
                server.greet(wantsOffsets: opening.wantsOffsets)
                core.opened(number, .v3, now: now)
            case .send(_, let payload): try server.receive(payload)
            case .close(_, let code, _): closes.append(code)
            case .abandon: break
            }
        }
        for event in core.takeEvents() { try take(event) }
        let cached = try cached()
        #expect(mirror == cached)
    }

    private func take(_ event: ClientEvent) throws {
        events.append(event)
        switch event {
        case .changed(let changes):
            for changes in changes {
                if changes.table == "noise" {
                    noises += changes.inserted.count
                    #expect(changes.deleted.isEmpty && changes.updated.new.isEmpty)
                } else {
                    apply(try RowChanges(changes))
                }
            }
        case .finished(let number, let outcome):
            #expect(outcomes[number] == nil, "request \(number) was answered twice")
            outcomes[number] = outcome
        default: break
        }
    }

    private func apply(_ changes: RowChanges<Item>) {
        for row in changes.deleted { #expect(mirror.remove(row) != nil, "\(row) went, and was not there") }
        for (old, new) in changes.updated {
            #expect(old.id == new.id && old != new, "\(old) became \(new)")
            #expect(mirror.remove(old) != nil, "\(old) was updated, and was not there")
            #expect(mirror.insert(new).inserted, "\(new) came, and was there already")
        }
        for row in changes.inserted {
            #expect(mirror.insert(row).inserted, "\(row) came, and was there already")
            #expect(!changes.deleted.contains { $0.id == row.id }, "\(row) is an update")
        }
    }

    var phase: ClientCore.Phase { core.phase }
    var isOpen: Bool { core.isOpen }

    /// How many queries deliver an item.
    func references(_ item: Item) -> Int {
        item.bsatn().withUnsafeBytes { core.cache["item"]?.store.references($0) ?? 0 }
    }

    /// The rows that are seen, which must be the same by every way that leads to them.
    func cached() throws -> Set<Item> {
        var rows: Set<Item> = []
        guard let table = core.cache["item"] else { throw Unexpected() }
        try table.forEach { reader throws(BSATNError) in rows.insert(try Item(from: &reader)) }
        #expect(rows.count == table.count)
        for row in rows {
            var found: [Item] = []
            try table.forEach(CacheSearch(columns: [0], key: [row.id.bsatn()])) { reader throws(BSATNError) in
                found.append(try Item(from: &reader))
            }
            #expect(found == [row])
            var alike: Set<Item> = []
            let key = [row.owner.bsatn(), row.text.bsatn()]
            try table.forEach(CacheSearch(columns: [1, 2], key: key)) { reader throws(BSATNError) in
                alike.insert(try Item(from: &reader))
            }
            #expect(alike == rows.filter { $0.owner == row.owner && $0.text == row.text })
        }
        for owner in 0..<3 as Range<UInt32> {
            var found: Set<Item> = []
            try table.forEach(CacheSearch(columns: [1], key: [owner.bsatn()])) { reader throws(BSATNError) in
                found.insert(try Item(from: &reader))
            }
            #expect(found == rows.filter { $0.owner == owner })
        }
        return rows
    }

    /// The server's next messages arrive, so many in one frame.
    func deliver(_ count: Int = 1) throws {
        let messages = server.takeFrame(count)
        guard !messages.isEmpty else { return }
        core.received(core.connection, payload(messages), now: now)
        try settle()
    }

    func deliverAll() throws {
        while !server.outbox.isEmpty { try deliver() }
    }

    func connect() throws {
        core.connect(now: now)
        try settle()
        try deliver()
    }

    /// The connection is cut: what is under way in either direction is lost.
    func cut() throws {
        server.drop()
        core.closed(core.connection, TransportEnd(), now: now)
        try settle()
    }

    /// Time passes until the core wants to do something.
    func wait() throws {
        guard let deadline = core.deadline else { return }
        now = deadline
        core.timeReached(now: now)
        try settle()
    }
}
