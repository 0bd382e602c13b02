import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// A guest that means no good: bytes at random, names and numbers of nothing.
@Suite struct GuestTransactionTests {
    // MARK: Against a model

    @Test(arguments: 0..<60 as Range<UInt64>)
    func whateverAGuestSendsTheTransactionAgreesWithTheModel(seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let table = RandomTable(&random)
        let core = try open(table.module)
        let guest = Fuzz(table: table, core: core, random: random)
        for _ in 0..<8 {
            let before = guest.model
            let serial = try core.runner.beginCall("put")
            let transaction = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
            for step in 0..<60 { try guest.step(transaction, "seed \(seed), step \(step)") }
            if guest.random.oneIn(3) {
                core.runner.abortCall()
                guest.model = before
            } else {
                try core.runner.commitCall()
            }
            try core.runner.checkInvariants()
            #expect(try core.rows(of: core.items).sorted { $0.lexicographicallyPrecedes($1) } == guest.model.images)
            guest.expectEnded(transaction)
        }
        #expect(guest.accepted > 60 && guest.refused > 60, "seed \(seed)")
    }

    // MARK: Rule by rule

    private func withItems(_ body: (GuestTransaction, DatabaseCore) throws -> Void) throws {
        let core = try open(.items())
        let serial = try core.runner.beginCall("nothing")
        defer { core.runner.abortCall() }
        try body(GuestTransaction(TransactionReference(runner: core.runner, serial: serial)), core)
    }

    private func item(_ id: UInt64, _ name: String) -> [UInt8] { id.bsatn() + name.bsatn() }

    @Test func namesAreCanonicalOrThoseOfTheCode() throws {
        try withItems { (guest, core) throws in
            #expect(try guest.table(named: "item") == core.items)
            #expect(try guest.index(named: "item_id_idx_btree") == core.catalog.tableMap[0].firstIndex)
            #expect(try guest.table(named: "st_client") == core.catalog.systemTables.client)
            for name in ["", "Item", "item ", "\0", "st_nothing"] {
                #expect(code { _ = try guest.table(named: name) } == .noSuchTable)
                #expect(code { _ = try guest.index(named: name) } == .noSuchIndex)
            }
        }
    }

    @Test func numbersThatWereDrawnComeBackByThemselves() throws {
        try withItems { (guest, core) throws in
            let id = core.catalog.tableMap[0].firstIndex
            let row = item(0, "apple")
            #expect(try row.withUnsafeBytes { try guest.insert($0, into: core.items) } == UInt64(1).bsatn())
            // The guest's own bytes are left alone.
            #expect(row == item(0, "apple"))
            let given = item(9, "pear")
            #expect(try given.withUnsafeBytes { try guest.insert($0, into: core.items) } == [])
            let taken = item(9, "plum")
            #expect(
                code { _ = try taken.withUnsafeBytes { try guest.insert($0, into: core.items) } } == .uniqueViolation)
            #expect(try taken.withUnsafeBytes { try guest.update($0, by: id) } == [])
            #expect(try guest.scan(core.items).readAll() == item(1, "apple") + item(9, "plum"))
        }
    }

    @Test func theDatabasesOwnTablesAreReadOnly() throws {
        try withItems { (guest, core) throws in
            let tables = core.catalog.systemTables
            let row = Identity(number: 5).bsatn() + ConnectionId(number: 6).bsatn()
            row.withUnsafeBytes { row in
                #expect(code { try guest.insert(row, into: tables.client) } == .readOnly)
                #expect(code { try guest.update(row, by: tables.clientKey) } == .readOnly)
                #expect(code { try guest.delete(tables.clientKey, key: row) } == .readOnly)
                #expect(code { try guest.delete(row, from: tables.client) } == .readOnly)
            }
            #expect(code { try guest.clear(tables.client) } == .readOnly)
            #expect(try guest.count(tables.client) == 0)
            #expect(try guest.scan(tables.client).readAll() == [])
        }
    }

    @Test func aReadRefusesWrites() throws {
        let core = try open(.items())
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        let guest = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
        item(1, "apple").withUnsafeBytes { row in
            #expect(code { try guest.insert(row, into: core.items) } == .readOnly)
        }
        #expect(code { try guest.clear(core.items) } == .readOnly)
        #expect(try guest.count(core.items) == 0)
    }

    @Test func rowsComeInPiecesOfWholeRows() throws {
        try withItems { (guest, core) throws in
            for number in 1...3 as ClosedRange<UInt64> {
                _ = try item(number, "name").withUnsafeBytes { try guest.insert($0, into: core.items) }
            }
            let rows = try guest.scan(core.items)
            var buffer = [UInt8](repeating: 0, count: 40)
            func read(_ count: Int) throws -> GuestRows.Piece {
                try buffer[..<count].withUnsafeMutableBytes { try rows.read(into: $0) }
            }
            #expect(try read(0) == .tooLarge(byteCount: 16))
            #expect(try read(15) == .tooLarge(byteCount: 16))
            // What is written now is not among them.
            _ = try item(4, "name").withUnsafeBytes { try guest.insert($0, into: core.items) }
            #expect(try read(40) == .rows(byteCount: 32, isLast: false))
            #expect(Array(buffer[..<32]) == item(1, "name") + item(2, "name"))
            #expect(try read(16) == .rows(byteCount: 16, isLast: true))
            #expect(try read(16) == .rows(byteCount: 0, isLast: true))
        }
    }

    @Test func equalRowsAreDeletedByListOrNotAtAll() throws {
        try withItems { (guest, core) throws in
            for number in 1...3 as ClosedRange<UInt64> {
                _ = try item(number, "name").withUnsafeBytes { try guest.insert($0, into: core.items) }
            }
            let list = UInt32(3).bsatn() + item(1, "name") + item(2, "other") + item(3, "name")
            for end in [3, 4, 20, list.count - 1] {
                let cut = Array(list[..<end])
                #expect(
                    code { _ = try cut.withUnsafeBytes { try guest.delete($0, from: core.items) } } == .malformedRow)
            }
            #expect(try guest.count(core.items) == 3)
            #expect(try list.withUnsafeBytes { try guest.delete($0, from: core.items) } == 2)
            #expect(try guest.scan(core.items).readAll() == item(2, "name"))
        }
    }

    @Test func allRowsWithNilAreDeletedThroughAUniqueIndex() throws {
        let table = RawTableDefV10(
            sourceName: "t", productTypeRef: 0, primaryKey: [0],
            indexes: [
                RawIndexDef(sourceName: "id", accessorName: "id", algorithm: .btree([0])),
                RawIndexDef(sourceName: "nick", accessorName: "nick", algorithm: .btree([1])),
            ],
            constraints: [RawConstraintDef(data: .unique([0])), RawConstraintDef(data: .unique([1]))])
        let core = try open(
            ByteModule(
                tables: [table], types: [.product([("id", .u32), ("nick", .option(.string))])],
                reducers: [("nothing", [], nil, { _, _ in })]))
        let serial = try core.runner.beginCall("nothing")
        defer { core.runner.abortCall() }
        let guest = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
        let nicks: [String?] = [nil, "ann", nil]
        for (id, nick) in nicks.enumerated() {
            try (UInt32(id).bsatn() + nick.bsatn()).withUnsafeBytes { _ = try guest.insert($0, into: core.items) }
        }
        let nick = try guest.index(named: "nick")
        let none = Optional<String>.none.bsatn()
        #expect(try none.withUnsafeBytes { try guest.scan(nick, key: $0).readAll().count } == 10)
        #expect(try none.withUnsafeBytes { try guest.delete(nick, key: $0) } == 2)
        #expect(try guest.scan(core.items).readAll() == UInt32(1).bsatn() + Optional("ann").bsatn())
    }

    @Test func credentialsAreThoseOfTheConnection() throws {
        let core = try open(.items())
        let client = try core.connections.connect(Identity(number: 5), credentials: #"{"sub":"ann"}"#)
        let serial = try core.runner.beginCall("nothing", as: client)
        defer { core.runner.abortCall() }
        let guest = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
        #expect(try guest.caller == client)
        #expect(try guest.credentials(of: client.connection) == #"{"sub":"ann"}"#)
        #expect(try guest.credentials(of: ConnectionId(number: 1)) == nil)
        #expect(try guest.identity == core.catalog.identity)
    }

    @Test func guestsHaveTheNumbersOfTheirInterface() {
        let numbers: [(EngineError, GuestErrorNumber?)] = [
            (.noSuchTable("t"), .noSuchTable), (.noSuchIndex("i"), .noSuchIndex),
            (.malformedRow(table: "t", cause: .truncated(at: 0, needed: 1)), .decodeError),
            (.malformedKey(index: "i", cause: .truncated(at: 0, needed: 1)), .decodeError),
            (.tooManyPrefixColumns(index: "i", given: 2, limit: 1), .decodeError),
            (.uniqueViolation(table: "t", constraint: "c", columns: [], key: ""), .uniqueAlreadyExists),
            (.noSuchRow(table: "t", index: "i", key: ""), .noSuchRow),
            (.indexNotUnique(index: "i"), .indexNotUnique), (.rangeOnHashIndex(index: "i"), .wrongIndexAlgorithm),
            (.sequenceExhausted(table: "t", column: "c", last: 1), .autoIncrementOverflow),
            (.tableFull(table: "t"), nil), (.transactionState(""), nil),
        ]
        for (error, number) in numbers { #expect(GuestErrorNumber(DatabaseError(error)) == number, "\(error)") }
    }
}

/// The code of the error that is thrown; nil if none is.
private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
    do { try body() } catch { return (error as? DatabaseError)?.code ?? .internalInconsistency }
    return nil
}

/// Random operations, each with what the model says of it.
private final class Fuzz {
    let table: RandomTable
    let core: DatabaseCore
    var random: DeterministicRandom
    var model: GuestModel
    var accepted = 0
    var refused = 0

    init(table: RandomTable, core: DatabaseCore, random: DeterministicRandom) {
        self.table = table
        self.core = core
        self.random = random
        model = GuestModel(schema: core.catalog.schema.tables[0])
    }

    // MARK: What a guest sends

    /// A table, mostly that of the module.
    private func anyTable() -> TableID {
        let next = core.items.rawValue + 1
        return random.oneIn(8) ? TableID([0, 1, next, next + 1, 999, .max][random.below(6)]) : core.items
    }

    /// The database's own table with an id, or with an index of an id.
    private func systemTable(_ id: TableID?) -> TableSchema? {
        guard let id, let schema = try? core.catalog.facts(of: id).schema, schema.kind == .system else { return nil }
        return schema
    }

    /// An index, mostly one of the table.
    private func anyIndex() -> (id: IndexID, schema: IndexSchema?) {
        if random.oneIn(8) {
            let next = core.catalog.tableMap[0].firstIndex.rawValue + UInt32(model.schema.indexes.count)
            let id = IndexID([0, 1, next, 999, .max][random.below(5)])
            return (id, nil)
        }
        let position = random.below(model.schema.indexes.count)
        return (
            IndexID(core.catalog.tableMap[0].firstIndex.rawValue + UInt32(position)), model.schema.indexes[position]
        )
    }

    private func anyRow() -> [UInt8] {
        if random.oneIn(3), let known = model.images.randomElement(using: &random) { return spoil(known) }
        return spoil(RandomTable.image(table.row(random.below(12), &random)))
    }

    private func anyKey(_ columns: [ColumnID]) -> [UInt8] {
        let row: [AlgebraicValue]
        if random.oneIn(2), let image = model.images.randomElement(using: &random), let known = model.rows[image] {
            row = known
        } else {
            row = table.row(random.below(12), &random)
        }
        return spoil(columns.flatMap { row[$0.index].bsatn() })
    }

    private func anyRange(_ columns: [ColumnID]) throws -> IndexRange {
        let prefixColumns = random.oneIn(8) ? columns.count : random.below(columns.count)
        func bound(_ random: inout DeterministicRandom, _ key: [UInt8]) -> [UInt8] {
            [[2], [0] + key, [1] + key][random.below(3)]
        }
        let column = columns[min(prefixColumns, columns.count - 1)]
        let prefix = anyKey(Array(columns[..<prefixColumns]))
        let (start, end) = (anyKey([column]), anyKey([column]))
        let (lower, upper) = (bound(&random, start), bound(&random, end))
        return try prefix.withUnsafeBytes { prefix in
            try lower.withUnsafeBytes { lower in
                try upper.withUnsafeBytes { upper in
                    try IndexRange(prefix: prefix, prefixColumns: prefixColumns, start: lower, end: upper)
                }
            }
        }
    }

    /// Mostly the bytes as they are.
    private func spoil(_ bytes: [UInt8]) -> [UInt8] {
        guard random.oneIn(4) else { return bytes }
        var bytes = bytes
        switch random.below(5) {
        case 0: bytes.removeLast(random.below(bytes.count + 1))
        case 1: bytes += (0...random.below(9)).map { _ in UInt8(random.below(256)) }
        case 2: if !bytes.isEmpty { bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8)) }
        case 3: if !bytes.isEmpty { bytes[random.below(bytes.count)] = 255 }
        default: bytes = (0..<random.below(40)).map { _ in UInt8(random.below(random.oneIn(2) ? 3 : 256)) }
        }
        return bytes
    }

    // MARK: Steps

    func step(_ guest: GuestTransaction, _ note: String) throws {
        switch random.below(10) {
        case 0, 1, 2, 3:
            let (row, table) = (anyRow(), anyTable())
            try compare("insert, \(note)") {
                try row.withUnsafeBytes { try guest.insert($0, into: table) }.count
            } _: { model throws(GuestModel.Refusal) in
                try require(table)
                try model.insert(row)
                return 0
            }
        case 4:
            let (row, index) = (anyRow(), anyIndex())
            try compare("update, \(note)") {
                try row.withUnsafeBytes { try guest.update($0, by: index.id) }.count
            } _: { model throws(GuestModel.Refusal) in
                try model.update(row, by: try require(index))
                return 0
            }
        case 5:
            let index = anyIndex()
            let key = anyKey(index.schema?.columns ?? [0])
            try compare("delete, \(note)") {
                try key.withUnsafeBytes { try guest.delete(index.id, key: $0) }
            } _: { model throws(GuestModel.Refusal) in
                model.delete(try model.images(try require(index), key: key))
            }
        case 6:
            let index = anyIndex()
            let range = try anyRange(index.schema?.columns ?? [0])
            try compare("delete range, \(note)") {
                try guest.delete(index.id, range: range)
            } _: { model throws(GuestModel.Refusal) in
                model.delete(try model.images(try require(index), range: range))
            }
        case 7:
            let table = anyTable()
            let rows = (0..<random.below(4)).map { _ in anyRow() }
            let list = UInt32(rows.count).bsatn() + rows.joined()
            try compare("delete rows, \(note)") {
                try list.withUnsafeBytes { try guest.delete($0, from: table) }
            } _: { model throws(GuestModel.Refusal) in
                try require(table)
                // One row that is too long may make up for one that is too short: then they are other rows.
                let type = AlgebraicType.array(.product(model.schema.rowType))
                var reader = BSATNReader(list.span.bytes)
                guard case .array(let values)? = try? AlgebraicValue(from: &reader, type: type),
                    (try? reader.finish()) != nil
                else { throw GuestModel.Refusal(.malformedRow) }
                return model.delete(values.map { $0.bsatn() })
            }
        default: try read(guest, note)
        }
        let rows = try guest.scan(core.items).readAll()
        #expect(rows.count == model.images.reduce(0) { $0 + $1.count }, "\(note)")
        #expect(try guest.count(core.items) == model.rows.count, "\(note)")
    }

    private func read(_ guest: GuestTransaction, _ note: String) throws {
        let index = anyIndex()
        let columns = index.schema?.columns ?? [0]
        let isRange = random.oneIn(2)
        let (key, range) = (anyKey(columns), try anyRange(columns))
        let room = random.below(200)
        var found: [[UInt8]] = []
        try compare("scan, \(note)") {
            let rows =
                isRange
                ? try guest.scan(index.id, range: range)
                : try key.withUnsafeBytes { try guest.scan(index.id, key: $0) }
            found = try Self.pieces(rows, room)
            return found.reduce(0) { $0 + $1.count }
        } _: { model throws(GuestModel.Refusal) in
            // Reading the database's own tables is allowed; they are empty.
            var (model, schema) = (model, index.schema)
            if schema == nil, let own = systemTable(core.catalog.table(of: index.id)) {
                model = GuestModel(schema: own)
                schema = own.indexes[0]
            }
            guard let schema else { throw GuestModel.Refusal(.noSuchIndex) }
            let rows =
                isRange ? try model.images(schema, range: range) : try model.images(schema, key: key)
            return rows.reduce(0) { $0 + $1.count }
        }
    }

    /// All rows, read with so much room at a time, or as much as the next row needs.
    private static func pieces(_ rows: GuestRows, _ room: Int) throws -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var size = room
        while true {
            var buffer = [UInt8](repeating: 0xAA, count: size)
            switch try buffer.withUnsafeMutableBytes({ try rows.read(into: $0) }) {
            case .tooLarge(let needed): size = needed
            case .rows(let count, let isLast):
                pieces.append(Array(buffer[..<count]))
                if isLast { return pieces }
            }
        }
    }

    private func require(_ table: TableID) throws(GuestModel.Refusal) {
        if table == core.items { return }
        throw GuestModel.Refusal(systemTable(table) != nil ? .readOnly : .noSuchTable)
    }

    private func require(
        _ index: (id: IndexID, schema: IndexSchema?)
    ) throws(GuestModel.Refusal) -> IndexSchema {
        if let schema = index.schema { return schema }
        throw GuestModel.Refusal(systemTable(core.catalog.table(of: index.id)) != nil ? .readOnly : .noSuchIndex)
    }

    /// Does it on the database and on the model: both give the same number, or refuse for the same reason.
    private func compare(
        _ note: String, _ operation: () throws -> Int,
        _ expected: (inout GuestModel) throws(GuestModel.Refusal) -> Int
    ) throws {
        var refusal: DatabaseError.Code?
        var count = 0
        do throws(GuestModel.Refusal) { count = try expected(&model) } catch { refusal = error.code }
        do {
            let actual = try operation()
            #expect(refusal == nil && actual == count, "\(note): \(actual), not \(refusal?.name ?? "\(count)")")
            accepted += 1
        } catch let error as DatabaseError {
            #expect(error.code == refusal, "\(note): \(error)")
            refused += 1
        }
    }

    /// After the transaction everything throws.
    func expectEnded(_ guest: GuestTransaction) {
        let (table, index) = (core.items, core.catalog.tableMap[0].firstIndex)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let operations: [() throws -> Void] = [
            { _ = try guest.caller }, { _ = try guest.timestamp }, { _ = try guest.identity },
            { _ = try guest.table(named: "t") }, { _ = try guest.index(named: "t") },
            { _ = try guest.credentials(of: .none) }, { try guest.insert(none, into: table) },
            { try guest.update(none, by: index) }, { try guest.delete(index, key: none) },
            { try guest.delete(index, range: .all) }, { try guest.delete(none, from: table) },
            { try guest.clear(table) }, { _ = try guest.count(table) }, { _ = try guest.scan(table) },
            { _ = try guest.scan(index, key: none) }, { _ = try guest.scan(index, range: .all) },
        ]
        for (number, operation) in operations.enumerated() {
            #expect(code(operation) == .transactionEnded, "operation \(number)")
        }
    }
}
