import ChatModule
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Testing

@testable import SpacetimeHost
@testable import SpacetimeKit

/// The languages that a module is written in.
enum Form: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case swift, c, rust

    var testDescription: String { rawValue }
    static let guests: [Form] = [.c, .rust]
}

/// The modules that exist in all of them.
enum Twin: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case chat, transfer

    var testDescription: String { rawValue }

    func host(_ form: Form) throws -> any ModuleHost {
        switch (self, form) {
        case (.chat, .swift): Chat.wholeContent.host
        case (.transfer, .swift): Bank.wholeContent.host
        default: try GuestPrograms.load("\(rawValue)-\(form.rawValue)").makeHost()
        }
    }
}

/// A database that is driven by names and bytes, as clients do it, whatever language its module is written in; and that tells
/// in words what comes of it.
final class TwinDatabase {
    let core: DatabaseCore
    let clock = VirtualClock()
    private var clients: [Caller] = []
    private var watchers: [Session] = []

    convenience init(_ twin: Twin, _ form: Form, seed: UInt64 = 1) throws {
        try self.init(twin.host(form), name: twin.rawValue, seed: seed)
    }

    init(_ host: any ModuleHost, name: String, seed: UInt64, http: (any HTTPExecutor)? = nil) throws {
        var options = OpeningOptions(name: name)
        options.clock = clock
        options.seed = seed
        if let http { options.procedures.http = http }
        core = try DatabaseCore.open(.memory, module: host, options: options).core
    }

    // MARK: Doing

    /// Calls a reducer.
    ///
    /// - Parameter client: its place among those that came; nil for the owner.
    func call(_ reducer: String, _ arguments: [UInt8], as client: Int? = nil) throws {
        try core.runner.call(reducer, arguments: arguments, as: client.map { clients[$0] } ?? core.owner)
    }

    /// Calls a procedure.
    func callProcedure(_ name: String, _ arguments: [UInt8], as client: Int) async throws -> [UInt8] {
        try await core.procedures.call(name, arguments: arguments, as: clients[client])
    }

    /// Lets time pass, in steps so small that no two things are due in the same one, and what is due run to its end.
    ///
    /// - Parameter count: how many steps.
    func wait(steps count: Int) async {
        for _ in 0..<count {
            clock.advance(by: Self.step)
            await core.procedures.settle()
        }
    }

    static let step = Duration.milliseconds(50)

    /// - Returns: the client's place.
    @discardableResult
    func connect(_ name: String) throws -> Int {
        clients.append(try core.connections.connect(.local(name), credentials: ""))
        return clients.count - 1
    }

    func disconnect(_ client: Int) throws -> (any Error)? { try core.connections.disconnect(clients[client]) }

    /// Watches a query. What comes of it is in ``news()``.
    func watch(_ query: String, as client: Int) throws {
        let session = Session(clients[client], outlet: nil, queueLimit: 10_000)
        let queries = try core.sessions.texts.queries([query], as: session.caller)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        watchers.append(session)
    }

    // MARK: Telling

    /// All rows of a table, in the order of their bytes.
    func rows(_ table: String) throws -> [[UInt8]] {
        let id = try #require(core.catalog.tableID(named: table))
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        var rows: [[UInt8]] = []
        try TransactionReference(runner: core.runner, serial: serial).scan(id).forEach { rows.append(Array($0)) }
        return rows.sorted { $0.lexicographicallyPrecedes($1) }
    }

    func count(_ table: String) throws -> Int { try rows(table).count }

    /// Everything that the module stores.
    func allRows() throws -> [String: [[UInt8]]] {
        try Dictionary(uniqueKeysWithValues: core.catalog.schema.tables.map { ($0.name, try rows($0.name)) })
    }

    /// What watchers were told since they were asked last.
    func news() -> [String] {
        watchers.enumerated().flatMap { number, session in
            var news: [String] = []
            while let event = session.queue.nextAvailable() { news.append("\(number): \(Self.describe(event))") }
            return news
        }
    }

    private static func describe(_ event: SessionEvent) -> String {
        switch event {
        case .subscribed(let first): "begins at \(first.offset) with \(first.rows.map(describe))"
        case .update(let update): "\(update.offset) changes \(update.changes.map { describe($0.delta) })"
        default: "\(event)"
        }
    }

    private static func describe(_ delta: SharedDelta) -> String {
        var (deletes, inserts): ([[UInt8]], [[UInt8]]) = ([], [])
        delta.deletes.forEach { deletes.append(Array($0)) }
        delta.inserts.forEach { inserts.append(Array($0)) }
        return "\(deletes.sorted { $0.lexicographicallyPrecedes($1) }) to "
            + "\(inserts.sorted { $0.lexicographicallyPrecedes($1) })"
    }

    /// The lines that the module wrote, and those about it. Of arguments that are none they say no more than that, as it is found
    /// out in different ways.
    var lines: [String] {
        core.log.last().map { line in
            let words = line.message.split(separator: "failed: the arguments are not what", maxSplits: 1)
            return "\(line.level.name) \(words.count > 1 ? words[0] : line.message[...])"
        }
    }

    /// An error as its caller sees it. Of the database's own the text may differ: a guest's arguments are looked at by
    /// another hand.
    static func describe(_ error: any Error) -> String {
        (error as? DatabaseError).map { "the database: \($0.code)" } ?? "\(error)"
    }
}
