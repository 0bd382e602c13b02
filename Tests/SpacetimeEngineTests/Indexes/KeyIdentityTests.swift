import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// What the same key is, asked of everybody who decides it.
@Suite struct KeyIdentityTests {
    private static let doubles: [Double] = [
        0, -0.0, 1, -1, .infinity, -.infinity, .nan, -.nan, Double(nan: 5, signaling: false), .leastNonzeroMagnitude,
    ]

    struct Keys: Sendable, CustomTestStringConvertible {
        let type: AlgebraicType
        let values: [AlgebraicValue]
        var testDescription: String { "\(type)" }
    }

    private static let f64 = doubles.map { AlgebraicValue.f64($0) }
    private static let f32 = doubles.map { AlgebraicValue.f32(Float($0)) } + [.f32(Float(nan: 9, signaling: false))]

    static let all: [Keys] = [
        Keys(type: .f64, values: f64), Keys(type: .f32, values: f32),
        Keys(type: .option(.f64), values: f64.map { .sum(tag: 0, $0) } + [.sum(tag: 1, .unit)]),
        Keys(
            type: .product([("n", .u8), ("x", .f32)]),
            values: f32.flatMap { float in [1, 2].map { .product([.u8($0), float]) } }),
        Keys(type: .array(.f64), values: [.array([])] + f64.map { .array([.f64(0), $0]) }),
        Keys(
            type: .sum([("circle", .f64), ("square", .product([("w", .f64)])), ("point", .unit)]),
            values: f64.map { .sum(tag: 0, $0) } + f64.map { .sum(tag: 1, .product([$0])) } + [.sum(tag: 2, .unit)]),
        Keys(type: .string, values: ["", "e\u{301}", "é", "a", "a\0"].map { .string($0) }),
        Keys(type: .option(.u8), values: [.sum(tag: 1, .unit), .sum(tag: 0, .u8(0)), .sum(tag: 0, .u8(1))]),
    ]

    /// Of each pair of values: whether one finds the other in an index, whether their change is an update for subscribers
    /// and a replacement for the log, and whether both may be in one table.
    @Test(arguments: all, [IndexAlgorithm.hash, .btree])
    func everybodyAgrees(_ keys: Keys, _ algorithm: IndexAlgorithm) throws {
        let schema = TableSchema(
            name: "t", columns: [("k", keys.type), ("n", .u8)], primaryKey: [0],
            indexes: [IndexSchema(name: "by_k", algorithm: algorithm, columns: [0])])
        let locator = try #require(KeyLocator(schema))
        func key(_ value: AlgebraicValue) -> [UInt8] { image([value, .u8(0)]).withUnsafeBytes { locator.key(of: $0) } }
        for (i, first) in keys.values.enumerated() {
            for (j, second) in keys.values.enumerated() {
                let isSame = first == second
                let datastore = Datastore()
                let replica = Datastore()
                let table = try datastore.createTable(schema)
                _ = try replica.createTable(schema)
                let index = datastore.index(table)
                let log = LogBuffer()
                datastore.begin()
                try datastore.insert(table, [first, .u8(1)])
                log.encode(datastore)
                datastore.commit()
                try log.withBytes { try replica.replay($0) }
                let texts = "\(i) and \(j)"

                #expect((key(first) == key(second)) == isSame, "\(texts)")
                #expect((try datastore.find(index, [second]) != nil) == isSame, "\(texts)")
                #expect(try datastore.count(index, [second]) == (isSame ? 1 : 0), "\(texts)")
                datastore.begin()
                let added = outcome { try datastore.insert(table, [second, .u8(2)]) }
                #expect(((try? added.get()) == nil) == isSame, "\(texts)")
                datastore.rollback()

                datastore.begin()
                let updated = outcome { try datastore.update(index, [second, .u8(2)]) }
                #expect(((try? updated.get()) != nil) == isSame, "\(texts)")
                log.encode(datastore)
                let changes = try log.withBytes { try datastore.describe($0) }
                #expect(changes.map(\.kind) == (isSame ? [.replace] : []), "\(texts)")
                datastore.commit()
                try log.withBytes { try replica.replay($0) }
                #expect(try replica.rows(table) == datastore.rows(table), "\(texts)")
                try datastore.checkInvariants()
                try replica.checkInvariants()

                datastore.begin()
                #expect(try datastore.delete(index, [first]) == 1, "\(texts)")
                datastore.commit()
            }
        }
    }
}
