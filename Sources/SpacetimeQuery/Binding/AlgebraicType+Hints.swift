import SpacetimeSATS

/// What messages say about types: how their values are written, and what to compare instead.
extension AlgebraicType {
    /// How a literal of the type is written; nil if that goes without saying.
    var literalForm: String? {
        if let payload = optionPayload { return payload.literalForm }
        switch self {
        case .bool: return "write TRUE or FALSE"
        case .i8: return "it holds -128 to 127"
        case .u8: return "it holds 0 to 255"
        case .i16: return "it holds -32768 to 32767"
        case .u16: return "it holds 0 to 65535"
        case .i32: return "it holds -2147483648 to 2147483647"
        case .u32: return "it holds 0 to 4294967295"
        case .u64, .u128, .u256: return "it holds whole numbers from 0 on"
        case .i64, .i128, .i256: return "it holds whole numbers"
        case .f32, .f64: return "write decimal digits; infinities and NaN are given as parameters"
        case .array(.u8): return "write hexadecimal digits, as 0x1f"
        case .array: return "give a parameter"
        default: break
        }
        if isIdentity { return "write its 64 hexadecimal digits, as 0xc200…" }
        if isConnectionId { return "write its 32 hexadecimal digits, as 0x1f00…" }
        if isTimestamp { return "write a time as '2026-01-31T18:30:00Z'" }
        if isTimeDuration { return "write seconds as '1.5'" }
        if isScheduleAt { return "write a time as '2026-01-31T18:30:00Z', or the seconds of an interval as '1.5'" }
        if isUuid { return "write it as '01234567-89ab-cdef-0123-456789abcdef'" }
        if isSimpleEnum { return "write the name of a case as a text" }
        return "give a parameter"
    }

    /// How to ask about values that cannot be compared as a whole; nil if there is no way.
    var partsHint: String? {
        switch self {
        case .sum where isScheduleAt: return "compare '….time' or '….interval'"
        case .sum(let sum) where optionPayload == nil:
            guard let name = sum.variants.first?.name else { return nil }
            return "ask for a case by '….\(name) IS NOT NULL', and compare what it holds"
        case .product(let product) where !isSpecialProduct:
            guard let name = product.elements.first?.name else { return nil }
            return "compare its fields, as in '….\(name)'"
        default: return nil
        }
    }
}
