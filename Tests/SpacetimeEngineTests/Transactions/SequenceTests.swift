import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct SequenceTests {
    /// The values that a column of a type gets.
    private func generate(
        _ type: AlgebraicType, _ count: Int, start: Int128 = 1, minimum: Int128 = 1, maximum: Int128 = .max,
        increment: Int128 = 1
    ) throws -> [AlgebraicValue] {
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("text", .string), ("id", type)],
            sequences: [
                SequenceSchema(
                    name: "s", column: 1, start: start, minimum: minimum, maximum: maximum, increment: increment)
            ])
        var values: [AlgebraicValue] = []
        try datastore.transact {
            for i in 0..<count {
                var bytes = image([.string("row \(i)"), .integer(0, of: type)])
                _ = try datastore.insert(table, bytes: &bytes)
                let row = try AlgebraicValue(bsatn: bytes, type: .product([("text", .string), ("id", type)]))
                guard case .product(let columns) = row else { continue }
                values.append(columns[1])
            }
        }
        return values
    }

    @Test func narrowUnsignedColumnsTruncate() throws {
        let values = try generate(.u8, 258)
        #expect(values == (1...258).map { .u8(UInt8(truncatingIfNeeded: $0)) })
        #expect(Array(values[253...]) == [.u8(254), .u8(255), .u8(0), .u8(1), .u8(2)])
    }

    @Test func narrowSignedColumnsTruncate() throws {
        #expect(Array(try generate(.i8, 129)[126...]) == [.i8(127), .i8(-128), .i8(-127)])
        #expect(try generate(.i16, 2, start: 32_767) == [.i16(.max), .i16(.min)])
    }

    @Test(
        arguments: [
            .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256,
        ] as [AlgebraicType])
    func everyWidthCounts(_ type: AlgebraicType) throws {
        #expect(try generate(type, 3) == [1, 2, 3].map { .integer($0, of: type) })
        #expect(
            try generate(type, 4, start: -1, minimum: -3, maximum: 7, increment: -1)
                == [-1, -2, -3, 7].map { .integer($0, of: type) })
    }

    @Test func theEndWrapsToTheOtherEnd() throws {
        #expect(try generate(.u32, 5, start: 4, minimum: 2, maximum: 5) == [4, 5, 2, 3, 4].map { .u32($0) })
        #expect(
            try generate(.i32, 5, start: 0, minimum: -5, maximum: 9, increment: 7)
                == [0, 7, -5, 2, 9].map { .integer($0, of: .i32) })
        #expect(try generate(.i128, 2, start: .max) == [.i128(.max), .i128(1)])
        #expect(
            try generate(.i128, 3, start: .min, minimum: .min, maximum: 3, increment: -5)
                == [.i128(.min), .i128(3), .i128(-2)])
    }

    private func counter() throws -> (datastore: Datastore, table: TableID, index: IndexID) {
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("id", .u32), ("n", .u8)], primaryKey: [0], unique: [[1]],
            sequences: [SequenceSchema(name: "s", column: 0)])
        let index = try #require(datastore.indexIDs(of: table).first { datastore.schema(of: $0)?.columns == [0] })
        return (datastore, table, index)
    }

    private func insert(_ datastore: Datastore, _ table: TableID, _ id: UInt32, _ n: UInt8) throws -> UInt32 {
        var bytes = image([.u32(id), .u8(n)])
        _ = try datastore.insert(table, bytes: &bytes)
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    }

    @Test func aRollbackDoesNotGiveValuesBack() throws {
        let (datastore, table, _) = try counter()
        datastore.begin()
        #expect(try insert(datastore, table, 0, 1) == 1)
        let savepoint = datastore.savepoint()
        #expect(try insert(datastore, table, 0, 2) == 2)
        datastore.rollback(to: savepoint)
        #expect(try insert(datastore, table, 0, 2) == 3)
        datastore.rollback()
        try datastore.transact { () throws in #expect(try insert(datastore, table, 0, 1) == 4) }
    }

    @Test func aFailedInsertConsumesItsValue() throws {
        let (datastore, table, _) = try counter()
        try datastore.transact { () throws in
            #expect(try insert(datastore, table, 0, 1) == 1)
            #expect(throws: EngineError.self) { try insert(datastore, table, 0, 1) }
            #expect(try insert(datastore, table, 0, 2) == 3)
        }
    }

    @Test func explicitValuesAreStoredAndMayCollide() throws {
        let (datastore, table, _) = try counter()
        try datastore.transact { () throws in
            #expect(try insert(datastore, table, 2, 1) == 2)
            #expect(try insert(datastore, table, 0, 2) == 1)
            #expect(throws: EngineError.self) { try insert(datastore, table, 0, 3) }
            #expect(try insert(datastore, table, 0, 3) == 3)
        }
    }

    @Test func anUpdateReplacesZeroToo() throws {
        let (datastore, table, index) = try counter()
        let byN = try #require(datastore.indexIDs(of: table).first { $0 != index })
        try datastore.transact {
            #expect(try insert(datastore, table, 50, 7) == 50)
            var bytes = image([.u32(0), .u8(7)])
            try datastore.update(byN, bytes: &bytes)
            #expect(bytes == image([.u32(1), .u8(7)]))
            #expect(try datastore.rows(table) == [bytes])
            #expect(try datastore.find(index, [.u32(50)]) == nil && datastore.find(index, [.u32(1)]) == bytes)
        }
        try datastore.checkInvariants()
    }

    @Test func aMalformedRowConsumesNothing() throws {
        let (datastore, table, _) = try counter()
        try datastore.transact { () throws in
            var short = image([.u32(0)])
            #expect(throws: EngineError.self) { try datastore.insert(table, validatingBytes: &short) }
            #expect(try insert(datastore, table, 0, 1) == 1)
        }
    }
}
