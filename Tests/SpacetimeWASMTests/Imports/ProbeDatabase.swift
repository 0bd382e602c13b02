import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import SpacetimeWASM
import Testing

@testable import SpacetimeHost

/// A database that runs the probe, with three items in it and a client that has a token.
final class ProbeDatabase {
    static let token = #"{"iss":"localhost","sub":"tester"}"#

    let core: DatabaseCore
    let clock = VirtualClock()
    let http = StubHTTP { request in
        guard request.url.hasPrefix("http://there.example") else {
            throw DatabaseError(.httpFailure, "error sending request for url (\(request.url))")
        }
        return HTTP.Response(status: 203, headers: ["x-method": request.method.name], body: request.body.reversed())
    }
    let client: Caller

    /// Where a program runs.
    enum Place: String, Sendable, CaseIterable {
        case reducer, procedure, handler, ownView, everybodysView, connect
    }

    init() throws {
        var options = OpeningOptions(name: "probe")
        options.clock = clock
        options.seed = 1
        options.procedures.http = http
        core = try DatabaseCore.open(.memory, module: GuestPrograms.load("probe").makeHost(), options: options).core
        client = try core.connections.connect(.local("tester"), credentials: Self.token)
        var program = ProbeProgram()
        for (owner, name) in [(7, "a"), (7, "b"), (9, "c")] as [(UInt32, String)] {
            program.insert(owner, name)
        }
        let outcome = try run(program)
        try #require(outcome.results.allSatisfy { $0 == 0 })
    }

    // MARK: Running programs

    /// Runs a program in a reducer.
    @discardableResult
    func run(_ program: ProbeProgram) throws -> ProbeOutcome {
        try core.runner.call("probe", arguments: program.bytes.bsatn(), as: client)
        return try lastOutcome()
    }

    func run(_ program: ProbeProgram, in place: Place) async throws -> ProbeOutcome {
        var program = program
        switch place {
        case .reducer: return try run(program)
        case .procedure:
            program.said = nil
            let value = try await core.procedures.call("act", arguments: program.bytes.bsatn(), as: client)
            return try ProbeOutcome([UInt8](bsatn: value))
        case .handler:
            program.said = nil
            let response = await core.handle(HTTP.Request(.post, "http://host.example/web", body: program.bytes))
            guard response.status == 200 else { throw DatabaseError(.moduleFailure, "status \(response.status)") }
            return try ProbeOutcome(response.body)
        case .connect:
            try keep(program, as: "connect")
            try connect("visitor")
            return try lastOutcome()
        case .ownView, .everybodysView:
            // An array without rows.
            program.said = [0, 0, 0, 0]
            let name = place == .ownView ? "own" : "everybodys"
            try keep(program, as: name)
            try evaluate(name)
            return try lastOutcome()
        }
    }

    /// Keeps a program for functions that take no arguments.
    func keep(_ program: ProbeProgram, as name: String) throws {
        try core.runner.call("keep", arguments: name.bsatn() + program.bytes.bsatn(), as: client)
    }

    /// Has a view evaluated, on behalf of the client.
    func evaluate(_ view: String) throws {
        let position = try #require(core.catalog.schema.views.firstIndex { $0.name == view })
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        _ = try core.runner.evaluate(
            position, arguments: [], for: view == "own" ? client : nil,
            in: TransactionReference(runner: core.runner, serial: serial))
    }

    /// The rows of a view, as a client gets them who subscribes to it.
    func rows(ofView view: String) throws -> [[UInt8]] {
        let session = Session(client, outlet: nil, queueLimit: 10)
        let queries = try core.sessions.texts.queries(["SELECT * FROM \(view)"], as: client)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        defer { core.sessions.end(session) }
        guard case .subscribed(let first)? = session.queue.nextAvailable() else {
            throw DatabaseError(.invalidQuery, "the view was not handed over")
        }
        var rows: [[UInt8]] = []
        first.rows[0].inserts.forEach { rows.append(Array($0)) }
        return rows
    }

    /// What came of the last program that told it in the log.
    func lastOutcome() throws -> ProbeOutcome {
        let line = try #require(core.log.last().last { $0.target == "probe" })
        return try ProbeOutcome(hexadecimal: line.message)
    }

    @discardableResult
    func connect(_ name: String) throws -> Caller { try core.connections.connect(.local(name), credentials: "") }

    // MARK: What is there

    func table(_ name: String) throws -> UInt32 { try #require(core.catalog.tableID(named: name)).rawValue }
    func index(_ name: String) throws -> UInt32 { try #require(core.catalog.indexID(named: name)).rawValue }

    /// The names of all items.
    func items() throws -> [String] {
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        var names: [String] = []
        let table = try #require(core.catalog.tableID(named: "item"))
        try TransactionReference(runner: core.runner, serial: serial).scan(table).forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            _ = (try? reader.readU64(), try? reader.readU32())
            names.append((try? reader.readString()) ?? "?")
        }
        return names.sorted()
    }
}

extension ProbeProgram {
    /// Looks up a table or an index.
    ///
    /// - Returns: where its number is to be found.
    @discardableResult
    mutating func find(_ call: String, _ name: String) -> Int {
        let text = place(Array(name.utf8))
        let out = room()
        self.call(call, .address(text), .number(UInt64(name.utf8.count)), .address(out))
        return out
    }

    mutating func table(_ name: String) -> Argument { .loaded(find("table_id_from_name", name)) }
    mutating func index(_ name: String) -> Argument { .loaded(find("index_id_from_name", name)) }

    /// Places a row, and how long it is.
    mutating func row(_ bytes: [UInt8]) -> (row: Argument, length: Argument) {
        (.address(place(bytes)), .address(place(UInt32(bytes.count).bsatn())))
    }

    static func item(_ id: UInt64, _ owner: UInt32, _ name: String) -> [UInt8] {
        id.bsatn() + owner.bsatn() + name.bsatn()
    }

    mutating func insert(_ owner: UInt32, _ name: String, id: UInt64 = 0) {
        let table = table("item")
        let (row, length) = row(Self.item(id, owner, name))
        call("datastore_insert_bsatn", table, row, length)
    }
}
