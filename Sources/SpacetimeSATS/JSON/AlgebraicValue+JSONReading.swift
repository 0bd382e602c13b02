extension AlgebraicValue {
    /// Reads a value of `type`, whose references lead into `typespace`, in any of the accepted spellings.
    ///
    /// A mismatch throws with the path to the offending place.
    public init(
        json: JSON, type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(JSONError) {
        var reader = ValueReader(typespace: typespace)
        self = try reader.read(json, type)
    }

    /// Reads what ``losslessJSON(type:)`` wrote, and every other spelling.
    package init(losslessJSON text: String, type: AlgebraicType) throws(JSONError) {
        var reader = ValueReader(typespace: Typespace(), isLossless: true)
        // A row is one level more than the deepest column.
        self = try reader.read(try JSON(parsing: [UInt8](text.utf8), depthLimit: 2 * JSON.depthLimit), type)
    }

    /// Parses `text` and reads a value of `type` from it.
    public init(
        json text: String, type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(JSONError) {
        try self.init(json: try JSON(parsing: text), type: type, in: typespace)
    }
}

private struct ValueReader {
    let typespace: Typespace
    /// Whether floats that JSON has no numbers for may be texts.
    let isLossless: Bool
    var path: [Step] = []

    enum Step { case key(String), index(Int) }

    init(typespace: Typespace, isLossless: Bool = false) {
        self.typespace = typespace
        self.isLossless = isLossless
    }

    func mismatch(_ expected: String) -> JSONError {
        let text = path.map { step in
            switch step {
            case .key(let key): ".\(key)"
            case .index(let index): "[\(index)]"
            }
        }
        return .mismatch(path: text.joined(), expected: expected)
    }

    mutating func read(_ json: JSON, _ type: AlgebraicType, at step: Step) throws(JSONError) -> AlgebraicValue {
        path.append(step)
        let value = try read(json, type)
        path.removeLast()
        return value
    }

    mutating func read(_ json: JSON, _ type: AlgebraicType) throws(JSONError) -> AlgebraicValue {
        switch type {
        case .bool:
            guard case .bool(let value) = json else { throw mismatch("true or false") }
            return .bool(value)
        case .i8: return .i8(try integer(json, type))
        case .u8: return .u8(try integer(json, type))
        case .i16: return .i16(try integer(json, type))
        case .u16: return .u16(try integer(json, type))
        case .i32: return .i32(try integer(json, type))
        case .u32: return .u32(try integer(json, type))
        case .i64: return .i64(try integer(json, type))
        case .u64: return .u64(try integer(json, type))
        case .i128: return .i128(try integer(json, type))
        case .u128: return .u128(try integer(json, type))
        case .i256: return .i256(try signedHex(json))
        case .u256: return .u256(try unsignedHex(json))
        case .f32: return .f32(try float(json))
        case .f64: return .f64(try float(json))
        case .string:
            guard case .string(let text) = json else { throw mismatch("a string") }
            return .string(text)
        case .array(.u8): return .bytes(try bytes(json))
        // Each composite uses up a level of the JSON, whose nesting is bounded; a reference is followed to its end.
        case .array, .product, .sum: return try composite(json, type)
        case .ref(let ref):
            guard let target = typespace.following(type) else { throw .unresolvedRef(ref) }
            return try read(json, target)
        }
    }

    // MARK: Scalars

    private func integer<Number: FixedWidthInteger>(_ json: JSON, _ type: AlgebraicType) throws(JSONError) -> Number {
        guard let number = json.integerValue(as: Number.self) else {
            throw mismatch("an integer from \(Number.min) to \(Number.max)")
        }
        return number
    }

    private func float<Number: FloatWithBits>(_ json: JSON) throws(JSONError) -> Number {
        if isLossless, case .string(let text) = json, let number = Number(nonFiniteText: text) { return number }
        guard case .number(let text) = json, let number = Number(text), number.isFinite else {
            throw mismatch("a number in the range of the float")
        }
        return number
    }

    private func signedHex(_ json: JSON) throws(JSONError) -> Int256 {
        guard case .string(let text) = json, let (isNegative, magnitude) = hexadecimal(text),
            let number = Int256(isNegative: isNegative, magnitude: magnitude)
        else { throw mismatch("a signed 256-bit number as \"0x…\"") }
        return number
    }

    private func unsignedHex(_ json: JSON) throws(JSONError) -> UInt256 {
        guard case .string(let text) = json, let (isNegative, magnitude) = hexadecimal(text), !isNegative else {
            throw mismatch("an unsigned 256-bit number as \"0x…\"")
        }
        return magnitude
    }

    private func hexadecimal(_ text: String) -> (isNegative: Bool, magnitude: UInt256)? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let unsigned = text.utf8.dropFirst(isNegative || text.utf8.first == UInt8(ascii: "+") ? 1 : 0)
        guard unsigned.starts(with: "0x".utf8) else { return nil }
        // Zeros in front are harmless however many there are.
        let digits = unsigned.dropFirst(2)
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        let kept = significant.isEmpty ? digits.prefix(1) : significant
        guard let magnitude = UInt256(hex: String(decoding: kept, as: UTF8.self)) else { return nil }
        return (isNegative, magnitude)
    }

    private mutating func bytes(_ json: JSON) throws(JSONError) -> [UInt8] {
        switch json {
        case .string(let text):
            guard let bytes = Hexadecimal.bytes(text) else { throw mismatch("an even number of hexadecimal digits") }
            return bytes
        case .array(let elements):
            var bytes: [UInt8] = []
            for element in elements {
                guard let byte = element.integerValue(as: UInt8.self) else { throw mismatch("numbers from 0 to 255") }
                bytes.append(byte)
            }
            return bytes
        default: throw mismatch("hexadecimal text or an array of numbers")
        }
    }

    // MARK: Composites

    private mutating func composite(_ json: JSON, _ type: AlgebraicType) throws(JSONError) -> AlgebraicValue {
        switch type {
        case .array(let element):
            guard case .array(let items) = json else { throw mismatch("an array") }
            var values: [AlgebraicValue] = []
            for (index, item) in items.enumerated() { values.append(try read(item, element, at: .index(index))) }
            return .array(values)
        case .product(let product): return .product(try fields(json, product))
        case .sum(let sum): return try variant(json, sum, isOption: type.optionPayload != nil)
        default: return try read(json, type)
        }
    }

    private mutating func fields(_ json: JSON, _ product: ProductType) throws(JSONError) -> [AlgebraicValue] {
        let elements = product.elements
        var fields: [AlgebraicValue] = []
        switch json {
        case .array(let items):
            guard items.count == elements.count else { throw mismatch("\(elements.count) fields") }
            for (index, element) in elements.enumerated() {
                fields.append(try read(items[index], element.algebraicType, at: .index(index)))
            }
        case .object(let members):
            // As many members as fields and a member of its own for each: so nothing is unknown, missing or repeated.
            guard members.count == elements.count else { throw mismatch(expectedNames(product)) }
            var taken = [Bool](repeating: false, count: members.count)
            for (index, element) in elements.enumerated() {
                guard let name = element.name, let position = Self.position(of: name, in: members, taken, hint: index)
                else { throw mismatch(expectedNames(product)) }
                taken[position] = true
                fields.append(try read(members[position].value, element.algebraicType, at: .key(name)))
            }
        default: throw mismatch("an object or an array of fields")
        }
        return fields
    }

    /// The first free member named `name`, usually found where the field stands in the type.
    private static func position(
        of name: String, in members: [JSON.Member], _ taken: [Bool], hint: Int
    ) -> Int? {
        if !taken[hint], members[hint].key.hasSameBytes(as: name) { return hint }
        return members.indices.first { !taken[$0] && members[$0].key.hasSameBytes(as: name) }
    }

    private func expectedNames(_ product: ProductType) -> String {
        let names = product.elements.prefix(8).map { $0.name ?? "(no name)" }
        return "exactly the fields \(names.joined(separator: ", "))\(product.elements.count > 8 ? ", …" : "")"
    }

    private mutating func variant(_ json: JSON, _ sum: SumType, isOption: Bool) throws(JSONError) -> AlgebraicValue {
        let tag: Int?
        let payload: JSON
        switch json {
        case .null where isOption: return .none
        case .object(let members) where members.count == 1:
            tag = sum.tag(spelled: members[0].key)
            payload = members[0].value
        case .array(let items) where items.count == 2:
            if case .string(let name) = items[0] {
                tag = sum.tag(spelled: name)
            } else {
                tag = items[0].integerValue(as: UInt8.self).map { Int($0) }
            }
            payload = items[1]
        default: throw mismatch("a variant as {\"name\": payload} or [tag, payload]")
        }
        guard let tag, tag < sum.variants.count else { throw mismatch(expectedNames(sum)) }
        let variant = sum.variants[tag]
        let value = try read(payload, variant.algebraicType, at: .key(variant.name ?? "\(tag)"))
        return .sum(tag: UInt8(truncatingIfNeeded: tag), value)
    }

    private func expectedNames(_ sum: SumType) -> String {
        let names = sum.variants.prefix(8).map { $0.name ?? "(no name)" }
        return "one of the variants \(names.joined(separator: ", "))\(sum.variants.count > 8 ? ", …" : "")"
    }
}

extension SumType {
    /// The tag that a name in JSON stands for. One that spells a decimal byte is a tag, even if a variant is called so;
    /// of several variants of a name it is the first. May be past the last variant.
    package func tag(spelled name: String) -> Int? {
        if name.utf8.first != UInt8(ascii: "-"), let tag = UInt8(name) { return Int(tag) }
        return variants.prefix(Self.variantLimit).firstIndex { $0.name?.hasSameBytes(as: name) ?? false }
    }
}
