package import SpacetimeSATS

// Memory safety. Valid images: the bytes are copied at once.

/// Values as a person would write them in a module, for messages: `"Ada"`, `nil`, `.sword(damage: 3)`, an identity as
/// its hexadecimal digits. Long texts and lists are cut.
package enum ValueText {
    private static let characterLimit = 80
    private static let elementLimit = 8
    private static let textLimit = 300

    /// The text of a valid value.
    static func text(of bytes: UnsafeRawBufferPointer, _ type: AlgebraicType) -> String {
        text(of: unsafe Array(bytes), type)
    }

    /// The text of a value in BSATN.
    package static func text(of bytes: [UInt8], _ type: AlgebraicType) -> String {
        guard let value = try? AlgebraicValue(bsatn: bytes, type: type) else { return hexadecimal(bytes) }
        return cut(text(value, type), at: textLimit)
    }

    private static func cut(_ text: String, at limit: Int) -> String {
        text.count > limit ? text.prefix(limit) + "…" : text
    }

    private static func text(_ value: AlgebraicValue, _ type: AlgebraicType) -> String {
        switch (value, type) {
        case (.bool(let value), _): "\(value)"
        case (.i8(let value), _): "\(value)"
        case (.u8(let value), _): "\(value)"
        case (.i16(let value), _): "\(value)"
        case (.u16(let value), _): "\(value)"
        case (.i32(let value), _): "\(value)"
        case (.u32(let value), _): "\(value)"
        case (.i64(let value), _): "\(value)"
        case (.u64(let value), _): "\(value)"
        case (.i128(let value), _): "\(value)"
        case (.u128(let value), _): "\(value)"
        case (.i256(let value), _): "\(value)"
        case (.u256(let value), _): "\(value)"
        case (.f32(let value), _): "\(value)"
        case (.f64(let value), _): "\(value)"
        case (.string(let value), _): cut(value, at: characterLimit).debugDescription
        case (.bytes(let value), _): hexadecimal(value)
        case (.array(let values), .array(let element)): list(values.map { (nil, $0, element) }, "[", "]")
        case (.product(let values), .product(let product)): text(values, product, type)
        case (.sum(let tag, let payload), .sum(let sum)): text(tag, payload, sum, type)
        default: "?"
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = bytes.prefix(characterLimit / 2).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "0x" + digits + (bytes.count > characterLimit / 2 ? "…" : "")
    }

    private static func text(_ values: [AlgebraicValue], _ product: ProductType, _ type: AlgebraicType) -> String {
        switch values.first {
        case .u256(let number) where type.isIdentity: Identity(number: number).hex
        case .u128(let number) where type.isConnectionId: ConnectionId(number: number).hex
        case .u128(let number) where type.isUuid: "\(Uuid(number: number))"
        case .i64(let number) where type.isTimestamp: "\(Timestamp(microsecondsSinceUnixEpoch: number))"
        case .i64(let number) where type.isTimeDuration: "\(TimeDuration(microseconds: number)) s"
        default:
            list(zip(values, product.elements).map { ($1.name, $0, $1.algebraicType) }, "(", ")")
        }
    }

    private static func text(
        _ tag: UInt8, _ payload: AlgebraicValue, _ sum: SumType, _ type: AlgebraicType
    ) -> String {
        guard Int(tag) < sum.variants.count else { return "?" }
        let variant = sum.variants[Int(tag)]
        if let wrapped = type.optionPayload { return tag == 0 ? text(payload, wrapped) : "nil" }
        // The two cases of a schedule have the names of the wire in their type.
        let name = "." + (type.isScheduleAt ? ["interval", "time"][Int(tag)] : variant.name ?? "\(tag)")
        if variant.algebraicType.isUnit { return name }
        // Several values of a case are a product; they are written as the case's own.
        let text = text(payload, variant.algebraicType)
        return text.hasPrefix("(") ? name + text : "\(name)(\(text))"
    }

    private static func list(
        _ parts: [(name: String?, value: AlgebraicValue, type: AlgebraicType)], _ open: String, _ close: String
    ) -> String {
        let texts = parts.prefix(elementLimit).map { part in
            let text = text(part.value, part.type)
            // The names that values without a label have.
            guard let name = part.name, !name.hasPrefix("value") || Int(name.dropFirst(5)) == nil else { return text }
            return "\(name): \(text)"
        }
        return open + (texts + (parts.count > elementLimit ? ["…"] : [])).joined(separator: ", ") + close
    }
}
