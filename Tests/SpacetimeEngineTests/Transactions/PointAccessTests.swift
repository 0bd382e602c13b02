import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// The short way of look-ups and updates beside the general one, on two datastores that are to stay equal.
@Suite struct PointAccessTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var columns: [(String, AlgebraicType)]
        var key: ColumnID = 0
        var second: ColumnID?
        var isHash = true
        /// Whether rows are found, and updated, in the short way.
        var finds = true
        var updates = true
    }

    static let shapes = [
        Shape(testDescription: "a short key", columns: [("id", .u32), ("n", .i64)]),
        Shape(testDescription: "a long signed key", columns: [("n", .u8), ("id", .i64), ("m", .u8)], key: 1),
        Shape(testDescription: "a signed key", columns: [("id", .i32), ("n", .u16)]),
        Shape(testDescription: "a second index", columns: [("id", .u64), ("n", .u32)], second: 1, updates: false),
        Shape(
            testDescription: "rows of any length", columns: [("id", .u32), ("s", .string)]),
        Shape(testDescription: "a narrow key", columns: [("id", .u16), ("n", .u32)], finds: false, updates: false),
        Shape(
            testDescription: "an ordered key", columns: [("id", .u32), ("n", .u32)], isHash: false, finds: false,
            updates: false),
    ]

    private func make(_ shape: Shape, seed: UInt64) throws -> (Datastore, TableID, IndexID) {
        let datastore = Datastore(hashSeed: seed)
        let algorithm: IndexAlgorithm = shape.isHash ? .hash : .btree
        var indexes = [
            IndexSchema(name: "by_key", algorithm: algorithm, columns: [shape.key], isUnique: true)
        ]
        if let second = shape.second {
            indexes.append(IndexSchema(name: "by_second", columns: [second]))
        }
        let table = try datastore.make(
            "t", shape.columns, primaryKey: [shape.key], indexes: indexes, unique: [[shape.key]])
        return (datastore, table, datastore.index(table))
    }

    private func value(_ type: AlgebraicType, _ number: Int) -> AlgebraicValue {
        switch type {
        case .u8: .u8(UInt8(truncatingIfNeeded: number))
        case .u16: .u16(UInt16(truncatingIfNeeded: number))
        case .u32: .u32(UInt32(truncatingIfNeeded: number))
        case .i32: .i32(Int32(truncatingIfNeeded: number))
        case .u64: .u64(UInt64(bitPattern: Int64(number)))
        case .i64: .i64(Int64(number))
        default: .string(String(repeating: "x", count: number & 31))
        }
    }

    @Test(arguments: shapes)
    func theShortWayDoesWhatTheGeneralOneDoes(_ shape: Shape) throws {
        var random = seededRandom()
        let seed: UInt64 = random.next()
        let (short, table, index) = try make(shape, seed: seed)
        let (general, _, _) = try make(shape, seed: seed)
        var held: [DatastoreSnapshot] = []
        func row(_ key: Int) -> [UInt8] {
            image(
                shape.columns.enumerated().map { position, column in
                    value(column.1, position == shape.key.index ? key : Int.random(in: -3...200, using: &random))
                })
        }
        var counts = (found: 0, updated: 0)
        for _ in 0..<400 {
            short.begin()
            general.begin()
            let scan = Int.random(in: 0..<8, using: &random) == 0 ? try short.scan(table) : nil
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let key = Int.random(in: -20...20, using: &random)
                var bytes = row(key)
                let keyBytes = image([value(shape.columns[shape.key.index].1, key)])
                let expected = try keyBytes.withUnsafeBytes { try general.find(index, key: $0).map { Array($0) } }
                var bits: UInt64 = 0
                withUnsafeMutableBytes(of: &bits) { $0.copyBytes(from: keyBytes.prefix(8)) }
                switch short.findPoint(index, bits: bits, byteCount: keyBytes.count) {
                case .row(let found):
                    #expect(Array(found) == expected)
                    counts.found += 1
                case .none:
                    #expect(expected == nil)
                    counts.found += 1
                case .unknown: #expect(!shape.finds)
                }
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    var copy = bytes
                    let inserted = outcome { try short.insert(table, bytes: &bytes) }
                    #expect(inserted == outcome { try general.insert(table, bytes: &copy) })
                case 1:
                    let deleted = try keyBytes.withUnsafeBytes { try short.delete(index, key: $0) }
                    #expect(try keyBytes.withUnsafeBytes { try general.delete(index, key: $0) } == deleted)
                default:
                    var copy = bytes
                    let wasDone = bytes.withUnsafeBytes { short.updatePoint(index, row: $0) }
                    if wasDone { counts.updated += 1 }
                    let updated = wasDone ? .success(()) : outcome { try short.update(index, bytes: &bytes) }
                    let other = outcome { try general.update(index, bytes: &copy) }
                    #expect("\(updated)" == "\(other)")
                }
            }
            withExtendedLifetime(scan) {}
            var left = BSATNWriter()
            var right = BSATNWriter()
            short.encodeChanges(into: &left)
            general.encodeChanges(into: &right)
            #expect(left.toArray() == right.toArray())
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                short.rollback()
                general.rollback()
            case 1:
                #expect(short.commit(collecting: .all) == general.commit(collecting: .all))
            default:
                let hasChanges = general.hasChanges
                #expect(short.commitUnwatched() == hasChanges)
                general.commit()
            }
            #expect(try short.rows(table).sortedBytes() == general.rows(table).sortedBytes())
            // Pages that a snapshot holds are copied, whichever way is taken.
            if Int.random(in: 0..<5, using: &random) == 0 { held.append(short.snapshot()) }
            if held.count > 2 { held.removeFirst() }
            try short.checkInvariants()
        }
        #expect((counts.found > 0) == shape.finds && (counts.updated > 0) == shape.updates)
    }

    @Test func anUpdateOutsideOfATransactionIsLeftToTheGeneralForm() throws {
        let (datastore, table, index) = try make(Self.shapes[0], seed: 1)
        try datastore.transact { try datastore.insert(table, [.u32(1), .i64(1)]) }
        let row = image([.u32(1), .i64(2)])
        #expect(!row.withUnsafeBytes { datastore.updatePoint(index, row: $0) })
        #expect(!row.withUnsafeBytes { datastore.updatePoint(IndexID(99), row: $0) })
        #expect(try datastore.rows(table) == [image([.u32(1), .i64(1)])])
    }
}
