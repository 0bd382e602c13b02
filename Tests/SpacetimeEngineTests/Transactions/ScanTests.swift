import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct ScanTests {
    enum Kind: CaseIterable {
        case table, tree, textTree, direct, predicate, tableFromTheBack, treeFromTheBack, directFromTheBack, keys,
            sorted
        case turned

        /// Whether rows come in the order of their ids; nil if in another one.
        var isAscending: Bool? {
            switch self {
            case .tree, .direct, .keys, .sorted, .turned: true
            case .treeFromTheBack, .directFromTheBack: false
            case .table, .textTree, .predicate, .tableFromTheBack: nil
            }
        }
    }

    private struct Fixture {
        let datastore = Datastore()
        let table: TableID
        var rows: [[UInt8]] = []

        /// 300 rows: several batches, more than one leaf.
        init(count: Int = 300) throws {
            table = try datastore.make(
                "t", [("id", .u32), ("name", .string), ("k", .u16)], primaryKey: [0],
                indexes: [
                    IndexSchema(name: "by_name", columns: [1]),
                    IndexSchema(name: "by_k", algorithm: .direct, columns: [2], isUnique: true),
                ])
            datastore.begin()
            for i in 0..<count {
                let row = Self.row(i)
                try datastore.insert(table, row)
                rows.append(image(row))
            }
            datastore.commit()
        }

        static func row(_ i: Int, _ name: String? = nil) -> Row {
            [.u32(UInt32(i)), .string(name ?? "some name \(i % 50)"), .u16(UInt16(i))]
        }

        func open(_ kind: Kind) throws -> RowScan {
            // The order of a table's indexes is the schema's, then the ones made for constraints.
            let byID = try #require(datastore.indexIDs(of: table).last)
            switch kind {
            case .table: return try datastore.scan(table)
            case .predicate:
                let all = RowPredicate.compare(0, .greaterOrEqual, UInt32(0).bsatnBytes)
                return try datastore.scan(table, where: datastore.compile(all, for: table))
            case .tree: return try datastore.scan(byID, range: .all)
            case .textTree: return try datastore.scan(datastore.index(table, 0), range: .all)
            case .direct: return try datastore.scan(datastore.index(table, 1), range: .all)
            case .tableFromTheBack: return try datastore.scan(table, window: ScanWindow(isReversed: true))
            case .treeFromTheBack:
                return try datastore.scan(byID, range: .all, window: ScanWindow(isReversed: true))
            case .directFromTheBack:
                let byKey = datastore.index(table, 1)
                return try datastore.scan(byKey, range: .all, window: ScanWindow(isReversed: true))
            case .keys:
                let ids = (0..<UInt32(rows.count)).reversed().flatMap { $0.bsatnBytes }
                return try datastore.scan(byID, keys: KeyList(values: ValueList(count: rows.count, bytes: ids)))
            case .sorted: return try datastore.sortedScan(byID)
            case .turned:
                let scan = try datastore.scan(byID, range: .all, window: ScanWindow(isReversed: true))
                scan.turnRound(limit: .max)
                return scan
            }
        }

        var byID: IndexID { datastore.indexIDs(of: table)[2] }
    }

    enum Write: CaseIterable {
        case insert, updateInPlace, updateMoving, updateKey, delete, deleteRange, clear, rollBack
    }

    private func write(_ kind: Write, _ fixture: Fixture, step: Int) throws {
        let datastore = fixture.datastore
        switch kind {
        case .insert: try datastore.insert(fixture.table, Fixture.row(1_000 + step))
        case .updateInPlace: try datastore.update(fixture.byID, Fixture.row(step, "XXXX name \(step % 50)"))
        case .updateMoving:
            try datastore.update(fixture.byID, Fixture.row(step, String(repeating: "long", count: 20 + step)))
        case .updateKey: try datastore.update(fixture.byID, Fixture.row(step, "a"))
        case .delete: try datastore.delete(fixture.byID, [.u32(UInt32(step))])
        case .deleteRange: try datastore.delete(datastore.index(fixture.table, 0), range: .all)
        case .clear: try datastore.clear(fixture.table)
        case .rollBack:
            let savepoint = datastore.savepoint()
            try datastore.clear(fixture.table)
            try datastore.insert(fixture.table, Fixture.row(7, "other"))
            datastore.rollback(to: savepoint)
        }
    }

    @Test(arguments: Kind.allCases, Write.allCases)
    func aScanShowsTheRowsOfTheMomentItWasOpened(_ kind: Kind, _ change: Write) throws {
        let fixture = try Fixture()
        fixture.datastore.begin()
        let scan = try fixture.open(kind)
        var seen: [[UInt8]] = []
        var step = 0
        while true {
            let count = scan.refill()
            if count == 0 { break }
            for i in 0..<count {
                seen.append(Array(scan.batch[i]))
                // A write in the middle of a batch: what the batch points to must stay.
                if step % 7 == 3 { try write(change, fixture, step: step) }
                step += 1
            }
        }
        #expect(seen.count == fixture.rows.count)
        #expect(seen.sortedBytes() == fixture.rows.sortedBytes())
        if let isAscending = kind.isAscending {
            #expect(seen == (isAscending ? fixture.rows : fixture.rows.reversed()))
        }
        try fixture.datastore.checkInvariants()
        fixture.datastore.rollback()
        #expect(try readInTransaction(fixture).sortedBytes() == fixture.rows.sortedBytes())
        try fixture.datastore.checkInvariants()
    }

    private func readInTransaction(_ fixture: Fixture) throws -> [[UInt8]] {
        fixture.datastore.begin()
        defer { fixture.datastore.commit() }
        return try fixture.datastore.rows(fixture.table)
    }

    @Test(arguments: Kind.allCases, [0, 1, 63, 64, 65, 300]) func aBatchOfAScanHasItsRows(
        _ kind: Kind, _ count: Int
    ) throws {
        let fixture = try Fixture(count: count)
        fixture.datastore.begin()
        let batch = RowBatch(rowsOf: try fixture.open(kind))
        var expected = RowBatch()
        let scan = try fixture.open(kind)
        while case let found = scan.refill(), found > 0 {
            for position in 0..<found { expected.append(scan.batch[position]) }
        }
        #expect(batch == expected && batch.count == count)
        fixture.datastore.rollback()
    }

    @Test func scansOpenedAtDifferentTimesShowDifferentRows() throws {
        let fixture = try Fixture()
        let datastore = fixture.datastore
        datastore.begin()
        let first = try fixture.open(.table)
        let firstBatch = first.refill()
        try datastore.delete(fixture.byID, [.u32(0)])
        let second = try fixture.open(.tree)
        let third = try fixture.open(.direct)
        try datastore.insert(fixture.table, Fixture.row(900))
        let fourth = try fixture.open(.textTree)
        try datastore.clear(fixture.table)
        let fifth = try fixture.open(.table)
        #expect(firstBatch == ScanState.batchLimit)
        #expect((0..<firstBatch).map { Array(first.batch[$0]) } + collect(first) == fixture.rows)
        #expect(collect(second) == Array(fixture.rows.dropFirst()))
        #expect(collect(third) == Array(fixture.rows.dropFirst()))
        #expect(collect(fourth).count == 300)
        #expect(collect(fifth).isEmpty)
        datastore.commit()
    }

    @Test func nestedScansDoNotDisturbEachOther() throws {
        let fixture = try Fixture(count: 90)
        let datastore = fixture.datastore
        datastore.begin()
        var pairs = 0
        let outer = try fixture.open(.table)
        while case let count = outer.refill(), count > 0 {
            for i in 0..<count {
                let bytes = Array(outer.batch[i])
                let inner = try fixture.open(i % 2 == 0 ? .tree : .table)
                pairs += collect(inner).count
                #expect(Array(outer.batch[i]) == bytes)
                if i == 10 { try datastore.insert(fixture.table, Fixture.row(500)) }
            }
        }
        // Ten outer rows came before the eleventh one's insert, which its own inner scan preceded.
        #expect(pairs == 11 * 90 + 79 * 91)
        datastore.commit()
    }

    @Test func abandonedScansLeaveNothingBehind() throws {
        let fixture = try Fixture()
        let datastore = fixture.datastore
        datastore.begin()
        for kind in Kind.allCases {
            let scan = try fixture.open(kind)
            #expect(scan.refill() > 0)
            if kind == .tree { try datastore.delete(fixture.byID, [.u32(5)]) }
        }
        let kept = try fixture.open(.table)
        _ = kept.refill()
        datastore.commit()
        // The kept scan is alive beyond its transaction, but off every list.
        datastore.begin()
        try datastore.clear(fixture.table)
        datastore.commit()
        try datastore.checkInvariants()
        withExtendedLifetime(kept) {}
    }

    @Test func aFinishedScanStaysFinished() throws {
        let fixture = try Fixture(count: 3)
        fixture.datastore.begin()
        let scan = try fixture.open(.table)
        #expect(collect(scan).count == 3)
        try fixture.datastore.insert(fixture.table, Fixture.row(100))
        #expect(scan.refill() == 0)
        let empty = try fixture.datastore.scan(fixture.byID, [.u32(77)])
        try fixture.datastore.insert(fixture.table, Fixture.row(77))
        #expect(empty.refill() == 0)
        fixture.datastore.commit()
    }

    @Test func aScanOfADroppedTableEnds() throws {
        let fixture = try Fixture()
        let scan = try fixture.open(.table)
        #expect(scan.refill() > 0)
        try fixture.datastore.dropTable(fixture.table)
        #expect(scan.refill() == 0)
    }

    @Test func aScanTrapsAfterItsTransaction() async {
        await #expect(processExitsWith: .failure) {
            let datastore = Datastore()
            let table = try datastore.make("t", [("id", .u32)])
            datastore.begin()
            try datastore.insert(table, [.u32(1)])
            let scan = try datastore.scan(table)
            datastore.commit()
            _ = scan.refill()
        }
    }

    @Test func aSavepointOfAnotherTransactionTraps() async {
        await #expect(processExitsWith: .failure) {
            let datastore = Datastore()
            datastore.begin()
            let savepoint = datastore.savepoint()
            datastore.commit()
            datastore.begin()
            datastore.rollback(to: savepoint)
        }
    }

    @Test func transactionsDoNotNest() async {
        await #expect(processExitsWith: .failure) {
            let datastore = Datastore()
            datastore.begin()
            datastore.begin()
        }
    }
}

extension UInt32 {
    fileprivate var bsatnBytes: [UInt8] { AlgebraicValue.u32(self).bsatn() }
}
