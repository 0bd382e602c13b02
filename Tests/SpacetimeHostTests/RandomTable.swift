import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeHost

extension DeterministicRandom {
    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    /// A column type: mostly something that one field of a condition can be.
    mutating func columnType(depth: Int = 2) -> AlgebraicType {
        let scalars: [AlgebraicType] = [
            .bool, .i8, .u8, .i16, .u32, .i64, .u64, .i128, .u256, .f32, .f64, .string, .string, .bytes, .timestamp,
            .identity, .scheduleAt,
        ]
        guard depth > 0 else { return scalars[below(scalars.count)] }
        switch below(12) {
        case 0: return .array(columnType(depth: depth - 1))
        case 1, 2, 3: return .option(columnType(depth: depth - 1))
        case 4, 5: return .product((0..<below(4)).map { ("f\($0)", columnType(depth: depth - 1)) })
        case 6: return .sum((0..<1 + below(4)).map { ("V\($0)", oneIn(2) ? .unit : columnType(depth: depth - 1)) })
        case 7: return .sum((0..<1 + below(5)).map { ("C\($0)", .unit) })
        default: return scalars[below(scalars.count)]
        }
    }

    /// A value; few different ones, so that they meet again.
    mutating func value(of type: AlgebraicType) -> AlgebraicValue {
        let number = oneIn(12) ? [Int.max, .min, 127, -128, 255][below(5)] : below(9) - 3
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
        case .f32: return .f32([0, -0.0, .nan, -.nan, .infinity, 1.5, -2][below(7)])
        case .f64: return .f64([0, -0.0, .nan, Double(nan: 5, signaling: false), -.infinity, 1.5, -2][below(7)])
        case .string:
            return .string(
                ["", "a", "ab", "abc", "b", "é", "e\u{301}", "\0", "a\0", "\u{D7FF}x", "\u{10FFFF}", "✓🙂"][below(12)])
        case .array(.u8): return .bytes((0..<below(4)).map { _ in UInt8(below(3)) })
        case .array(let element): return .array((0..<below(3)).map { _ in value(of: element) })
        case .product(let product): return .product(product.elements.map { value(of: $0.algebraicType) })
        case .sum(let sum):
            let tag = below(sum.variants.count)
            return .sum(tag: UInt8(tag), value(of: sum.variants[tag].algebraicType))
        case .ref: return .unit
        }
    }
}

/// A table of random columns under random indexes, and conditions on it together with what they mean for decoded rows.
struct RandomTable {
    typealias Row = [AlgebraicValue]
    typealias Condition = (predicate: RowPredicate, holds: (Row) -> Bool)

    let types: [AlgebraicType]
    private let definition: RawTableDefV10

    /// Column 0 is the primary key, column 1 another unique number.
    init(_ random: inout DeterministicRandom) {
        types = [.u32, .u16] + (0..<2 + random.below(4)).map { _ in random.columnType() }
        let last = types.count - 1
        var indexes: [RawIndexDef] = []
        func add(_ algorithm: RawIndexAlgorithm) {
            indexes.append(
                RawIndexDef(sourceName: "i\(indexes.count)", accessorName: "i\(indexes.count)", algorithm: algorithm))
        }
        add([.btree([0]), .hash([0]), .direct(0)][random.below(3)])
        add([.btree([1]), .hash([1]), .direct(1)][random.below(3)])
        for column in 2...last where random.oneIn(2) {
            add(random.oneIn(3) ? .hash([ColumnID(column)]) : .btree([ColumnID(column)]))
        }
        if last > 2 {
            let columns = [ColumnID(2 + random.below(last - 2)), ColumnID(last)]
            add(random.oneIn(4) ? .hash(columns) : .btree(columns))
        }
        definition = RawTableDefV10(
            sourceName: "t", productTypeRef: 0, primaryKey: [0], indexes: indexes,
            constraints: [RawConstraintDef(data: .unique([0])), RawConstraintDef(data: .unique([1]))])
    }

    /// A module with reducers that take a row as it is stored: `put` inserts or replaces it, `remove` deletes it.
    var module: ByteModule {
        var declared: [AlgebraicType] = [.unit]
        declared[0] = .product(types.enumerated().map { ("c\($0)", Self.declare($1, &declared)) })
        return ByteModule(
            tables: [definition], types: declared,
            reducers: [
                (
                    "put", [], nil,
                    { transaction, reader in
                        let row = try reader.rest()
                        let index = try transaction.index(named: "i0")
                        try row.prefix(4).withUnsafeBytes { _ = try transaction.delete(index, key: $0) }
                        let table = try transaction.table(named: "t")
                        try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                    }
                ),
                (
                    "remove", [], nil,
                    { transaction, reader in
                        let key = try reader.rest()
                        let index = try transaction.index(named: "i0")
                        try key.withUnsafeBytes { _ = try transaction.delete(index, key: $0) }
                    }
                ),
            ])
    }

    /// The type as a module writes it: everything composite is declared by itself.
    private static func declare(_ type: AlgebraicType, _ declared: inout [AlgebraicType]) -> AlgebraicType {
        switch type {
        case .array(let element): return .array(declare(element, &declared))
        case _ where [.timestamp, .identity, .scheduleAt, .unit].contains(type): return type
        case .product(let product):
            let fields = product.elements.map { ($0.name ?? "", declare($0.algebraicType, &declared)) }
            declared.append(.product(fields))
        case .sum(let sum):
            if let payload = type.optionPayload { return .option(declare(payload, &declared)) }
            let variants = sum.variants.map { ($0.name ?? "", declare($0.algebraicType, &declared)) }
            declared.append(.sum(variants))
        default: return type
        }
        return .ref(UInt32(declared.count - 1))
    }

    func row(_ id: Int, _ random: inout DeterministicRandom) -> Row {
        [.u32(UInt32(id)), .u16(UInt16(id) ^ 3)] + types.dropFirst(2).map { random.value(of: $0) }
    }

    static func image(_ row: Row) -> [UInt8] { row.flatMap { $0.bsatn() } }

    // MARK: Conditions

    func condition(_ random: inout DeterministicRandom, _ rows: [Row], depth: Int = 3) -> Condition {
        if depth > 0 {
            switch random.below(9) {
            case 0, 1, 2:
                let parts = (0..<random.below(4)).map { _ in condition(&random, rows, depth: depth - 1) }
                return (.and(parts.map(\.predicate)), { row in parts.allSatisfy { $0.holds(row) } })
            case 3, 4:
                let parts = (0..<random.below(4)).map { _ in condition(&random, rows, depth: depth - 1) }
                return (.or(parts.map(\.predicate)), { row in parts.contains { $0.holds(row) } })
            case 5:
                let inner = condition(&random, rows, depth: depth - 1)
                return (.not(inner.predicate), { !inner.holds($0) })
            default: break
            }
        }
        return test(&random, rows)
    }

    /// One test of one field. Values come mostly from rows.
    private func test(_ random: inout DeterministicRandom, _ rows: [Row]) -> Condition {
        let (path, type) = path(&random)
        func value() -> AlgebraicValue {
            if !random.oneIn(4), let row = rows.randomElement(using: &random), let value = Self.value(path, row) {
                return value
            }
            return random.value(of: type)
        }
        switch random.below(10) {
        case 0:
            return (RowPredicate(.isPresent(path)), { Self.value(path, $0) != nil })
        case 1, 2:
            let values = (0..<random.below(6)).map { _ in value() }
            let list = ValueList(count: values.count, bytes: values.flatMap { $0.bsatn() })
            return (
                RowPredicate(.isIn(path, list)), { row in Self.value(path, row).map { values.contains($0) } ?? false }
            )
        case 3:
            let others = (0..<20).map { _ in self.path(&random) }.filter { $0.1 == type }
            guard let other = others.first?.0 else { break }
            let comparison = Self.comparison(&random)
            return (
                RowPredicate(.compareFields(path, comparison, other)),
                { row in
                    switch (Self.value(path, row), Self.value(other, row)) {
                    case (let left?, let right?): Self.holds(left, comparison, right)
                    case (nil, nil): comparison == .equal
                    default: comparison == .notEqual
                    }
                }
            )
        case 4, 5:
            guard type == .string || type == .bytes else { break }
            let bytes = Array(value().bsatn().dropFirst(4))
            // Any beginning: not always text itself.
            let prefix = Array(bytes.prefix(random.below(bytes.count + 1)))
            return (
                RowPredicate(.hasPrefix(path, prefix)),
                { row in Self.value(path, row).map { $0.bsatn().dropFirst(4).starts(with: prefix) } ?? false }
            )
        default: break
        }
        let comparison = random.oneIn(2) ? .equal : Self.comparison(&random)
        let literal = value()
        return (
            RowPredicate(.compare(path, comparison, literal.bsatn())),
            { row in Self.value(path, row).map { Self.holds($0, comparison, literal) } ?? (comparison == .notEqual) }
        )
    }

    private func path(_ random: inout DeterministicRandom) -> (FieldPath, AlgebraicType) {
        let column = random.below(types.count)
        var path = FieldPath(ColumnID(column))
        var type = types[column]
        while !random.oneIn(3) {
            switch type {
            case .product(let product) where !product.elements.isEmpty:
                let field = random.below(product.elements.count)
                path.steps.append(.field(field))
                type = product.elements[field].algebraicType
            case .sum(let sum):
                let tag = random.below(sum.variants.count)
                path.steps.append(.payload(UInt8(tag)))
                type = sum.variants[tag].algebraicType
            default: return (path, type)
            }
        }
        return (path, type)
    }

    private static func comparison(_ random: inout DeterministicRandom) -> RowPredicate.Comparison {
        RowPredicate.Comparison(rawValue: UInt8(random.below(6))) ?? .equal
    }

    private static func value(_ path: FieldPath, _ row: Row) -> AlgebraicValue? {
        var value = row[path.column.index]
        for step in path.steps {
            switch (step, value) {
            case (.field(let field), .product(let fields)): value = fields[field]
            case (.payload(let tag), .sum(tag: let other, let payload)):
                guard tag == other else { return nil }
                value = payload
            default: return nil
            }
        }
        return value
    }

    private static func holds(
        _ left: AlgebraicValue, _ comparison: RowPredicate.Comparison, _ right: AlgebraicValue
    ) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}

extension BSATNReader {
    /// All bytes that are left.
    mutating func rest() throws(BSATNError) -> [UInt8] {
        var bytes: [UInt8] = []
        while remaining > 0 { bytes.append(try readU8()) }
        return bytes
    }
}
