import SpacetimeSATS

@testable import SpacetimeEngine

/// Rows of dynamic values that are grouped and aggregated as simply as can be, and random queries over them.
struct AggregateModel {
    let keys: [AlgebraicType]
    let inputs: [AggregateShape.Input]
    let outputs: [AggregateShape.Output]
    let shape: AggregateShape
    var rows: [ModelRow] = []

    struct ModelRow: Hashable {
        var key: [AlgebraicValue]
        /// Nil is missing.
        var values: [AlgebraicValue?]
    }

    private static let numbers: [AlgebraicType] = [
        .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64,
    ]

    init(_ random: inout SplitMix64) throws {
        keys = (0..<random.below(3)).map { _ in random.type(depth: random.below(2)) }
        inputs = (0..<1 + random.below(3)).map { _ in
            let number = Self.numbers[random.below(Self.numbers.count)]
            let type = random.oneIn(3) ? random.type(depth: 2) : random.oneIn(2) ? number : .option(number)
            return AggregateShape.Input(type, isNullable: random.oneIn(3))
        }
        var outputs: [AggregateShape.Output] = []
        for _ in 0..<1 + random.below(6) {
            let function = QueryAggregate.Function.allCases[random.below(5)]
            let input = random.below(inputs.count)
            let isDefined = function.result(of: inputs[input].type, isNullable: false, isGrouped: true) != nil
            if isDefined {
                outputs.append(AggregateShape.Output(function, of: input, isDistinct: random.oneIn(4)))
            } else {
                outputs.append(AggregateShape.Output(.count))
            }
        }
        self.outputs = outputs
        shape = try AggregateShape(keys: keys, inputs: inputs, outputs: outputs)
    }

    init(keys: [AlgebraicType], inputs: [AggregateShape.Input], outputs: [AggregateShape.Output]) throws {
        self.keys = keys
        self.inputs = inputs
        self.outputs = outputs
        shape = try AggregateShape(keys: keys, inputs: inputs, outputs: outputs)
    }

    func row(_ random: inout SplitMix64, domain: Int) -> ModelRow {
        ModelRow(
            key: keys.map { random.value(of: $0, domain: 2) },
            values: inputs.map { $0.isNullable && random.oneIn(4) ? nil : random.value(of: $0.type, domain: domain) })
    }

    // MARK: What is expected

    /// The result rows in the order of the keys.
    func results() -> [[UInt8]] {
        var groups: [[AlgebraicValue]: [ModelRow]] = keys.isEmpty ? [[]: []] : [:]
        for row in rows { groups[row.key, default: []].append(row) }
        return groups.map { key, rows in
            let row = key.map { Self.canonical($0).bsatn() } + outputs.map { result($0, rows) }
            return row.flatMap { $0 }
        }.sortedBytes()
    }

    private func result(_ output: AggregateShape.Output, _ rows: [ModelRow]) -> [UInt8] {
        guard let input = output.input else { return Self.bytes(UInt64(rows.count)) }
        let type = inputs[input].type
        var values = rows.compactMap(\.values[input])
        if let payload = type.optionPayload {
            values = values.compactMap { if case .sum(0, let value) = $0 { value } else { nil } }
            return result(output, values, payload, isNullable: true)
        }
        return result(output, values, type, isNullable: inputs[input].isNullable || keys.isEmpty)
    }

    private func result(
        _ output: AggregateShape.Output, _ all: [AlgebraicValue], _ type: AlgebraicType, isNullable: Bool
    ) -> [UInt8] {
        let values = output.isDistinct ? Array(Set(all)) : all
        func optional(_ bytes: [UInt8]?) -> [UInt8] {
            guard let bytes else { return [1] }
            return (isNullable ? [0] : []) + bytes
        }
        switch output.function {
        case .count: return Self.bytes(UInt64(values.count))
        case .min: return optional(values.min().map { Self.canonical($0).bsatn() })
        case .max: return optional(values.max().map { Self.canonical($0).bsatn() })
        case .sum:
            if values.isEmpty { return [1] }
            if type == .f32 || type == .f64 {
                return optional(Self.bytes(Self.floatSum(values).bitPattern))
            }
            let isSigned = Self.isSigned(type)
            let total = Self.integers(values, isSigned).reduce(BigInteger(), +)
            if type == .u256 || type == .i256 { return Self.option256(total, isSigned) }
            return optional(Self.bytes(total, count: type == .u128 || type == .i128 ? 32 : 16))
        case .average:
            if values.isEmpty { return [1] }
            if type == .f32 || type == .f64 {
                return optional(Self.bytes(Self.floatSum(values, dividedBy: UInt64(values.count)).bitPattern))
            }
            let total = Self.integers(values, Self.isSigned(type)).reduce(BigInteger(), +)
            return optional(Self.bytes(Self.average(total, values.count).bitPattern))
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    private static func isSigned(_ type: AlgebraicType) -> Bool {
        [.i8, .i16, .i32, .i64, .i128, .i256].contains(type)
    }

    private static func integers(_ values: [AlgebraicValue], _ isSigned: Bool) -> [BigInteger] {
        values.map { BigInteger(bytes: $0.bsatn(), isSigned: isSigned) }
    }

    private static func bytes(_ value: BigInteger, count: Int) -> [UInt8] {
        var carry: UInt16 = value.isNegative ? 1 : 0
        return (0..<count).map { place in
            let digit = place / 4 < value.digits.count ? value.digits[place / 4] : 0
            let byte = UInt8(truncatingIfNeeded: digit >> UInt32(place % 4 * 8))
            carry += UInt16(value.isNegative ? ~byte : byte)
            defer { carry >>= 8 }
            return UInt8(truncatingIfNeeded: carry)
        }
    }

    private static func option256(_ value: BigInteger, _ isSigned: Bool) -> [UInt8] {
        let bytes = bytes(value, count: 32)
        return BigInteger(bytes: bytes, isSigned: isSigned) == value ? [0] + bytes : [1]
    }

    /// The sums themselves have a test of their own, see `FloatSumTests`.
    private static func floatSum(_ values: [AlgebraicValue], dividedBy divisor: UInt64 = 1) -> Double {
        var sum = FloatSum()
        defer { sum.release() }
        for value in values {
            switch value {
            case .f32(let float): sum.add(Double(float), isRemoval: false)
            case .f64(let double): sum.add(double, isRemoval: false)
            default: break
            }
        }
        return sum.value(dividedBy: divisor)
    }

    /// The float nearest to a quotient, found near one that is not quite exact.
    private static func average(_ total: BigInteger, _ count: Int) -> Double {
        if total.digits.isEmpty { return 0 }
        var units = total.magnitude
        for _ in 0..<1_074 / 30 { units = units * (1 << 30) }
        units = units * (1 << (1_074 % 30))
        let near = total.digits.reversed().reduce(0.0) { $0 * 0x1p32 + Double($1) } / Double(count)
        for offset in [0, -1, 1, -2, 2, -3, 3] {
            let candidate = Double(bitPattern: UInt64(Int(near.bitPattern) + offset))
            if isNearest(candidate, toUnits: units, dividedBy: count) {
                return total.isNegative ? -candidate : candidate
            }
        }
        return .nan
    }

    static func canonical(_ value: AlgebraicValue) -> AlgebraicValue {
        switch value {
        case .f32(let float): .f32(float.isNaN ? .nan : float == 0 ? 0 : float)
        case .f64(let float): .f64(float.isNaN ? .nan : float == 0 ? 0 : float)
        case .array(let elements): .array(elements.map(canonical))
        case .product(let fields): .product(fields.map(canonical))
        case .sum(let tag, let payload): .sum(tag: tag, canonical(payload))
        default: value
        }
    }
}

extension AggregateGroups {
    /// Adds a row of dynamic values, or takes one out.
    @discardableResult
    mutating func apply(_ row: AggregateModel.ModelRow, isRemoval: Bool = false) -> UInt32? {
        let key = image(row.key)
        var bytes: [UInt8] = []
        let places = row.values.map { value in
            defer { bytes += value?.bsatn() ?? [] }
            return value.map { _ in bytes.count }
        }
        // An empty value has an address, too.
        bytes.append(0)
        return bytes.withUnsafeBytes { bytes in
            let values = places.map { place in place.flatMap { offset in bytes.baseAddress.map { $0 + offset } } }
            return key.withUnsafeBytes { key in
                values.withUnsafeBufferPointer { values in
                    guard let group = isRemoval ? find(key) : group(key) else { return nil }
                    isRemoval ? remove(values, from: group) : add(values, to: group)
                    return group
                }
            }
        }
    }

    func resultRows() -> [[UInt8]] {
        var rows: [[UInt8]] = []
        for group in 0..<bound where isPresent(group) {
            var row = KeyBuffer()
            appendResult(of: group, to: &row)
            rows.append(Array(row.bytes))
        }
        return rows
    }
}
