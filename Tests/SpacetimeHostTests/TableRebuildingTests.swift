import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeHost

/// Tables that another module declares otherwise are built while the database goes on.
@Suite struct TableRebuildingTests {
    /// Versions of a module with items, each with a reducer to add, rename and remove some.
    private struct Version {
        var indexesNames = false
        var namesAreUnique = false
        var hasLevel = false
        var otherTable = false
        var isNumbered = true
        var views: [ByteModule.View] = []

        func module() -> ByteModule {
            var item = ByteModule.itemTable
            if !isNumbered { item.sequences = [] }
            if indexesNames || namesAreUnique {
                item.indexes.append(
                    RawIndexDef(sourceName: "item_name_idx_btree", accessorName: "name", algorithm: .btree([1])))
            }
            if namesAreUnique { item.constraints.append(RawConstraintDef(data: .unique([1]))) }
            if hasLevel { item.defaultValues = [RawColumnDefaultValue(column: 2, value: UInt32(7).bsatn())] }
            let level = hasLevel ? UInt32(1).bsatn() : []
            var tables = [item]
            if otherTable { tables.append(RawTableDefV10(sourceName: "other", productTypeRef: 1)) }
            return ByteModule(
                tables: tables,
                types: [
                    .product([("id", .u64), ("name", .string)] + (hasLevel ? [("level", .u32)] : [])),
                    .product([("number", .u32)]), .product([("text", .string)]),
                ], views: views,
                reducers: [
                    (
                        "add", [("id", .u64), ("name", .string)], nil,
                        { transaction, reader in
                            let row = try reader.readU64().bsatn() + (try reader.readString().bsatn()) + level
                            let table = try transaction.table(named: "item")
                            try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                        }
                    ),
                    (
                        "rename", [("id", .u64), ("name", .string)], nil,
                        { transaction, reader in
                            let row = try reader.readU64().bsatn() + (try reader.readString().bsatn()) + level
                            let index = try transaction.index(named: "item_id_idx_btree")
                            try row.withUnsafeBytes { _ = try transaction.update($0, by: index) }
                        }
                    ),
                    (
                        "remove", [("id", .u64)], nil,
                        { transaction, reader in
                            let key = try reader.readU64().bsatn()
                            let index = try transaction.index(named: "item_id_idx_btree")
                            try key.withUnsafeBytes { _ = try transaction.delete(index, key: $0) }
                        }
                    ),
                ])
        }
    }

    private func options(_ sink: (any CommitSink)? = nil) -> OpeningOptions {
        var options = OpeningOptions(name: "test")
        options.owner = testOwner
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        options.sink = sink
        return options
    }

    private func program(_ text: String) -> ModuleProgram { ModuleProgram(.webAssembly, Array(text.utf8)) }

    private func start(_ version: Version, at location: DatabaseLocation = .memory) throws -> DatabaseCore {
        try DatabaseCore.publish(program("v1"), as: version.module(), at: location, options: options()).core
    }

    private func update(_ core: DatabaseCore, to version: Version) throws -> ModuleUpdate {
        try ModuleUpdate(of: core, to: version.module(), program: program("v2"), options: options())
    }

    private func call(_ reducer: String, _ arguments: [UInt8], _ core: DatabaseCore) throws {
        try core.runner.call(reducer, arguments: arguments, as: core.owner)
    }

    private func add(_ name: String, to core: DatabaseCore) throws {
        try call("add", UInt64(0).bsatn() + name.bsatn(), core)
    }

    private func item(_ id: UInt64, _ name: String, _ rest: [UInt8] = []) -> [UInt8] {
        id.bsatn() + name.bsatn() + rest
    }

    private func items(_ core: DatabaseCore) throws -> [[UInt8]] {
        try core.rows(of: core.items).sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Ids of the items with a name, by the index on names.
    private func ids(named name: String, in core: DatabaseCore) throws -> [UInt64] {
        let result = try core.statements.run(
            Statements.Request("SELECT id FROM item WHERE name = '\(name)' ORDER BY id", as: core.owner))
        var ids: [UInt64] = []
        try result.rows.forEach { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            ids.append(try reader.readU64())
        }
        return ids
    }

    // MARK: Following

    @Test func whatIsWrittenMeanwhileIsInTheNewTable() throws {
        let core = try start(Version())
        for number in 0..<1_000 { try add("item \(number % 10)", to: core) }
        let update = try update(core, to: Version(indexesNames: true))
        try update.rehearse()
        try add("late", to: core)
        try call("rename", UInt64(1).bsatn() + "first".bsatn(), core)
        try call("remove", UInt64(2).bsatn(), core)
        let before = try items(core)
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        #expect(try items(new) == before)
        #expect(try ids(named: "first", in: new) == [1])
        #expect(try ids(named: "late", in: new) == [1_001])
        #expect(try ids(named: "item 1", in: new).count == 99)
        try new.runner.checkInvariants()
        // Numbers go on where they were when the tables changed places.
        try add("next", to: new)
        #expect(try ids(named: "next", in: new) == [1_002])
    }

    /// Any writes at any moment of an update: the rows are those of a database that was not updated. Kinds of changes: an index, a
    /// unique one, a column.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, UInt64.random(in: 9 ... .max)])
    func randomWritesEndInTheSameRows(seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        var storage = StorageOptions()
        storage.segmentByteCount = 8 << 10
        let path = directory.path + "/db"
        let location = DatabaseLocation.directory(path, storage)
        let core = try start(Version(), at: location)
        let twin = try start(Version())
        var names = 0
        func write(_ count: Int) throws {
            for _ in 0..<count {
                names += 1
                let id = random.next() % 60 + 1
                let (reducer, arguments): (String, [UInt8]) =
                    switch random.next() % 4 {
                    case 0: ("add", UInt64(0).bsatn() + "n\(names)".bsatn())
                    case 1: ("rename", id.bsatn() + "n\(names)".bsatn())
                    case 2: ("remove", id.bsatn())
                    // The same row again: within one transaction each, nothing or little changes.
                    default: ("add", (id + 100).bsatn() + "n\(names)".bsatn())
                    }
                let results = [core, twin].map { database in Result { try call(reducer, arguments, database) } }
                let failed = results.map { if case .failure = $0 { true } else { false } }
                try #require(failed[0] == failed[1], "seed \(seed): \(reducer)")
            }
        }
        try write(Int(random.next() % 200))
        var version = Version()
        switch random.next() % 3 {
        case 0: version.indexesNames = true
        case 1: version.namesAreUnique = true
        default: version.hasLevel = true
        }
        version.otherTable = random.next() % 2 == 0
        try ProgramFiles(storage.disk, of: path).keep(program("v2"))
        let update = try update(core, to: version)
        if random.next() % 4 > 0 {
            try update.rehearse()
            try write(Int(random.next() % 300))
        }
        if random.next() % 4 == 0 {
            // Given up, once more from the beginning.
            update.abandon()
            try write(Int(random.next() % 20))
            #expect(core.runner.trail == nil)
            #expect(try items(core) == items(twin), "seed \(seed), given up")
            return try core.close()
        }
        try update.prepare(mayBreakClients: true)
        let (new, offset) = try update.commit { _ in }
        try new.runner.waitUntilDurable(offset)
        let tail = version.hasLevel ? UInt32(7).bsatn() : []
        let expected = try items(twin).map { $0 + tail }
        #expect(try items(new) == expected, "seed \(seed)")
        try new.runner.checkInvariants()
        try add("behind", to: new)
        try add("behind", to: twin)
        let last = try items(new).count
        #expect(try items(twin).count == last, "seed \(seed)")
        let rows = try items(new)
        try new.close()
        // What the log says of it is the same.
        let again = try DatabaseCore.openPublished(
            path, storage, by: FixedLoader(module: version.module()), options: options()
        ).core
        #expect(try items(again) == rows, "seed \(seed), opened again")
        try again.runner.checkInvariants()
        try again.close()
    }

    private struct FixedLoader: ModuleLoader {
        let module: ByteModule

        func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost { module }
    }

    @Test func aColumnIsAddedToRowsThatComeMeanwhile() throws {
        let core = try start(Version())
        try add("a", to: core)
        let update = try update(core, to: Version(hasLevel: true))
        try update.rehearse()
        try add("b", to: core)
        try update.prepare(mayBreakClients: true)
        let new = try update.commit { _ in }.core
        #expect(try items(new) == [item(1, "a", UInt32(7).bsatn()), item(2, "b", UInt32(7).bsatn())])
    }

    @Test func aColumnThatIsNumberedFromNowOnGoesOnBehindWhatItHolds() throws {
        let core = try start(Version(isNumbered: false))
        try call("add", UInt64(5).bsatn() + "a".bsatn(), core)
        let update = try update(core, to: Version())
        try update.rehearse()
        try call("add", UInt64(9).bsatn() + "b".bsatn(), core)
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        try add("c", to: new)
        #expect(try items(new) == [item(5, "a"), item(9, "b"), item(10, "c")])
    }

    // MARK: Refusing, giving up

    @Test func aRowThatBreaksANewConstraintMeanwhileRefusesTheUpdate() throws {
        let core = try start(Version())
        try add("a", to: core)
        let update = try update(core, to: Version(namesAreUnique: true))
        try update.rehearse()
        try add("a", to: core)
        let error = #expect(throws: DatabaseError.self) { try update.prepare(mayBreakClients: false) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("item_name") == true, "\(error?.message ?? "")")
        try add("b", to: core)
        #expect(try items(core) == [item(1, "a"), item(2, "a"), item(3, "b")])
        #expect(core.runner.trail == nil)
    }

    @Test func rowsThatBreakANewConstraintAreRefusedBeforeAnybodyWaits() throws {
        let core = try start(Version())
        for name in ["a", "a"] { try add(name, to: core) }
        let update = try update(core, to: Version(namesAreUnique: true))
        let error = #expect(throws: DatabaseError.self) { try update.rehearse() }
        #expect(error?.code == .migrationRefused)
        let sentence = "table 'item' has several rows with name = \"a\", which constraint 'item_name_key' forbids"
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        #expect(core.runner.trail == nil)
        try add("b", to: core)
    }

    @Test(arguments: [false, true]) func whoGivesUpLeavesTheTablesAsTheyWere(isPrepared: Bool) throws {
        let core = try start(Version())
        let client = FakeSession(core, follows: true)
        try client.subscribe(1, "SELECT * FROM item")
        try add("a", to: core)
        let tables = core.runner.datastore.tableIDs
        do {
            let update = try update(core, to: Version(indexesNames: true, otherTable: true))
            try update.rehearse()
            try add("b", to: core)
            if isPrepared { try update.prepare(mayBreakClients: false) }
        }
        #expect(core.runner.datastore.tableIDs == tables)
        #expect(core.runner.trail == nil)
        try add("c", to: core)
        try call("rename", UInt64(1).bsatn() + "x".bsatn(), core)
        #expect(client.rows(1) == [item(1, "x"), item(2, "b"), item(3, "c")])
        try core.runner.checkInvariants()
    }

    /// A plan that was made before the tables changed places and back again is of no use, and nobody uses it.
    @Test func statementsOfBeforeGoOnWhenAnUpdateWasGivenUp() throws {
        let core = try start(Version(indexesNames: true))
        try add("a", to: core)
        #expect(try ids(named: "a", in: core) == [1])
        do {
            let update = try update(core, to: Version())
            try update.prepare(mayBreakClients: false)
        }
        try add("a", to: core)
        #expect(try ids(named: "a", in: core) == [1, 2])
    }

    // MARK: Clients

    /// A view is compared with what the old code made of the old table.
    @Test func viewsOfATableThatChangesAreCompared() throws {
        func view(_ suffix: String) -> ByteModule.View {
            ByteModule.View(
                name: "names", isAnonymous: true, returnType: .array(.ref(2)),
                body: { transaction, _ in
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
        let core = try start(Version(views: [view(" old")]))
        try add("a", to: core)
        let clients = [FakeSession(core, follows: true), FakeSession(core, follows: true)]
        for client in clients {
            try client.subscribe(1, "SELECT * FROM names")
            try client.subscribe(2, "SELECT * FROM item")
            client.pull()
        }
        let update = try update(core, to: Version(indexesNames: true, views: [view(" new")]))
        try update.rehearse()
        try add("b", to: core)
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        for client in clients {
            client.sessions = new.sessions
            #expect(client.rows(1) == ["a new".bsatn(), "b new".bsatn()])
            #expect(client.rows(2) == [item(1, "a"), item(2, "b")])
        }
        try add("c", to: new)
        #expect(clients[0].rows(2).count == 3)
    }

    // MARK: Bounds

    /// Calls wait for what was written meanwhile, not for the rows of the table: the engine looks at no row with the lock held.
    @Test func onlyWhatIsWrittenMeanwhileIsDoneWithTheLockHeld() throws {
        let core = try start(Version())
        for number in 0..<500 { try add("\(number)", to: core) }
        let changed = [(id: core.items, schema: try #require(try changedSchema(of: core)))]
        let rebuilding = try TableRebuilding(of: core, to: changed, isLocked: false)
        for number in 0..<100 { try call("rename", UInt64(number + 1).bsatn() + "x".bsatn(), core) }
        #expect(core.runner.trail != nil)
        try rebuilding.catchUp()
        for number in 0..<5 { try call("rename", UInt64(number + 1).bsatn() + "y".bsatn(), core) }
        try core.runner.acquire()
        defer { core.runner.release() }
        #expect(core.runner.trail?.changeCount == 5)
        try rebuilding.finish()
        #expect(core.runner.trail == nil)
        let table = try #require(try rebuilding.detachAll().first)
        #expect(table.rowCount == 500)
    }

    /// What was written is all there, however it is cut into pieces, and little of it is left for the end.
    @Test(arguments: [1, 127, 128, 129, 1_000, 5_000]) func whatWasWrittenIsFollowedInPieces(writes: Int) throws {
        let core = try start(Version())
        for number in 0..<100 { try add("\(number)", to: core) }
        let changed = [(id: core.items, schema: try #require(try changedSchema(of: core)))]
        let rebuilding = try TableRebuilding(of: core, to: changed, isLocked: false)
        for number in 0..<writes { try call("rename", UInt64(number % 100 + 1).bsatn() + "\(number)".bsatn(), core) }
        try rebuilding.catchUpInPieces()
        try core.runner.acquire()
        defer { core.runner.release() }
        #expect(core.runner.trail?.changeCount == 0)
        try rebuilding.finish()
        let table = try #require(try rebuilding.detachAll().first)
        #expect(table.rowCount == 100)
    }

    /// Somebody who writes without a pause is overtaken.
    @Test(.timeLimit(.minutes(10))) func whoNeverStopsWritingIsOvertaken() throws {
        let core = try start(Version())
        for number in 0..<100 { try add("\(number)", to: core) }
        let update = try update(core, to: Version(indexesNames: true))
        try update.rehearse()
        let isOver = Mutex(false)
        startThread {
            var number: UInt64 = 0
            // Once the module is replaced, the old core turns everybody away.
            while !isOver.withLock({ $0 }),
                (try? call("rename", (number % 100 + 1).bsatn() + "\(number)".bsatn(), core)) != nil
            { number += 1 }
        }
        defer { isOver.withLock { $0 = true } }
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        #expect(try items(new).count == 100)
    }

    private func changedSchema(of core: DatabaseCore) throws -> TableSchema? {
        try DatabaseCore.validate(Version(indexesNames: true).module().describe()).tables.first
    }

    @Test func changesThatAreTooManyToBeKeptAreNotFollowed() throws {
        let core = try start(Version())
        try add("a", to: core)
        let update = try update(core, to: Version(indexesNames: true))
        try update.rehearse()
        try core.runner.acquire()
        core.runner.trail?.lose()
        core.runner.release()
        try add("b", to: core)
        try update.prepare(mayBreakClients: false)
        let new = try update.commit { _ in }.core
        #expect(try items(new) == [item(1, "a"), item(2, "b")])
        #expect(try ids(named: "b", in: new) == [2])
    }
}
