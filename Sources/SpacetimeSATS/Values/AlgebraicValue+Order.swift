extension AlgebraicValue: Hashable, Comparable {
    /// Equality of keys.
    public static func == (left: AlgebraicValue, right: AlgebraicValue) -> Bool { left.compare(right) == .equal }

    /// Order of keys. Values of different shapes, which never meet in one column, are ordered by shape.
    public static func < (left: AlgebraicValue, right: AlgebraicValue) -> Bool { left.compare(right) == .less }

    enum Comparison { case less, equal, greater }

    func compare(_ other: AlgebraicValue) -> Comparison {
        switch (self, other) {
        case (.bool(let left), .bool(let right)): Self.compare(left ? 1 : 0, right ? 1 : 0)
        case (.i8(let left), .i8(let right)): Self.compare(left, right)
        case (.u8(let left), .u8(let right)): Self.compare(left, right)
        case (.i16(let left), .i16(let right)): Self.compare(left, right)
        case (.u16(let left), .u16(let right)): Self.compare(left, right)
        case (.i32(let left), .i32(let right)): Self.compare(left, right)
        case (.u32(let left), .u32(let right)): Self.compare(left, right)
        case (.i64(let left), .i64(let right)): Self.compare(left, right)
        case (.u64(let left), .u64(let right)): Self.compare(left, right)
        case (.i128(let left), .i128(let right)): Self.compare(left, right)
        case (.u128(let left), .u128(let right)): Self.compare(left, right)
        case (.i256(let left), .i256(let right)): Self.compare(left, right)
        case (.u256(let left), .u256(let right)): Self.compare(left, right)
        case (.f32(let left), .f32(let right)): Self.compare(Double(left).keyOrder, Double(right).keyOrder)
        case (.f64(let left), .f64(let right)): Self.compare(left.keyOrder, right.keyOrder)
        // Swift compares strings by canonical equivalence; keys compare by bytes.
        case (.string(let left), .string(let right)): Self.compare(sequences: left.utf8, right.utf8, Self.compare)
        case (.bytes(let left), .bytes(let right)): Self.compare(sequences: left, right, Self.compare)
        case (.array(let left), .array(let right)), (.product(let left), .product(let right)):
            Self.compare(sequences: left, right) { $0.compare($1) }
        case (.sum(let leftTag, let left), .sum(let rightTag, let right)):
            leftTag == rightTag ? left.compare(right) : Self.compare(leftTag, rightTag)
        default: Self.compare(rank, other.rank)
        }
    }

    private static func compare<Number: Comparable>(_ left: Number, _ right: Number) -> Comparison {
        left < right ? .less : left == right ? .equal : .greater
    }

    private static func compare<Elements: Sequence>(
        sequences left: Elements, _ right: Elements, _ compare: (Elements.Element, Elements.Element) -> Comparison
    ) -> Comparison {
        var rights = right.makeIterator()
        for element in left {
            guard let other = rights.next() else { return .greater }
            let comparison = compare(element, other)
            if comparison != .equal { return comparison }
        }
        return rights.next() == nil ? .equal : .less
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .i8: 1
        case .u8: 2
        case .i16: 3
        case .u16: 4
        case .i32: 5
        case .u32: 6
        case .i64: 7
        case .u64: 8
        case .i128: 9
        case .u128: 10
        case .i256: 11
        case .u256: 12
        case .f32: 13
        case .f64: 14
        case .string: 15
        case .bytes: 16
        case .array: 17
        case .product: 18
        case .sum: 19
        }
    }

    /// Agrees with the equality of keys.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(rank)
        switch self {
        case .bool(let value): hasher.combine(value)
        case .i8(let value): hasher.combine(value)
        case .u8(let value): hasher.combine(value)
        case .i16(let value): hasher.combine(value)
        case .u16(let value): hasher.combine(value)
        case .i32(let value): hasher.combine(value)
        case .u32(let value): hasher.combine(value)
        case .i64(let value): hasher.combine(value)
        case .u64(let value): hasher.combine(value)
        case .i128(let value): hasher.combine(value)
        case .u128(let value): hasher.combine(value)
        case .i256(let value): hasher.combine(value)
        case .u256(let value): hasher.combine(value)
        case .f32(let value): hasher.combine(Double(value).keyOrder)
        case .f64(let value): hasher.combine(value.keyOrder)
        case .string(let value):
            hasher.combine(value.utf8.count)
            for byte in value.utf8 { hasher.combine(byte) }
        case .bytes(let value): hasher.combine(value)
        case .array(let values), .product(let values): hasher.combine(values)
        case .sum(let tag, let payload):
            hasher.combine(tag)
            payload.hash(into: &hasher)
        }
    }

    /// Equality of whole rows: as `==`, but floats are compared by their bits, so that −0 differs from +0 and NaNs differ
    /// by payload.
    public func hasSameBytes(as other: AlgebraicValue) -> Bool {
        switch (self, other) {
        case (.f32(let left), .f32(let right)): left.bitPattern == right.bitPattern
        case (.f64(let left), .f64(let right)): left.bitPattern == right.bitPattern
        case (.array(let left), .array(let right)), (.product(let left), .product(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.hasSameBytes(as: $1) }
        case (.sum(let leftTag, let left), .sum(let rightTag, let right)):
            leftTag == rightTag && left.hasSameBytes(as: right)
        default: self == other
        }
    }
}

extension Double {
    /// An integer that orders as keys of this type do: the zeros coincide, the NaNs coincide above everything else.
    ///
    /// 32-bit floats go through `Double`, which holds each of them exactly.
    var keyOrder: UInt64 {
        if isNaN { return .max }
        let bits = (self == 0 ? 0.0 : self).bitPattern
        // Negative numbers are ordered backwards by their magnitude; others lie above all of them.
        return bits >> 63 == 1 ? ~bits : bits | 1 << 63
    }
}
