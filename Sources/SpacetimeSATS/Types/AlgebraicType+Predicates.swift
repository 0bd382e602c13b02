extension AlgebraicType {
    /// The fields, if this is a product.
    public var productType: ProductType? {
        if case .product(let product) = self { product } else { nil }
    }

    /// The variants, if this is a sum.
    public var sumType: SumType? {
        if case .sum(let sum) = self { sum } else { nil }
    }

    /// Whether this is the product of no fields.
    public var isUnit: Bool {
        if case .product(let product) = self { product.elements.isEmpty } else { false }
    }

    /// Whether this is the sum of no variants.
    public var isNever: Bool {
        if case .sum(let sum) = self { sum.variants.isEmpty } else { false }
    }

    /// Whether this is a sum of which no variant has a payload. The empty sum is ``isNever``, not an enum.
    public var isSimpleEnum: Bool {
        guard case .sum(let sum) = self, !sum.variants.isEmpty else { return false }
        return sum.variants.allSatisfy { $0.algebraicType.isUnit }
    }

    /// `T` if this is `Option<T>` as written; a reference is not followed.
    public var optionPayload: AlgebraicType? {
        guard case .sum(let sum) = self, sum.variants.count == 2, sum.variants[0].name == "some",
            sum.variants[1].name == "none", sum.variants[1].algebraicType.isUnit
        else { return nil }
        return sum.variants[0].algebraicType
    }

    /// `T` and `E` if this is `Result<T, E>` as written.
    public var resultPayloads: (ok: AlgebraicType, err: AlgebraicType)? {
        guard case .sum(let sum) = self, sum.variants.count == 2, sum.variants[0].name == "ok",
            sum.variants[1].name == "err"
        else { return nil }
        return (sum.variants[0].algebraicType, sum.variants[1].algebraicType)
    }

    private func isProduct(ofOnly name: String, _ type: AlgebraicType) -> Bool {
        guard case .product(let product) = self, product.elements.count == 1 else { return false }
        return product.elements[0].name == name && product.elements[0].algebraicType == type
    }

    /// Whether this is the type of `Identity`, written inline.
    public var isIdentity: Bool { isProduct(ofOnly: ReservedName.identity, .u256) }

    /// Whether this is the type of `ConnectionId`, written inline.
    public var isConnectionId: Bool { isProduct(ofOnly: ReservedName.connectionId, .u128) }

    /// Whether this is the type of `Timestamp`, written inline.
    public var isTimestamp: Bool { isProduct(ofOnly: ReservedName.timestamp, .i64) }

    /// Whether this is the type of `TimeDuration`, written inline.
    public var isTimeDuration: Bool { isProduct(ofOnly: ReservedName.timeDuration, .i64) }

    /// Whether this is the type of `Uuid`, written inline.
    public var isUuid: Bool { isProduct(ofOnly: ReservedName.uuid, .u128) }

    /// Whether this is the type of `ScheduleAt`, written inline.
    public var isScheduleAt: Bool {
        guard case .sum(let sum) = self, sum.variants.count == 2 else { return false }
        return sum.variants[0].name == "Interval" && sum.variants[0].algebraicType.isTimeDuration
            && sum.variants[1].name == "Time" && sum.variants[1].algebraicType.isTimestamp
    }

    /// Whether this is one of the five special products: identity, connection id, timestamp, duration, UUID.
    public var isSpecialProduct: Bool {
        isIdentity || isConnectionId || isTimestamp || isTimeDuration || isUuid
    }

    /// Whether this is one of the special sums: an option, a result, a schedule.
    public var isSpecialSum: Bool { optionPayload != nil || resultPayloads != nil || isScheduleAt }

    /// Whether clients know this shape by a name of its own: a special product or sum, as written.
    public var isSpecial: Bool { isSpecialProduct || isSpecialSum }

    /// Whether this is an integer of any width.
    public var isInteger: Bool {
        switch self {
        case .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256: true
        default: false
        }
    }

    /// Whether this is an integer or a float.
    public var isNumeric: Bool { isInteger || self == .f32 || self == .f64 }

    /// Whether a float is somewhere inside; a reference is not followed.
    public var containsFloat: Bool {
        switch self {
        case .f32, .f64: true
        case .array(let element): element.containsFloat
        case .product(let product): product.elements.contains { $0.algebraicType.containsFloat }
        case .sum(let sum): sum.variants.contains { $0.algebraicType.containsFloat }
        default: false
        }
    }
}
