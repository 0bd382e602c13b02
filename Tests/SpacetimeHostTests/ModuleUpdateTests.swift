import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeHost

/// Replacing the module of a running database.
@Suite struct ModuleUpdateTests {
    // MARK: Modules

    /// Versions of a module with items, and whatever a test adds.
    private struct Version {
        /// What `add` puts before each name.
        var prefix = ""
        var access = RawTableAccess.public
        var extraTable = false
        var extraColumn = false
        var itemsTable = true
        var extraIndex = false
        var views: [ByteModule.View] = []
        var rules: [String] = []
        var lifecycle: [(Lifecycle, ByteModule.Body)] = []
        var reversesReducers = false

        func module() -> ByteModule {
            var tables: [RawTableDefV10] = []
            var types: [AlgebraicType] = [
                .product(
                    [("id", .u64), ("name", .string)] + (extraColumn ? [("level", .u32)] : [])),
                .product([("number", .u32)]), .product([("text", .string)]),
            ]
            if itemsTable {
                var table = ByteModule.itemTable
                table.tableAccess = access
                if extraColumn {
                    table.defaultValues = [RawColumnDefaultValue(column: 2, value: UInt32(7).bsatn())]
                }
                if extraIndex {
                    table.indexes.append(
                        RawIndexDef(sourceName: "item_name_idx_btree", accessorName: "name", algorithm: .btree([1])))
                }
                tables.append(table)
            } else {
                types[0] = .product([("number", .u64)])
            }
            if extraTable { tables.append(RawTableDefV10(sourceName: "extra", productTypeRef: 1)) }
            if tables.isEmpty { tables.append(RawTableDefV10(sourceName: "other", productTypeRef: 1)) }
            let prefix = prefix
            let tail: [UInt8] = extraColumn ? UInt32(1).bsatn() : []
            var reducers:
                [(name: String, parameters: [(String, AlgebraicType)], lifecycle: Lifecycle?, body: ByteModule.Body)] =
                    [
                        (
                            "add", [("name", .string)], nil,
                            { transaction, reader in
                                let name = prefix + (try reader.readString())
                                let row = UInt64(0).bsatn() + name.bsatn() + tail
                                let table = try transaction.table(named: "item")
                                try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                            }
                        ),
                        ("nothing", [], nil, { _, _ in }),
                    ]
            for (lifecycle, body) in lifecycle { reducers.append(("on_\(lifecycle)", [], lifecycle, body)) }
            if reversesReducers { reducers.reverse() }
            return ByteModule(tables: tables, types: types, rules: rules, views: views, reducers: reducers)
        }
    }

    /// A view of all names, each with something behind it.
    private static func names(_ suffix: String, fails: Bool = false) -> ByteModule.View {
        ByteModule.View(
            name: "names", isAnonymous: true, returnType: .array(.ref(2)),
            body: { transaction, _ in
                if fails { throw SenderError("the view fails") }
                let bytes = try transaction.scan(transaction.table(named: "item")).readAll()
                var reader = BSATNReader(bytes.span.bytes)
                var rows: [[UInt8]] = []
                while reader.remaining > 0 {
                    _ = try reader.readU64()
                    rows.append((try reader.readString() + suffix).bsatn())
                }
                return .rows(UInt32(rows.count).bsatn() + rows.flatMap(\.self))
            })
    }

    private func options() -> OpeningOptions {
        var options = OpeningOptions(name: "test")
        options.owner = testOwner
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        return options
    }

    private func program(_ text: String) -> ModuleProgram { ModuleProgram(.webAssembly, Array(text.utf8)) }

    private func start(_ version: Version) throws -> DatabaseCore {
        try DatabaseCore.publish(program("v1"), as: version.module(), at: .memory, options: options()).core
    }

    @discardableResult
    private func update(
        _ core: DatabaseCore, to version: Version, _ name: String = "v2", breaks: Bool = false
    ) throws -> DatabaseCore {
        try update(core, to: version.module(), name, breaks: breaks)
    }

    private func update(
        _ core: DatabaseCore, to module: ByteModule, _ name: String = "v2", breaks: Bool = false
    ) throws -> DatabaseCore {
        let update = try ModuleUpdate(of: core, to: module, program: program(name), options: options())
        try update.prepare(mayBreakClients: breaks)
        var published: DatabaseCore?
        let (new, _) = try update.commit { published = $0 }
        #expect(published === new)
        return new
    }

    private func add(_ name: String, to core: DatabaseCore) throws {
        try core.runner.call("add", arguments: name.bsatn(), as: core.owner)
    }

    private func item(_ id: UInt64, _ name: String) -> [UInt8] { id.bsatn() + name.bsatn() }

    // MARK: Clients that come back

    /// Another connection of a client that has gone, which asks for all items.
    private func comeBack(to core: DatabaseCore, as old: FakeSession, since: ResumePoint) throws -> FakeSession {
        let client = FakeSession(core, follows: true, tellsOffsets: true)
        client.take(rowsOf: old)
        let set = QuerySetID(1)
        let list = try core.sessions.texts.queries(["SELECT * FROM item"], as: client.session.caller)
        let refused = try core.sessions.change(
            client.session, leaving: [], joining: [(set, list)], since: [set: since])
        #expect(refused.isEmpty)
        client.pull()
        return client
    }

    private func point(_ client: FakeSession, in core: DatabaseCore) -> ResumePoint {
        client.pull()
        return ResumePoint(
            history: core.catalog.history(for: client.session.caller.identity),
            offset: client.events.compactMap(\.offset).max() ?? TxOffset(0))
    }

    /// What it has may be rows of other columns.
    @Test func whoComesBackToAnotherModuleBeginsAnew() throws {
        let core = try start(Version())
        try add("a", to: core)
        let (gone, stays) = (
            FakeSession(core, follows: true, tellsOffsets: true), FakeSession(core, follows: true, tellsOffsets: true)
        )
        for client in [gone, stays] { try client.subscribe(1, "SELECT * FROM item") }
        let since = point(gone, in: core)
        core.sessions.end(gone.session)
        let new = try update(core, to: Version(prefix: "new "))
        #expect(new.catalog.history != core.catalog.history)
        try add("b", to: new)
        let client = try comeBack(to: new, as: gone, since: since)
        #expect(client.resumed.isEmpty)
        #expect(client.rows(1) == [item(1, "a"), item(2, "new b")])
    }

    @Test func whoStaysGoesOnInTheHistoryOfTheNewModule() throws {
        let core = try start(Version())
        try add("a", to: core)
        let client = FakeSession(core, follows: true, tellsOffsets: true)
        try client.subscribe(1, "SELECT * FROM item")
        let new = try update(core, to: Version(prefix: "new "))
        client.sessions = new.sessions
        try add("b", to: new)
        let since = point(client, in: new)
        new.sessions.end(client.session)
        try add("c", to: new)
        let back = try comeBack(to: new, as: client, since: since)
        #expect(back.resumed == [1])
        #expect(back.rows(1) == [item(1, "a"), item(2, "new b"), item(3, "new c")])
    }

    // MARK: Code

    @Test func newCodeRunsOverTheSameRows() throws {
        let core = try start(Version())
        try add("a", to: core)
        let new = try update(core, to: Version(prefix: "new "))
        try add("b", to: new)
        #expect(try new.rows(of: new.items) == [item(1, "a"), item(2, "new b")])
        #expect(new.catalog.identity == core.catalog.identity)
        #expect(new.catalog.stored.program == StoredProgram(program("v2")))
        try new.runner.checkInvariants()
    }

    @Test func theOldCoreTurnsEverybodyAway() throws {
        let core = try start(Version())
        try update(core, to: Version(prefix: "new "))
        let attempts: [() throws -> Void] = [
            { try core.runner.call("add", arguments: "x".bsatn(), as: core.owner) },
            { _ = try core.runner.snapshot() }, { _ = try core.connections.connect(testOwner, credentials: "{}") },
            { _ = try core.statements.run(Statements.Request("SELECT * FROM item", as: core.owner)) },
            { try FakeSession(core).subscribe(1, "SELECT * FROM item") },
        ]
        for attempt in attempts {
            let error = #expect(throws: DatabaseError.self) { try attempt() }
            #expect(error?.code == .moduleReplaced)
        }
        #expect(try core.sessions.batchIfFree(by: FakeSession(core).session) == nil)
    }

    @Test func reducersMayStandElsewhere() throws {
        let core = try start(Version())
        let new = try update(core, to: Version(reversesReducers: true))
        try add("a", to: new)
        #expect(try new.rows(of: new.items) == [item(1, "a")])
    }

    @Test func initIsNotRunAgain() throws {
        let count = Mutex(0)
        let lifecycle: [(Lifecycle, ByteModule.Body)] = [(.onInit, { _, _ in count.withLock { $0 += 1 } })]
        let core = try start(Version(lifecycle: lifecycle))
        try update(core, to: Version(extraTable: true, lifecycle: lifecycle))
        #expect(count.withLock { $0 } == 1)
    }

    @Test func numbersAndIdsGoOn() throws {
        let core = try start(Version())
        for name in ["a", "b"] { try add(name, to: core) }
        let first = try core.connections.connect(testOwner, credentials: "{}")
        let new = try update(core, to: Version())
        try add("c", to: new)
        #expect(try new.rows(of: new.items).last == item(3, "c"))
        // Ids are drawn anew, not once more, and the connection is still one.
        let second = try new.connections.connect(testOwner, credentials: "{}")
        #expect(first.connection != second.connection)
        #expect(try new.rows(of: new.catalog.systemTables.client).count == 2)
        try new.connections.disconnect(first)
        #expect(try new.rows(of: new.catalog.systemTables.client).count == 1)
    }

    @Test func manyUpdatesFollowEachOther() throws {
        var core = try start(Version(views: [Self.names("0")]))
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM names")
        for number in 1...20 {
            core = try update(
                core, to: Version(extraTable: number > 10, views: [Self.names(" of \(number)")]), "v\(number + 1)")
            client.sessions = core.sessions
            try add("\(number + 100)", to: core)
            #expect(client.rows(1) == (1...number).map { "\($0 + 100) of \(number)".bsatn() })
        }
        try core.runner.checkInvariants()
    }

    // MARK: Tables

    @Test func tablesAreAdded() throws {
        let core = try start(Version())
        try add("a", to: core)
        let new = try update(core, to: Version(extraTable: true))
        #expect(try new.rows(of: new.items) == [item(1, "a")])
        #expect(new.catalog.tableID(named: "extra") != nil)
        try new.runner.checkInvariants()
    }

    @Test func columnsAreAddedIfClientsMayBreak() throws {
        let core = try start(Version())
        try add("a", to: core)
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM item")
        client.pull()
        let update = try ModuleUpdate(
            of: core, to: Version(extraColumn: true).module(), program: program("v2"), options: options())
        #expect(try update.plan().breaksClients)
        let error = #expect(throws: DatabaseError.self) { try update.prepare(mayBreakClients: false) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("table 'item' get more columns") == true, "\(error?.message ?? "")")
        // The old one goes on.
        try add("b", to: core)
        #expect(client.rows(1).count == 2)
        let new = try self.update(core, to: Version(extraColumn: true), breaks: true)
        client.pull()
        guard case .failed(let reason)? = client.end else {
            Issue.record("the client was not ended, but \(String(describing: client.end))")
            return
        }
        #expect(reason.code == .closed)
        #expect(try new.rows(of: new.items)[0] == item(1, "a") + UInt32(7).bsatn())
        #expect(new.log.last(nil).contains { $0.message == "Disconnecting all users" })
    }

    @Test func aTableWithRowsDoesNotGo() throws {
        let core = try start(Version(extraTable: true))
        try add("a", to: core)
        let update = try ModuleUpdate(
            of: core, to: Version(extraTable: true, itemsTable: false).module(), program: program("v2"),
            options: options())
        let error = #expect(throws: DatabaseError.self) { try update.plan() }
        #expect(error?.code == .migrationRefused)
        #expect(throws: DatabaseError.self) { try update.prepare(mayBreakClients: true) }
        #expect(try core.rows(of: core.items) == [item(1, "a")])
    }

    // MARK: Clients

    @Test(arguments: [false, true]) func subscriptionsLiveOn(tablesChange: Bool) throws {
        let core = try start(Version())
        try add("a", to: core)
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM item")
        try client.subscribe(2, "SELECT * FROM item WHERE name = 'b'", "SELECT COUNT(*) AS n FROM item")
        #expect(client.rows(1) == [item(1, "a")])
        let told = client.events.count
        let new = try update(core, to: Version(extraTable: tablesChange, extraIndex: tablesChange))
        client.sessions = new.sessions
        client.pull()
        #expect(client.events.count == told + 1, "nothing but that the module was replaced")
        try add("b", to: new)
        #expect(client.rows(1) == [item(1, "a"), item(2, "b")])
        #expect(client.rows(2) == [item(2, "b")])
        #expect(client.rows(2, query: 1) == [UInt64(2).bsatn()])
        #expect(try new.sessions.queryCount() == 3)
        client.unsubscribe(2)
        #expect(try new.sessions.queryCount() == 1)
        try client.subscribe(3, "SELECT * FROM item WHERE id = 1")
        #expect(client.rows(3) == [item(1, "a")])
    }

    @Test func sessionsOfTypedCodeEnd() throws {
        let core = try start(Version())
        let client = FakeSession(core)
        try client.subscribe(1, "SELECT * FROM item")
        try update(core, to: Version())
        client.pull()
        guard case .failed(let error)? = client.end else {
            Issue.record("it was not ended")
            return
        }
        #expect(error.code == .moduleReplaced)
    }

    @Test func aTableThatBecomesPrivateIsNotTold() throws {
        let core = try start(Version())
        let stranger = FakeSession(core, as: Caller(identity: Identity(number: 9)), follows: true)
        let owner = FakeSession(core, follows: true)
        for client in [stranger, owner] { try client.subscribe(1, "SELECT * FROM item") }
        let new = try update(core, to: Version(access: .private))
        try add("a", to: new)
        #expect(owner.rows(1) == [item(1, "a")])
        let failed = stranger.pull().contains {
            if case .failed(let set, let error) = $0 { set.rawValue == 1 && error.code == .noSuchTable } else { false }
        }
        #expect(failed)
        #expect(stranger.updates.isEmpty)
    }

    @Test func leavingAtTheOldCoreCounts() throws {
        let core = try start(Version())
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM item")
        let new = try update(core, to: Version())
        // The client's connection does not know of the new one yet.
        client.unsubscribe(1)
        #expect(try new.sessions.queryCount() == 0)
        core.sessions.end(client.session)
        try add("a", to: new)
        #expect(client.updates.isEmpty)
    }

    @Test func whatWasAskedForInOldTermsIsTranslated() throws {
        let core = try start(Version(views: [Self.names("")]))
        let asked = try core.sessions.texts.queries(["SELECT * FROM names"], as: core.owner)
        let new = try update(core, to: Version(extraTable: true, views: [Self.names("!")]))
        try add("a", to: new)
        let client = FakeSession(new, follows: true)
        let translated = try new.sessions.translated(asked, from: core.catalog)
        try client.subscribe(1, translated[0])
        #expect(client.rows(1) == ["a!".bsatn()])
    }

    // MARK: Views

    @Test(arguments: [false, true]) func viewsAreEvaluatedByTheNewCode(tablesChange: Bool) throws {
        let core = try start(Version(views: [Self.names(" old")]))
        try add("a", to: core)
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM names")
        #expect(client.rows(1) == ["a old".bsatn()])
        let new = try update(core, to: Version(extraTable: tablesChange, views: [Self.names(" new")]))
        client.sessions = new.sessions
        #expect(client.rows(1) == ["a new".bsatn()])
        #expect(client.updates.count == 1)
        try add("b", to: new)
        #expect(client.rows(1) == ["a new".bsatn(), "b new".bsatn()])
    }

    @Test func aViewThatFailsRefusesTheUpdate() throws {
        let core = try start(Version(views: [Self.names(" old")]))
        try add("a", to: core)
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM names")
        client.pull()
        let tables = core.runner.datastore.tableIDs
        #expect(throws: DatabaseError.self) { try update(core, to: Version(views: [Self.names("", fails: true)])) }
        #expect(core.runner.datastore.tableIDs == tables)
        try add("b", to: core)
        #expect(client.rows(1) == ["a old".bsatn(), "b old".bsatn()])
        let new = try update(core, to: Version(views: [Self.names(" repaired")]), "v3")
        client.sessions = new.sessions
        #expect(client.rows(1) == ["a repaired".bsatn(), "b repaired".bsatn()])
    }

    @Test func aViewThatGoesBreaksClients() throws {
        let core = try start(Version(views: [Self.names("")]))
        let update = try ModuleUpdate(of: core, to: Version().module(), program: program("v2"), options: options())
        #expect(try update.plan().clientBreaks == ["view 'names' goes"])
        var other = Self.names("")
        other.isAnonymous = false
        let again = try ModuleUpdate(
            of: core, to: Version(views: [other]).module(), program: program("v2"), options: options())
        #expect(try again.plan().clientBreaks == ["view 'names' depends on its caller"])
    }

    @Test func rulesGoOnHolding() throws {
        let rules = ["SELECT * FROM item WHERE id < 3"]
        let core = try start(Version(rules: rules))
        try add("a", to: core)
        let stranger = FakeSession(core, as: Caller(identity: Identity(number: 9)), follows: true)
        try stranger.subscribe(1, "SELECT * FROM item")
        let new = try update(core, to: Version(extraTable: true, rules: rules))
        for name in ["b", "c"] { try add(name, to: new) }
        #expect(stranger.rows(1) == [item(1, "a"), item(2, "b")])
    }

    /// Notes in rooms, which are seen by those who are in the room.
    private static func rooms(extraTable: Bool = false) -> ByteModule {
        func table(_ name: String, _ type: UInt32, _ id: String) -> RawTableDefV10 {
            RawTableDefV10(
                sourceName: name, productTypeRef: type, primaryKey: [0],
                indexes: [
                    RawIndexDef(sourceName: "\(name)_\(id)", accessorName: id, algorithm: .btree([0])),
                    RawIndexDef(sourceName: "\(name)_room", accessorName: "room", algorithm: .btree([1])),
                ], constraints: [RawConstraintDef(data: .unique([0]))])
        }
        func put(_ name: String, by index: String) -> ByteModule.Body {
            { transaction, reader in
                let id = name == "member" ? try Identity(from: &reader).bsatn() : try reader.readU64().bsatn()
                let bytes = id + (try reader.readU64().bsatn())
                let (table, key) = (try transaction.table(named: name), try transaction.index(named: index))
                try bytes.withUnsafeBytes { row in
                    do { try transaction.update(row, by: key) } catch let error as DatabaseError
                        where error.code == .noSuchRow
                    { try transaction.insert(row, into: table) }
                }
            }
        }
        return ByteModule(
            tables: [table("member", 0, "who"), table("note", 1, "id")]
                + (extraTable ? [RawTableDefV10(sourceName: "extra", productTypeRef: 2)] : []),
            types: [
                .product([("who", .identity), ("room", .u64)]), .product([("id", .u64), ("room", .u64)]),
                .product([("number", .u32)]),
            ],
            rules: [
                "SELECT * FROM member WHERE who = :sender",
                "SELECT n.* FROM member m JOIN note n ON m.room = n.room",
            ],
            reducers: [
                ("enter", [("who", .identity), ("room", .u64)], nil, put("member", by: "member_who")),
                ("write", [("id", .u64), ("room", .u64)], nil, put("note", by: "note_id")),
            ])
    }

    @Test(arguments: [false, true]) func rulesThatJoinGoOnHolding(tablesChange: Bool) throws {
        let first = try DatabaseCore.publish(
            program("v1"), as: Self.rooms(), at: .memory, options: options()
        ).core
        func note(_ id: UInt64, _ room: UInt64) -> [UInt8] { id.bsatn() + room.bsatn() }
        func write(_ id: UInt64, _ room: UInt64, to core: DatabaseCore) throws {
            try core.runner.call("write", arguments: note(id, room), as: core.owner)
        }
        func enter(_ who: UInt256, _ room: UInt64, to core: DatabaseCore) throws {
            try core.runner.call("enter", arguments: Identity(number: who).bsatn() + room.bsatn(), as: core.owner)
        }
        try enter(9, 1, to: first)
        for id in 1...4 as ClosedRange<UInt64> { try write(id, 1 + id % 2, to: first) }
        let clients = [9, 8].map {
            FakeSession(first, as: Caller(identity: Identity(number: $0)), follows: true)
        }
        for client in clients {
            try client.subscribe(1, "SELECT * FROM note")
            try client.subscribe(2, "SELECT n.* FROM member m JOIN note n ON m.room = n.room WHERE n.id > 1")
        }
        #expect(clients.map { $0.rows(1) } == [[note(2, 1), note(4, 1)], []])
        var core = first
        for round in 0..<3 as Range<UInt64> {
            core = try update(core, to: Self.rooms(extraTable: tablesChange), "v\(round)")
            for client in clients { client.sessions = core.sessions }
            // What is written, who comes in and who moves on is seen as before, by those who were there and by who comes now.
            try write(10 + round, 1 + round % 2, to: core)
            try enter(9, 1 + round % 2, to: core)
            if round == 1 { try enter(8, 2, to: core) }
            for (who, client) in zip([9, 8] as [UInt256], clients) {
                let fresh = FakeSession(core, as: Caller(identity: Identity(number: who)))
                try fresh.subscribe(1, "SELECT * FROM note")
                #expect(client.rows(1) == fresh.rows(1), "\(who) in round \(round)")
                #expect(client.rows(2) == fresh.rows(1).filter { $0 != note(1, 2) }, "\(who) in round \(round)")
            }
        }
        #expect(clients[0].rows(1) == [note(2, 1), note(4, 1), note(10, 1), note(12, 1)])
        #expect(clients[1].rows(1) == [note(1, 2), note(3, 2), note(11, 2)])
    }

    @Test func otherRulesBreakClients() throws {
        let core = try start(Version())
        let update = try ModuleUpdate(
            of: core, to: Version(rules: ["SELECT * FROM item WHERE id = 1"]).module(), program: program("v2"),
            options: options())
        #expect(try update.plan().breaksClients)
        #expect(try update.plan().text(isColoured: false).contains("clients are disconnected: the rules change"))
    }

    // MARK: Failing

    @Test func anAbandonedUpdateLeavesNoTrace() throws {
        let core = try start(Version(views: [Self.names("")]))
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM names", "SELECT * FROM item")
        for (name, extraTable) in [("a", false), ("b", true)] {
            let update = try ModuleUpdate(
                of: core, to: Version(prefix: "new ", extraTable: extraTable, views: [Self.names("!")]).module(),
                program: program("v2"), options: options())
            try update.prepare(mayBreakClients: false)
            update.abandon()
            try add(name, to: core)
        }
        #expect(client.rows(1) == ["a".bsatn(), "b".bsatn()])
        #expect(client.rows(1, query: 1) == [item(1, "a"), item(2, "b")])
        #expect(core.catalog.stored.program == StoredProgram(program("v1")))
        try core.runner.checkInvariants()
    }

    @Test func aRecordThatCannotBeKeptChangesNothing() throws {
        let sink = RecordingSink()
        var opening = options()
        opening.sink = sink
        let core = try DatabaseCore.publish(
            program("v1"), as: Version().module(), at: .memory, options: opening
        ).core
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM item")
        sink.fail(from: 1)
        let update = try ModuleUpdate(
            of: core, to: Version(prefix: "new ").module(), program: program("v2"), options: opening)
        try update.prepare(mayBreakClients: false)
        #expect(throws: DatabaseError.self) { try update.commit { _ in Issue.record("it was published") } }
        sink.fail(from: .max)
        try add("a", to: core)
        #expect(client.rows(1) == [item(1, "a")])
    }

    // MARK: The log of the module

    @Test func theLogSaysWhatHappened() throws {
        let core = try start(Version())
        let new = try update(core, to: Version(extraTable: true))
        let lines = new.log.last(nil).map(\.message)
        #expect(lines.contains("Updated program to \(program("v2").hash.hexText)"))
        #expect(lines.contains("Creating table `extra`"))
        #expect(lines.last == "Database updated")
        #expect(new.log === core.log)
    }
}

/// What runs while the module is replaced.
@Suite struct ModuleUpdateWorkTests {
    private static func program(_ lines: String...) -> ModuleProgram {
        ModuleProgram(.webAssembly, Array((["stand-in"] + lines).joined(separator: "\n").utf8))
    }

    private func options() -> OpeningOptions {
        var options = OpeningOptions(name: "test")
        options.seed = 1
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        return options
    }

    private func update(_ core: DatabaseCore, to program: ModuleProgram) throws -> DatabaseCore {
        let update = try ModuleUpdate(of: core, to: StandInModule(program), program: program, options: options())
        try update.prepare(mayBreakClients: true)
        return try update.commit { _ in }.core
    }

    /// A module whose procedure waits until it is let go on, between two transactions.
    private final class Waiting: ModuleHost {
        private let inner: StandInModule
        let gate = AsyncStream<Void>.makeStream()
        let begun = AsyncStream<Void>.makeStream()

        init(_ program: ModuleProgram) throws(DatabaseError) { inner = try StandInModule(program) }

        func describe() throws(DatabaseError) -> RawModuleDefV10 { try inner.describe() }

        func call(
            _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
        ) throws -> Outcome { try inner.call(function, arguments: arguments, in: transaction) }

        func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
            _ = try await inner.call(function, input, by: call)
            begun.continuation.yield()
            for await _ in gate.stream { break }
            return try await inner.call(function, input, by: call)
        }
    }

    private func names(_ core: DatabaseCore) throws -> [String] {
        let result = try core.statements.run(
            Statements.Request("SELECT name FROM item ORDER BY id", as: core.owner))
        var names: [String] = []
        try result.rows.forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            names.append(try reader.readString())
        }
        return names
    }

    /// New tables are no reason to end: those that it uses are where they were.
    @Test(arguments: ["procedure", "procedure\ntable other", "procedure\ncolumn"])
    func aProcedureThatRunsGoesOnIfItsTablesAreTheSame(version: String) async throws {
        let first = Self.program("prefix old-", "procedure")
        let module = try Waiting(first)
        let core = try DatabaseCore.publish(first, as: module, at: .memory, options: options()).core
        let running = Task {
            try await core.procedures.call("echo", arguments: "x".bsatn(), as: core.owner)
        }
        for await _ in module.begun.stream { break }
        let new = try update(core, to: Self.program(version))
        module.gate.continuation.yield()
        if version.contains("column") {
            let error = await #expect(throws: DatabaseError.self) { try await running.value }
            #expect(error?.code == .procedureEnded)
            #expect(try names(new) == ["old-x"])
        } else {
            #expect(try await running.value == "old-x".bsatn())
            #expect(try names(new) == ["old-x", "old-x"])
        }
        // The next one is the new module's.
        #expect(try await new.procedures.call("echo", arguments: "y".bsatn(), as: new.owner) == "y".bsatn())
    }

    /// Whoever called it would wait as long as it sleeps, and its guest keep its memory, of a database that is gone.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 2])
    func aProcedureOfAnOlderModuleEndsWithTheDatabase(updates: Int) async throws {
        let first = Self.program("procedure")
        let module = try Waiting(first)
        let core = try DatabaseCore.publish(first, as: module, at: .memory, options: options()).core
        let running = Task {
            try await core.procedures.call("echo", arguments: "x".bsatn(), as: core.owner)
        }
        for await _ in module.begun.stream { break }
        var new = core
        for number in 0..<updates { new = try update(new, to: Self.program("procedure", "prefix \(number)")) }
        try await new.close()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(core.procedures.runningCount == 0)
    }

    /// The core that the database has now.
    private final class Current: Sendable {
        private let state: Mutex<DatabaseCore>

        init(_ core: DatabaseCore) { state = Mutex(core) }

        var core: DatabaseCore { state.withLock { $0 } }
        func set(_ core: DatabaseCore) { state.withLock { $0 = core } }
    }

    @Test(arguments: [false, true]) func schedulesGoOnWithTheNewModule(tablesChange: Bool) throws {
        let start = Timestamp(microsecondsSinceUnixEpoch: 1_000_000)
        let clock = VirtualClock(start: start)
        var options = self.options()
        options.clock = clock
        let programs = [
            Self.program("prefix old-", "clock"),
            tablesChange ? Self.program("prefix new-", "clock", "table more") : Self.program("prefix new-", "clock"),
        ]
        let core = try DatabaseCore.publish(
            programs[0], as: StandInModule(programs[0]), at: .memory, options: options
        ).core
        for at in [ScheduleAt.time(start + TimeDuration(.seconds(5))), .interval(TimeDuration(.seconds(10)))] {
            try core.runner.call("arm", arguments: at.bsatn(), as: core.owner)
        }
        clock.advance(by: .seconds(2))
        let update = try ModuleUpdate(
            of: core, to: StandInModule(programs[1]), program: programs[1], options: options)
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        clock.advance(by: .seconds(4))
        #expect(try names(new) == ["new-tick"])
        // The interval began anew when the module was replaced.
        clock.advance(by: .seconds(5))
        #expect(try names(new) == ["new-tick"])
        clock.advance(by: .seconds(1))
        #expect(try names(new) == ["new-tick", "new-tick"])
    }

    @Test func callsThatWaitAreTurnedAwayAndCountOnceEach() async throws {
        let first = Self.program()
        let start = try DatabaseCore.publish(first, as: StandInModule(first), at: .memory, options: options()).core
        let current = Current(start)
        let count = 200
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    while true {
                        let core = current.core
                        do {
                            if number.isMultiple(of: 2) {
                                try await core.runner.call("add", arguments: "\(number)".bsatn(), as: core.owner)
                            } else {
                                // Threads wait otherwise than tasks.
                                let add: () throws -> TxOffset = {
                                    try core.runner.call("add", arguments: "\(number)".bsatn(), as: core.owner)
                                }
                                _ = try add()
                            }
                            return
                        } catch let error as DatabaseError where error.code == .moduleReplaced {}
                    }
                }
            }
            for number in 1...20 {
                let program = Self.program("prefix \(number)-", number > 10 ? "table more" : "table other")
                let core = current.core
                let update = try ModuleUpdate(
                    of: core, to: StandInModule(program), program: program, options: options())
                try update.prepare(mayBreakClients: true)
                _ = try update.commit { current.set($0) }
            }
            try await group.waitForAll()
        }
        let core = current.core
        #expect(try names(core).count == count)
        try core.runner.checkInvariants()
    }
}
