import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// Rows that any bytes of the right number are go the short way: from a guest's memory into the table. What comes of that is
/// what a dictionary says.
@Suite struct GuestPlainRowTests {
    /// Two tables `(id: u32, value: i64)`, the second of which has another index, which no row goes the short way past; and one
    /// whose rows are to be looked at.
    private static let module: ByteModule = {
        func table(_ name: String, _ type: UInt32, more: [RawIndexDef] = []) -> RawTableDefV10 {
            RawTableDefV10(
                sourceName: name, productTypeRef: type, primaryKey: [0],
                indexes: [RawIndexDef(sourceName: "\(name)_id", accessorName: "id", algorithm: .hash([0]))] + more,
                constraints: [RawConstraintDef(data: .unique([0]))])
        }
        let plain = AlgebraicType.product([("id", .u32), ("value", .i64)])
        return ByteModule(
            tables: [
                table("plain", 0),
                table(
                    "sorted", 1,
                    more: [RawIndexDef(sourceName: "sorted_value", accessorName: "value", algorithm: .btree([1]))]),
                table("flag", 2),
            ],
            types: [plain, plain, .product([("id", .u32), ("value", .i64), ("isOn", .bool)])],
            reducers: [("nothing", [], nil, { _, _ in })])
    }()

    private static let tables = ["plain", "sorted", "flag"]

    @Test(arguments: 0..<12 as Range<UInt64>)
    func rowsThatAreTakenAsTheyAreAreThoseOfADictionary(seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let core = try open(Self.module)
        var committed = [[UInt32: [UInt8]]](repeating: [:], count: 3)
        for round in 0..<12 {
            let serial = try core.runner.beginCall("nothing")
            let guest = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
            var model = committed
            for step in 0..<40 {
                try self.step(guest, &model, &random, "seed \(seed), round \(round), step \(step)")
            }
            if random.oneIn(3) {
                core.runner.abortCall()
            } else {
                try core.runner.commitCall()
                committed = model
            }
            try core.runner.checkInvariants()
            for (position, table) in Self.tables.enumerated() {
                let id = try #require(core.catalog.tableID(named: table))
                #expect(
                    try Dictionary(
                        uniqueKeysWithValues: core.rows(of: id).map { (try UInt32(bsatn: Array($0[..<4])), $0) })
                        == committed[position], "seed \(seed), round \(round)")
            }
        }
    }

    private func step(
        _ guest: GuestTransaction, _ model: inout [[UInt32: [UInt8]]], _ random: inout DeterministicRandom,
        _ place: Comment
    ) throws {
        let position = random.below(3)
        let table = try guest.table(named: Self.tables[position])
        let index = try guest.index(named: "\(Self.tables[position])_id")
        let id = UInt32(random.below(12))
        // A flag is 0 or 1; in every tenth row it is neither.
        let flag: [UInt8] = position == 2 ? [random.oneIn(10) ? 7 : UInt8(random.below(2))] : []
        var row = id.bsatn() + Int64(random.below(5)).bsatn() + flag
        switch random.below(12) {
        case 0: row.removeLast()
        case 1: row.append(0)
        default: break
        }
        let isRow = row.count == (position == 2 ? 13 : 12) && (position != 2 || row[12] < 2)
        let before = row
        let known = model[position][id]
        switch random.below(5) {
        case 0, 1:
            let other = position == 0 ? 1 : 0
            let (wrong, foreign) = (try guest.index(named: "\(Self.tables[other])_id"), random.oneIn(8))
            let outcome = code {
                let written = try row.withUnsafeMutableBytes {
                    try guest.update($0, numberingInto: table, by: foreign ? wrong : index)
                }
                #expect(written.byteCount == 0, place)
            }
            let expected: DatabaseError.Code? =
                foreign ? .noSuchIndex : !isRow ? .malformedRow : known == nil ? .noSuchRow : nil
            #expect(outcome == expected, place)
            if outcome == nil { model[position][id] = row }
        case 2, 3:
            let outcome = code {
                let written = try row.withUnsafeMutableBytes { try guest.insert($0, numberingInto: table) }
                #expect(written.byteCount == 0, place)
            }
            let clashes = known != nil && known != row
            #expect(outcome == (!isRow ? .malformedRow : clashes ? .uniqueViolation : nil), place)
            if outcome == nil { model[position][id] = row }
        default:
            let count = try id.bsatn().withUnsafeBytes { try guest.delete(index, key: $0) }
            #expect(count == (known == nil ? 0 : 1), place)
            model[position][id] = nil
        }
        #expect(row == before, "the guest's bytes were written to; \(place)")
        try id.bsatn().withUnsafeBytes { key in
            switch try guest.find(index, key: key) {
            case .none: #expect(model[position][id] == nil, place)
            case .row(let bytes): #expect(model[position][id] == Array(bytes), place)
            case .rows: Issue.record("a unique index has several rows; \(place)")
            }
        }
    }

    @Test func nothingIsWrittenWhereNothingMayBe() throws {
        let core = try open(Self.module)
        var row = UInt32(1).bsatn() + Int64(1).bsatn()
        let table = try #require(core.catalog.tableID(named: "plain"))
        let index = try #require(core.catalog.indexID(named: "plain_id"))
        let serial = try core.runner.beginRead()
        let guest = GuestTransaction(TransactionReference(runner: core.runner, serial: serial))
        func refusals() -> [DatabaseError.Code?] {
            row.withUnsafeMutableBytes { row in
                [
                    code { _ = try guest.insert(row, numberingInto: table) },
                    code { _ = try guest.update(row, numberingInto: table, by: index) },
                ]
            }
        }
        #expect(refusals() == [.readOnly, .readOnly])
        core.runner.endRead()
        #expect(refusals() == [.transactionEnded, .transactionEnded])
        #expect(try core.rows(of: table) == [])
    }
}

/// The code of the error that is thrown; nil if none is.
private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
    do { try body() } catch { return (error as? DatabaseError)?.code ?? .internalInconsistency }
    return nil
}
