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

    /// The values that a column of a type gets until its sequence has none left.
    private func all(
        _ type: AlgebraicType, start: Int128 = 1, minimum: Int128 = 1, maximum: Int128 = .max, increment: Int128 = 1
    ) throws -> (numbers: [Int128], last: Int128) {
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("id", type), ("n", .u32)],
            sequences: [
                SequenceSchema(
                    name: "s", column: 0, start: start, minimum: minimum, maximum: maximum, increment: increment)
            ])
        var numbers: [Int128] = []
        datastore.begin()
        defer { datastore.rollback() }
        while true {
            var bytes = image([.integer(0, of: type), .u32(UInt32(numbers.count))])
            switch outcome({ try datastore.insert(table, bytes: &bytes) }) {
            case .success:
                let row = try AlgebraicValue(bsatn: bytes, type: .product([("id", type), ("n", .u32)]))
                guard case .product(let columns) = row, let number = columns[0].int128 else { return (numbers, 0) }
                numbers.append(number)
            case .failure(.sequenceExhausted("t", "id", let last)): return (numbers, last)
            case .failure(let error): throw error
            }
        }
    }

    @Test func aSequenceEndsWithWhatItsColumnHolds() throws {
        #expect(try all(.u8) == (Array(1...255), 255))
        #expect(try all(.i8) == (Array(1...127), 127))
        #expect(try all(.i16, start: 32_766) == ([32_766, 32_767], 32_767))
        #expect(try all(.u64, start: Int128(UInt64.max) - 1).numbers == [Int128(UInt64.max) - 1, Int128(UInt64.max)])
        #expect(try all(.i8, start: -126, minimum: -200, increment: -1).numbers == [-126, -127, -128])
        #expect(try all(.u8, start: 3, minimum: -3, increment: -1).numbers == [3, 2, 1])
        #expect(try all(.u8, start: 300) == ([], 255))
    }

    @Test func aSequenceEndsWithItsOwnRange() throws {
        #expect(try all(.u32, start: 4, minimum: 2, maximum: 5) == ([4, 5], 5))
        #expect(try all(.i32, start: 3, minimum: -5, maximum: 9, increment: 4) == ([3, 7], 9))
        #expect(try all(.i32, start: -1, minimum: -9, maximum: 9, increment: -4) == ([-1, -5, -9], -9))
        for type in [.i128, .u128, .i256, .u256] as [AlgebraicType] {
            #expect(try all(type, start: .max - 2).numbers == [.max - 2, .max - 1])
        }
        #expect(try all(.i128, start: .min + 1, minimum: .min, maximum: 3, increment: -5).numbers == [.min + 1])
    }

    @Test func zeroIsNotHandedOut() throws {
        #expect(try all(.i32, start: -2, minimum: -2, maximum: 2).numbers == [-2, -1, 1, 2])
        #expect(try all(.i32, start: 2, minimum: -2, maximum: 2, increment: -2).numbers == [2, -2])
        #expect(try all(.u8, start: 0, minimum: 0, maximum: 9, increment: 4).numbers == [4, 8])
    }

    @Test func anExhaustedSequenceStaysSoAndOtherRowsGoIn() throws {
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("id", .u8)], primaryKey: [0], sequences: [SequenceSchema(name: "s", column: 0)])
        for _ in 1...255 {
            try datastore.transact {
                try datastore.insert(table, [.u8(0)])
                try datastore.clear(table)
            }
        }
        let copy = try loadedCopy(of: datastore, [table], [try #require(datastore.schema(of: table))])
        for store in [datastore, copy] {
            try store.transact { () throws in
                #expect(throws: EngineError.sequenceExhausted(table: "t", column: "id", last: 255)) {
                    try store.insert(table, [.u8(0)])
                }
                #expect(try store.insert(table, [.u8(7)]))
                #expect(throws: EngineError.self) { try store.insert(table, [.u8(0)]) }
                #expect(try store.rows(table) == [[7]])
            }
        }
    }

    @Test(
        arguments: [
            .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256,
        ] as [AlgebraicType])
    func everyWidthCounts(_ type: AlgebraicType) throws {
        #expect(try generate(type, 3) == [1, 2, 3].map { .integer($0, of: type) })
        #expect(
            try generate(type, 3, start: 7, minimum: 1, maximum: 9, increment: -2)
                == [7, 5, 3].map { .integer($0, of: type) })
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

    @Test func aNumberOfARowsOwnMovesTheSequenceOn() throws {
        let (datastore, table, _) = try counter()
        try datastore.transact { () throws in
            #expect(try insert(datastore, table, 1, 1) == 1)
            #expect(try insert(datastore, table, 0, 2) == 2)
            #expect(try insert(datastore, table, 9, 3) == 9)
            #expect(try insert(datastore, table, 5, 4) == 5)
            #expect(try insert(datastore, table, 0, 5) == 10)
            #expect(try insert(datastore, table, 11, 6) == 11)
            #expect(try insert(datastore, table, 0, 7) == 12)
        }
    }

    @Test func aRefusedRowsOwnNumberMovesNothing() throws {
        let (datastore, table, index) = try counter()
        try datastore.transact { () throws in
            #expect(try insert(datastore, table, 0, 1) == 1)
            #expect(throws: EngineError.self) { try insert(datastore, table, 90, 1) }
            #expect(throws: EngineError.self) { try datastore.update(index, [.u32(80), .u8(1)]) }
            #expect(try insert(datastore, table, 0, 2) == 2)
        }
    }

    @Test func anUpdateToAnotherNumberMovesTheSequenceOn() throws {
        let (datastore, table, index) = try counter()
        let byN = try #require(datastore.indexIDs(of: table).first { $0 != index })
        try datastore.transact { () throws in
            #expect(try insert(datastore, table, 0, 1) == 1)
            try datastore.update(byN, [.u32(40), .u8(1)])
            #expect(try insert(datastore, table, 0, 2) == 41)
        }
    }

    @Test(
        arguments: [
            (1, 1, 10, 7, 8), (1, 3, 100, 7, 10), (1, 3, 100, 8, 10), (1, 3, 100, 99, 100), (1, 3, 100, 100, nil),
            (1, 3, 100, 101, 1),
            (-10, 5, 20, -4, 5), (-10, 5, 20, -7, -5), (-10, 4, 20, -2, 2), (1, 1, 10, 10, nil),
            (1, 1, 10, 0x1_0000, 1),
        ] as [(Int, Int, Int, Int, Int?)])
    func aStepIsKeptWhenARowBringsItsOwnNumber(
        _ start: Int, _ increment: Int, _ maximum: Int, _ own: Int, _ next: Int?
    ) throws {
        // Upwards, and the mirror image downwards.
        for sign in [1, -1] {
            let datastore = Datastore()
            let bound = min(start, -50)
            let (lower, upper) = sign == 1 ? (bound, maximum) : (-maximum, -bound)
            let table = try datastore.make(
                "t", [("id", .i32), ("n", .u8)],
                sequences: [
                    SequenceSchema(
                        name: "s", column: 0, start: Int128(sign * start), minimum: Int128(lower),
                        maximum: Int128(upper),
                        increment: Int128(sign * increment))
                ])
            try datastore.transact { () throws in
                try datastore.insert(table, [.i32(Int32(sign * own)), .u8(1)])
                var bytes = image([.i32(0), .u8(2)])
                guard let next else {
                    #expect(throws: EngineError.self) { try datastore.insert(table, [.i32(0), .u8(2)]) }
                    return
                }
                _ = try datastore.insert(table, bytes: &bytes)
                #expect(bytes == image([.i32(Int32(sign * next)), .u8(2)]))
            }
        }
    }

    @Test func valuesBeyond128BitsLeaveTheSequenceAlone() throws {
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("id", .u256)], primaryKey: [0], sequences: [SequenceSchema(name: "s", column: 0)])
        try datastore.transact { () throws in
            try datastore.insert(table, [.u256(UInt256(high: 1, low: 0))])
            try datastore.insert(table, [.u256(UInt256(high: 0, low: .max))])
            var bytes = image([.u256(0)])
            _ = try datastore.insert(table, bytes: &bytes)
            #expect(bytes == image([.u256(1)]))
        }
    }

    @Test func anUpdateNumbersARowThatHadANumber() throws {
        let (datastore, table, index) = try counter()
        let byN = try #require(datastore.indexIDs(of: table).first { $0 != index })
        try datastore.transact {
            #expect(try insert(datastore, table, 50, 7) == 50)
            var bytes = image([.u32(0), .u8(7)])
            try datastore.update(byN, bytes: &bytes)
            #expect(bytes == image([.u32(51), .u8(7)]))
            #expect(try datastore.rows(table) == [bytes])
            #expect(try datastore.find(index, [.u32(50)]) == nil && datastore.find(index, [.u32(51)]) == bytes)
        }
        try datastore.checkInvariants()
    }

    /// Zero is stored where rows are older than the sequence.
    @Test func anUpdateLeavesAStoredZeroAlone() throws {
        let (datastore, table, index) = try counter()
        let byN = try #require(datastore.indexIDs(of: table).first { $0 != index })
        try image([.u32(0), .u8(7)]).withUnsafeBytes { try datastore.loadRow($0, into: table) }
        try datastore.finishFilling(table)
        try datastore.transact {
            for update in [(index, 9), (byN, 9), (index, 7)] as [(IndexID, UInt8)] {
                var bytes = image([.u32(0), .u8(update.1)])
                try datastore.update(update.0, bytes: &bytes)
                #expect(bytes == image([.u32(0), .u8(update.1)]))
                #expect(try datastore.rows(table) == [bytes])
            }
            #expect(try insert(datastore, table, 0, 1) == 1)
        }
        try datastore.checkInvariants()
    }

    // MARK: The log

    /// A datastore that followed by its log, and how it stood before the last call.
    @Test func theLogKnowsWhatFailedCallsHaveDrawn() throws {
        let (datastore, table, index) = try counter()
        let (replica, _, _) = try counter()
        let log = LogBuffer()
        func commit(_ body: () throws -> Void) throws {
            datastore.begin()
            try body()
            log.encode(datastore)
            datastore.commit()
        }
        func replay() throws -> [Int128] {
            try log.withBytes { try replica.restoreSequences(before: $0) }
            let before = replica.sequencePositions(of: table)
            try log.withBytes { try replica.replay($0) }
            #expect(replica.sequencePositions(of: table) == datastore.sequencePositions(of: table))
            return before
        }
        try commit { _ = try insert(datastore, table, 0, 1) }
        #expect(try replay() == [1])
        datastore.begin()
        #expect(try insert(datastore, table, 0, 2) == 2)
        datastore.rollback()
        // A commit that nobody logs is like a failed call.
        datastore.begin()
        #expect(try insert(datastore, table, 0, 2) == 3)
        try datastore.delete(index, [.u32(3)])
        datastore.commit()
        try commit { _ = try insert(datastore, table, 0, 2) }
        #expect(try replay() == [4])
        #expect(try replica.rows(table) == datastore.rows(table))
        // One whose record could not be kept draws no numbers that the log would know of.
        datastore.begin()
        #expect(try insert(datastore, table, 0, 9) == 5)
        log.encode(datastore)
        datastore.rollback()
        // An update of another row tells of them.
        try commit { try datastore.update(index, [.u32(1), .u8(11)]) }
        #expect(try replay() == [6])
        try commit { try datastore.update(index, [.u32(1), .u8(12)]) }
        // Nothing but the row, whose unique number changes.
        #expect(log.bytes.count == (1 + 4) + (1 + 4 + 1) + (1 + 5))
        #expect(try replay() == [6])
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
