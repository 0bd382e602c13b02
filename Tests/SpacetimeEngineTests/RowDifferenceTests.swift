import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeEngine

/// Rows are compared by their bytes: what is gone, what is new, and what was replaced.
@Suite struct RowDifferenceTests {
    private static func gone(_ difference: borrowing RowDifference) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        for number in 0..<difference.count where difference.isGone(number) { found.insert(Array(difference[number])) }
        return found
    }

    private static func come(_ difference: borrowing RowDifference) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        for number in 0..<difference.count where difference.isNew(number) { found.insert(Array(difference[number])) }
        return found
    }

    @Test(arguments: 0..<4) func goneAndNewAreTheDifferencesOfBothSets(seed: UInt64) {
        var random = RandomValues(seed: seed)
        var difference = RowDifference()
        for round in 0..<200 {
            difference.removeAll()
            var (old, new): (Set<[UInt8]>, Set<[UInt8]>) = ([], [])
            // In any order, and some several times; now and then many.
            let count = Int.random(in: 0...(round % 50 == 0 ? 2_000 : 12), using: &random)
            for _ in 0..<count {
                let row = [UInt8](
                    repeating: UInt8.random(in: 0...15, using: &random), count: Int.random(in: 0...20, using: &random))
                if Bool.random(using: &random) {
                    old.insert(row)
                    row.withUnsafeBytes { difference.addOld($0) }
                } else {
                    new.insert(row)
                    row.withUnsafeBytes { difference.addNew($0) }
                }
            }
            let differing = difference.count
            #expect(differing == old.union(new).count, "seed \(seed), round \(round)")
            let (gone, come) = (Self.gone(difference), Self.come(difference))
            #expect(gone == old.subtracting(new), "seed \(seed), round \(round)")
            #expect(come == new.subtracting(old), "seed \(seed), round \(round)")
        }
    }

    @Test func aRowThatHasThePlaceOfAnotherIsNoNewOne() {
        var difference = RowDifference()
        for row: [UInt8] in [[1], [2]] { row.withUnsafeBytes { difference.addOld($0) } }
        for row: [UInt8] in [[2], [3], [4]] { row.withUnsafeBytes { difference.addNew($0) } }
        // The numbers are those of the order in which they came.
        var results: [Bool] = []
        for row: [UInt8] in [[2], [3], [5], [1], [1]] {
            results.append(row.withUnsafeBytes { difference.put(2, inPlaceOf: $0) })
        }
        #expect(results == [false, false, false, true, false])
        let (gone, come) = (Self.gone(difference), Self.come(difference))
        #expect(gone.isEmpty && come == [[4]])
    }

    @Test func anArrayIsTakenApartIntoItsRowsOrRefused() throws {
        let schema = TableSchema(
            name: "t", columns: [ColumnSchema(name: "id", type: .u16), ColumnSchema(name: "text", type: .string)])
        let splitter = try RowSplitter(schema)
        let rows = [UInt16(1).bsatn() + "one".bsatn(), UInt16(2).bsatn() + "".bsatn()]
        let bytes = UInt32(2).bsatn() + rows.joined()
        let taken = try bytes.withUnsafeBytes { try splitter.rows(inArray: $0).map { Array($0) } }
        #expect(taken == rows)
        // Too few rows, too many, and every shorter piece.
        for count: UInt32 in [0, 1, 3, .max] {
            let wrong = count.bsatn() + rows.joined()
            #expect(throws: BSATNError.self) { try wrong.withUnsafeBytes { _ = try splitter.rows(inArray: $0) } }
        }
        for length in 0..<bytes.count {
            #expect(throws: BSATNError.self) {
                try Array(bytes.prefix(length)).withUnsafeBytes { _ = try splitter.rows(inArray: $0) }
            }
        }
    }

    @Test func whatATransactionHasChangedSoFarIsKnownBeforeItCommits() throws {
        let datastore = Datastore()
        func table(_ name: String) throws -> TableID {
            try datastore.createTable(TableSchema(name: name, columns: [ColumnSchema(name: "n", type: .u64)]))
        }
        let (first, second) = (try table("first"), try table("second"))
        func insert(_ number: UInt64, _ table: TableID) throws {
            var row = number.bsatn()
            _ = try row.withUnsafeMutableBytes { try datastore.insert(table, row: $0) }
        }
        func delete(_ number: UInt64, _ table: TableID) throws {
            _ = try number.bsatn().withUnsafeBytes { try datastore.deleteRow(table, equalTo: $0) }
        }
        datastore.begin()
        try insert(1, first)
        datastore.commit()
        datastore.begin()
        #expect(datastore.netChanges { _ in true } == nil)
        try insert(2, first)
        try insert(3, first)
        try delete(3, first)
        try delete(1, first)
        try insert(9, second)
        let changes = try #require(datastore.netChanges { $0 == first })
        #expect(changes.tables.map(\.table) == [first])
        #expect(Array(changes.tables[0].inserts[0]) == UInt64(2).bsatn())
        #expect(Array(changes.tables[0].deletes[0]) == UInt64(1).bsatn())
        // It goes on, and ends as if nobody had looked.
        try insert(4, first)
        let all = try #require(datastore.commit(collecting: .all))
        #expect(all.tables.map { [$0.inserts.count, $0.deletes.count] } == [[2, 1], [1, 0]])
    }
}
