package import SpacetimeSATS
package import SpacetimeSchema

/// Tables for random queries: with and without keys, under all kinds of indexes, and with columns that join.
package struct RandomSchema: Sendable {
    package let tables: [TableSchema]
    /// The type of the columns `id` and `ref` of all tables.
    package let keyType: AlgebraicType

    package init(_ random: inout RandomValues, tables count: Int) {
        let keyTypes: [AlgebraicType] = [.u32, .u64, .u64, .i64, .i32, .u16, .string, .identity, .uuid, .i128]
        let keyType = random.one(of: keyTypes)
        self.keyType = keyType
        tables = (0..<count).map { Self.table($0, keyType, &random) }
    }

    /// Some of them words of SQL.
    private static let names = ["select", "level", "order", "x", "y", "group", "limit", "tag", "desc", "is_on"]

    private static func table(_ number: Int, _ keyType: AlgebraicType, _ random: inout RandomValues) -> TableSchema {
        var names = names
        var columns: [(String, AlgebraicType)] = [("id", keyType), ("ref", keyType)]
        for _ in 0..<1 + random.below(4) {
            // Often one of a kind that is there, so that columns can be compared.
            let isAgain = columns.count > 2 && random.oneIn(3)
            let type = isAgain ? random.one(of: columns[2...].map(\.1)) : random.columnType()
            columns.append((names.remove(at: random.below(names.count)), type))
        }
        var indexes: [IndexSchema] = []
        func add(_ algorithm: IndexAlgorithm, _ columns: [Int], isUnique: Bool = false) {
            guard !indexes.contains(where: { $0.columns == columns.map { ColumnID($0) } }) else { return }
            indexes.append(
                IndexSchema(
                    name: "t\(number)_i\(indexes.count)", algorithm: algorithm, columns: columns.map { ColumnID($0) },
                    isUnique: isUnique))
        }
        let hasKey = !random.oneIn(4)
        if hasKey {
            let isDense = [.u16, .u32, .u64].contains(keyType)
            add(random.one(of: isDense ? [.btree, .hash, .direct] : [.btree, .hash]), [0], isUnique: true)
        } else if random.oneIn(2) {
            add(random.oneIn(3) ? .hash : .btree, [0])
        }
        if !random.oneIn(3) { add(random.oneIn(3) ? .hash : .btree, [1]) }
        for column in 2..<columns.count where random.oneIn(3) { add(random.oneIn(3) ? .hash : .btree, [column]) }
        if random.oneIn(2) {
            let all = (1..<columns.count).shuffled(using: &random)
            add(random.oneIn(4) ? .hash : .btree, Array(all.prefix(2 + random.below(2))))
        }
        return TableSchema(
            name: "t\(number)", columns: columns, primaryKey: hasKey ? [0] : [], indexes: indexes)
    }

    // MARK: Rows

    package func row(_ table: Int, _ random: inout RandomValues) -> [AlgebraicValue] {
        tables[table].columns.enumerated().map { position, column in
            position < 2 ? key(random.below(position == 0 ? 16 : 10)) : random.fewValue(of: column.type)
        }
    }

    private func key(_ number: Int) -> AlgebraicValue {
        switch keyType {
        case .string: .string("k\(number)")
        case .i128: .i128(Int128(number - 4) << 70)
        case _ where keyType.isIdentity: .product([.u256(UInt256(UInt128(number)))])
        case _ where keyType.isUuid: .product([.u128(UInt128(number) << 100)])
        default: AlgebraicValue(wholeNumber: Int256(Int128(number)), keyType) ?? .unit
        }
    }

    package func types(_ table: Int) -> [AlgebraicType] { tables[table].columns.map(\.type) }
}

extension RandomValues {
    /// Mostly something that a query can compare.
    mutating func columnType(depth: Int = 2) -> AlgebraicType {
        let scalars: [AlgebraicType] = [
            .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64, .f64, .string,
            .string, .bytes, .timestamp, .identity, .uuid, .u32, .i32,
        ]
        guard depth > 0 else { return one(of: scalars) }
        switch below(12) {
        case 0, 1: return .option(columnType(depth: 0))
        case 2, 3: return .product((0..<1 + below(3)).map { ("f\($0)", columnType(depth: depth - 1)) })
        case 4: return .sum((0..<1 + below(3)).map { ("V\($0)", oneIn(2) ? .unit : columnType(depth: depth - 1)) })
        case 5: return .sum((0..<1 + below(4)).map { ("C\($0)", .unit) })
        default: return one(of: scalars)
        }
    }

    /// Few different ones, so that they meet again; now and then the ends of the type.
    package mutating func fewValue(of type: AlgebraicType) -> AlgebraicValue {
        let number = oneIn(25) ? one(of: [Int.max, .min, 127, -128, 255]) : below(7) - 2
        switch type {
        case .bool: return .bool(oneIn(2))
        case .i8: return .i8(Int8(truncatingIfNeeded: number))
        case .u8: return .u8(UInt8(truncatingIfNeeded: number))
        case .i16: return .i16(Int16(truncatingIfNeeded: number))
        case .u16: return .u16(UInt16(truncatingIfNeeded: number))
        case .i32: return .i32(Int32(truncatingIfNeeded: number))
        case .u32: return .u32(UInt32(truncatingIfNeeded: number))
        case .i64: return .i64(Int64(number))
        case .u64: return .u64(UInt64(truncatingIfNeeded: number))
        case .i128: return .i128(Int128(number) << (oneIn(3) ? 64 : 0))
        case .u128: return .u128(UInt128(truncatingIfNeeded: number))
        case .i256: return .i256(Int256(bitPattern: UInt256(high: number < 0 ? .max : 0, low: 5)))
        case .u256: return .u256(UInt256(high: UInt128(below(2)), low: UInt128(below(3))))
        // Sums of these are exact in any order.
        case .f32: return .f32(one(of: [0, -0.0, .nan, -.nan, .infinity, 1.5, -2, 1.5]))
        case .f64: return .f64(one(of: [0, -0.0, .nan, Double(nan: 5, signaling: false), -.infinity, 1.5, -2, 0.25]))
        case .string:
            return .string(one(of: ["", "a", "ab", "abc", "b", "é", "e\u{301}", "it's", "a\0", "\u{D7FF}x", "✓🙂"]))
        case .array(.u8): return .bytes((0..<below(4)).map { _ in UInt8(below(3)) })
        case .array(let element): return .array((0..<below(3)).map { _ in fewValue(of: element) })
        case .product(let product): return .product(product.elements.map { fewValue(of: $0.algebraicType) })
        case .sum(let sum):
            let tag = below(sum.variants.count)
            return .sum(tag: UInt8(tag), fewValue(of: sum.variants[tag].algebraicType))
        case .ref: return .unit
        }
    }
}
