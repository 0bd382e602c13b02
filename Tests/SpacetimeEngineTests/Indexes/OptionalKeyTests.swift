import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Unique columns that may be nil: any number of rows may have none.
@Suite struct OptionalKeyTests {
    private static let none = AlgebraicValue.sum(tag: 1, .unit)
    private static func mail(_ text: String?) -> AlgebraicValue { text.map { .sum(tag: 0, .string($0)) } ?? none }
    private static func row(_ mail: String?, _ id: UInt32) -> Row { [self.mail(mail), .u32(id)] }

    private func make(_ algorithm: IndexAlgorithm, key: [ColumnID] = [1]) throws -> (Datastore, TableID, IndexID) {
        let datastore = Datastore()
        let table = try datastore.make(
            "person", [("mail", .option(.string)), ("id", .u32)], primaryKey: key,
            indexes: [IndexSchema(name: "by_mail", algorithm: algorithm, columns: [0])], unique: [[0]])
        return (datastore, table, datastore.index(table))
    }

    @Test(arguments: [IndexAlgorithm.hash, .btree])
    func nilIsNoValueThatCouldRepeat(_ algorithm: IndexAlgorithm) throws {
        let (datastore, table, index) = try make(algorithm)
        try datastore.transact { () throws in
            for id in 1...200 as ClosedRange<UInt32> { try datastore.insert(table, Self.row(nil, id)) }
            try datastore.insert(table, Self.row("a", 300))
            #expect(
                throws: EngineError.uniqueViolation(
                    table: "person", constraint: "person_unique_0", columns: ["mail"], key: "mail = \"a\"")
            ) { try datastore.insert(table, Self.row("a", 301)) }
        }
        try datastore.checkInvariants()
        #expect(try datastore.find(index, [Self.none]) == nil)
        #expect(try datastore.find(index, [Self.mail("a")]) == image(Self.row("a", 300)))
        #expect(try datastore.count(index, [Self.none]) == 200)
        #expect(collect(try datastore.scan(index, [Self.none])).count == 200)
        try datastore.transact { () throws in
            #expect(try datastore.delete(index, [Self.none]) == 0)
            #expect(throws: EngineError.noSuchRow(table: "person", index: "by_mail", key: "mail = nil")) {
                try datastore.update(index, Self.row(nil, 1))
            }
            // From nil to a value and back.
            let byID = try #require(datastore.indexIDs(of: table).first { $0 != index })
            try datastore.update(byID, Self.row("b", 7))
            try datastore.update(byID, Self.row(nil, 300))
            #expect(throws: EngineError.self) { try datastore.update(byID, Self.row("b", 8)) }
        }
        #expect(try datastore.count(index, [Self.none]) == 200)
        try datastore.checkInvariants()
    }

    @Test func nilInThePrimaryKeyIsAValue() throws {
        let (datastore, table, index) = try make(.hash, key: [0])
        try datastore.transact { () throws in
            #expect(try datastore.insert(table, Self.row(nil, 1)))
            #expect(throws: EngineError.self) { try datastore.insert(table, Self.row(nil, 2)) }
            try datastore.update(index, Self.row(nil, 3))
            #expect(try datastore.find(index, [Self.none]) == image(Self.row(nil, 3)))
            #expect(try datastore.delete(index, [Self.none]) == 1)
        }
    }

    @Test func rowsWithNilAreCheckedWhenTheColumnBecomesThePrimaryKey() throws {
        let (datastore, table, _) = try make(.hash)
        try datastore.transact {
            for id in 1...3 as ClosedRange<UInt32> { try datastore.insert(table, Self.row(nil, id)) }
        }
        let (other, keyed, _) = try make(.hash, key: [0])
        let snapshot = datastore.snapshot()
        #expect(
            throws: EngineError.duplicateKeys(
                table: "person", constraint: "person_unique_0", columns: ["mail"], keys: ["mail = nil"])
        ) { try other.adoptRows(of: keyed, from: snapshot, table) }
        let (again, same, _) = try make(.btree)
        try again.adoptRows(of: same, from: snapshot, table)
        #expect(again.count(same) == 3)
        try again.checkInvariants()
    }

    @Test func onlyTheOutermostNilCounts() throws {
        let datastore = Datastore()
        let inner = AlgebraicType.option(.u8)
        let table = try datastore.make(
            "t", [("nested", .option(inner)), ("wrapped", .product([("o", inner)])), ("n", .u8)], unique: [[0], [1]])
        func row(_ nested: AlgebraicValue, _ wrapped: UInt8?, _ n: UInt8) -> Row {
            [nested, .product([wrapped.map { .sum(tag: 0, .u8($0)) } ?? Self.none]), .u8(n)]
        }
        let someNil = AlgebraicValue.sum(tag: 0, Self.none)
        try datastore.transact { () throws in
            #expect(try datastore.insert(table, row(Self.none, 1, 1)) && datastore.insert(table, row(Self.none, 2, 1)))
            #expect(try datastore.insert(table, row(someNil, 3, 1)))
            #expect(throws: EngineError.self) { try datastore.insert(table, row(someNil, 4, 1)) }
            #expect(try datastore.insert(table, row(Self.none, nil, 1)))
            #expect(throws: EngineError.self) { try datastore.insert(table, row(Self.none, nil, 2)) }
        }
        try datastore.checkInvariants()
    }

    /// As older versions logged the only row with nil, by its key.
    @Test(arguments: [IndexAlgorithm.hash, .btree])
    func changesThatNameTheNilRowByItsKeyAreReplayed(_ algorithm: IndexAlgorithm) throws {
        for isDelete in [true, false] {
            let (datastore, table, _) = try make(algorithm)
            try datastore.transact {
                for (mail, id) in [("a", 1), (nil, 2), ("b", 3)] as [(String?, UInt32)] {
                    try datastore.insert(table, Self.row(mail, id))
                }
            }
            let named = image(isDelete ? [Self.none] : Self.row(nil, 9))
            let size = [UInt8(named.count), 0, 0, 0]
            let change = [1, 0, 0, 0, 0, isDelete ? 2 : 4] + size + named
            try change.withUnsafeBytes { try datastore.replay($0) }
            try datastore.checkInvariants()
            let rest = [Self.row("a", 1), Self.row("b", 3)] + (isDelete ? [] : [Self.row(nil, 9)])
            #expect(try datastore.rows(table).sortedBytes() == rest.map(image).sortedBytes())
        }
    }
}
