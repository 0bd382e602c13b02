package import SpacetimeSATS

extension SQLLiteral {
    /// The value of a type that the literal stands for, or nil if it stands for none.
    ///
    /// What kind of literal it is does not matter, only its text: `'5'` is a number where a number is wanted, and `5` a
    /// text where a text is. Only truth values are kept apart. Hexadecimal digits are read as such, also for integers.
    ///
    /// - Parameter isStrict: texts stand for texts and special values only, as in `INSERT` and `SET`.
    package func value(as type: AlgebraicType, isStrict: Bool = false) -> AlgebraicValue? {
        if let payload = type.optionPayload {
            if self == .null { return AlgebraicValue.none }
            return value(as: payload, isStrict: isStrict).map { .some($0) }
        }
        if type == .bool {
            if case .bool(let value) = self { return .bool(value) }
            return nil
        }
        guard let text = plainText else { return nil }
        switch type {
        case .string: return .string(text)
        case .array(.u8): return bytes(text)
        case .f32, .f64: return isText && isStrict ? nil : float(text, type)
        case _ where type.isInteger: return isText && isStrict ? nil : integer(text, type)
        default: return special(text, type)
        }
    }

    /// True for a number that is written with a point or an exponent.
    var isFraction: Bool {
        if case .number(let text) = self { text.utf8.contains { ".eE".utf8.contains($0) } } else { false }
    }

    private var isText: Bool { if case .string = self { true } else { false } }

    private var plainText: String? {
        switch self {
        case .number(let text), .string(let text), .hex(let text): text
        case .bool, .null: nil
        }
    }

    private func bytes(_ text: String) -> AlgebraicValue? {
        let digits = isText && text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
        return Hexadecimal.bytes(digits).map { .bytes($0) }
    }

    private func special(_ text: String, _ type: AlgebraicType) -> AlgebraicValue? {
        if type.isIdentity { return Identity(hex: text).map { AlgebraicValue($0) } }
        if type.isConnectionId { return ConnectionId(hex: text).map { AlgebraicValue($0) } }
        if type.isTimestamp { return isText ? Timestamp(text).map { AlgebraicValue($0) } : nil }
        if type.isUuid {
            var digits = text[...]
            if digits.hasPrefix("urn:uuid:") { digits = digits.dropFirst(9) }
            if digits.hasPrefix("{"), digits.hasSuffix("}") { digits = digits.dropFirst().dropLast() }
            return Uuid(String(digits)).map { AlgebraicValue($0) }
        }
        guard isText else { return nil }
        if type.isTimeDuration { return TimeDuration(text).map { AlgebraicValue($0) } }
        if type.isScheduleAt { return ScheduleAt(text).map { AlgebraicValue($0) } }
        // A case without a payload, by its name.
        guard let variants = type.sumType?.variants.prefix(SumType.variantLimit),
            let tag = variants.firstIndex(where: { $0.name == text }), variants[tag].algebraicType.isUnit
        else { return nil }
        return .sum(tag: UInt8(truncatingIfNeeded: tag), .unit)
    }

    // MARK: Numbers

    /// Exact in all widths: `1e3` and `10.0` are integers, `1.5` and what is out of range are none.
    private func integer(_ text: String, _ type: AlgebraicType) -> AlgebraicValue? {
        let isNegative: Bool
        let magnitude: UInt256
        if case .hex(let digits) = self {
            let significant = digits.drop { $0 == "0" }
            let padded = String(repeating: "0", count: max(64 - significant.utf8.count, 0)) + significant
            guard let number = UInt256(hex: padded) else { return nil }
            (isNegative, magnitude) = (false, number)
        } else {
            guard let decimal = DecimalText(text), let number = decimal.wholeMagnitude else { return nil }
            (isNegative, magnitude) = (decimal.isNegative && number != .zero, number)
        }
        return Self.integer(type, isNegative, magnitude)
    }

    private static func integer(_ type: AlgebraicType, _ isNegative: Bool, _ magnitude: UInt256) -> AlgebraicValue? {
        func signed<T: FixedWidthInteger>(_: T.Type) -> T? {
            guard let wide = Int256(isNegative: isNegative, magnitude: magnitude), let narrow = Int128(exactly: wide)
            else { return nil }
            return T(exactly: narrow)
        }
        func unsigned<T: FixedWidthInteger>(_: T.Type) -> T? {
            guard !isNegative, let narrow = UInt128(exactly: magnitude) else { return nil }
            return T(exactly: narrow)
        }
        return switch type {
        case .i8: signed(Int8.self).map { .i8($0) }
        case .u8: unsigned(UInt8.self).map { .u8($0) }
        case .i16: signed(Int16.self).map { .i16($0) }
        case .u16: unsigned(UInt16.self).map { .u16($0) }
        case .i32: signed(Int32.self).map { .i32($0) }
        case .u32: unsigned(UInt32.self).map { .u32($0) }
        case .i64: signed(Int64.self).map { .i64($0) }
        case .u64: unsigned(UInt64.self).map { .u64($0) }
        case .i128: signed(Int128.self).map { .i128($0) }
        case .u128: unsigned(UInt128.self).map { .u128($0) }
        case .i256: Int256(isNegative: isNegative, magnitude: magnitude).map { .i256($0) }
        case .u256: isNegative ? nil : .u256(magnitude)
        default: nil
        }
    }

    /// The nearest number; what is too large is infinite.
    private func float(_ text: String, _ type: AlgebraicType) -> AlgebraicValue? {
        var digits = text
        if case .hex = self {
            // Hexadecimal digits are an integer here, too.
            guard case .u256(let number)? = integer(text, .u256) else { return nil }
            digits = number.description
        }
        guard DecimalText(digits) != nil else { return nil }
        // Swift reads neither a leading point nor one without digits behind it in all versions.
        if let point = digits.firstIndex(of: ".") {
            let after = digits.index(after: point)
            if after == digits.endIndex || !("0"..."9").contains(digits[after]) { digits.insert("0", at: after) }
            if point == digits.startIndex || !("0"..."9").contains(digits[digits.index(before: point)]) {
                digits.insert("0", at: point)
            }
        }
        if type == .f32 { return Float(digits).map { .f32($0) } }
        return Double(digits).map { .f64($0) }
    }
}
