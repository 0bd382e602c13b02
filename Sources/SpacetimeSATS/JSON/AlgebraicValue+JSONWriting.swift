extension AlgebraicValue {
    /// The value as JSON text.
    ///
    /// `type` supplies the names; its references lead into `typespace`. Throws if the value is not one of the type, or if
    /// the style needs a name that a field lacks. NaN and the infinities become `null` and do not read back.
    public func json(
        style: JSONStyle, type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(JSONError) -> String {
        var writer = ValueWriter(typespace: typespace)
        try writer.write(self, type, style)
        return writer.printer.text
    }

    /// The value in the typed style, so that it reads back exactly through ``init(losslessJSON:type:)``: as
    /// ``json(style:type:in:)``, but not-a-number and the infinities are texts (`"NaN"`, `"Infinity"`, `"-Infinity"`, and
    /// `"NaN(0x7ff8000000000005)"` for other bits than the usual), and a variant whose name leads to another one is
    /// written as `[tag, payload]`. `type` must be free of references.
    package func losslessJSON(type: AlgebraicType) throws(JSONError) -> String {
        var writer = ValueWriter(typespace: Typespace(), isLossless: true)
        try writer.write(self, type, .typed)
        return writer.printer.text
    }

    /// As ``json(style:type:in:)``, taken apart.
    public func jsonValue(
        style: JSONStyle, type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(JSONError) -> JSON {
        try JSON(parsing: try json(style: style, type: type, in: typespace))
    }
}

private struct ValueWriter {
    let typespace: Typespace
    let isLossless: Bool
    var printer = JSONPrinter()

    init(typespace: Typespace, isLossless: Bool = false) {
        self.typespace = typespace
        self.isLossless = isLossless
    }

    mutating func write(
        _ value: AlgebraicValue, _ type: AlgebraicType, _ style: JSONStyle
    ) throws(JSONError) {
        switch (value, type) {
        case (.bool(let value), .bool): printer.write(raw: value ? "true" : "false")
        case (.i8(let value), .i8): printer.write(raw: String(value))
        case (.u8(let value), .u8): printer.write(raw: String(value))
        case (.i16(let value), .i16): printer.write(raw: String(value))
        case (.u16(let value), .u16): printer.write(raw: String(value))
        case (.i32(let value), .i32): printer.write(raw: String(value))
        case (.u32(let value), .u32): printer.write(raw: String(value))
        case (.i64(let value), .i64): printer.write(raw: String(value))
        case (.u64(let value), .u64): printer.write(raw: String(value))
        case (.i128(let value), .i128): printer.write(raw: String(value))
        case (.u128(let value), .u128): printer.write(raw: String(value))
        case (.i256(let value), .i256): printer.write(value)
        case (.u256(let value), .u256): printer.write(value)
        case (.f32(let value), .f32): write(value, .float(value))
        case (.f64(let value), .f64): write(value, .float(value))
        case (.string(let text), .string): printer.write(quoted: text)
        case (.bytes(let bytes), .array(.u8)): unsafe bytes.withUnsafeBytes { unsafe printer.write(digitsOf: $0) }
        case (.array(let values), .array(let element)) where element != .u8:
            try write(values, of: element, style == .row ? .untyped : style)
        case (.product(let fields), .product(let product)) where fields.count == product.elements.count:
            try write(fields, of: product, style)
        case (.sum(let tag, let payload), .sum(let sum)) where Int(tag) < sum.variants.count:
            try write(tag, payload, sum, style)
        case (_, .ref(let ref)):
            guard let target = typespace.following(type) else { throw .unresolvedRef(ref) }
            try write(value, target, style)
        default: throw .mismatch(path: "", expected: "a value of type \(type)")
        }
    }

    private mutating func write(_ value: some FloatWithBits, _ spelling: JSON) {
        if isLossless, let text = value.nonFiniteText { printer.write(quoted: text) } else { printer.write(spelling) }
    }

    private mutating func write(
        _ values: [AlgebraicValue], of element: AlgebraicType, _ style: JSONStyle
    ) throws(JSONError) {
        printer.write(raw: "[")
        for (index, value) in values.enumerated() {
            if index > 0 { printer.write(raw: ",") }
            try write(value, element, style)
        }
        printer.write(raw: "]")
    }

    private mutating func write(
        _ fields: [AlgebraicValue], of product: ProductType, _ style: JSONStyle
    ) throws(JSONError) {
        let isArray = style == .untyped || (style == .host && fields.isEmpty)
        printer.write(raw: isArray ? "[" : "{")
        for (index, field) in fields.enumerated() {
            if index > 0 { printer.write(raw: ",") }
            let element = product.elements[index]
            if !isArray {
                guard let name = element.name else { throw .namelessField(path: ".\(index)") }
                printer.write(quoted: name)
                printer.write(raw: ":")
            }
            try write(field, element.algebraicType, style)
        }
        printer.write(raw: isArray ? "]" : "}")
    }

    private mutating func write(
        _ tag: UInt8, _ payload: AlgebraicValue, _ sum: SumType, _ style: JSONStyle
    ) throws(JSONError) {
        let variant = sum.variants[Int(tag)]
        if let name = variant.name, style == .typed || style == .host,
            !isLossless || sum.tag(spelled: name) == Int(tag)
        {
            printer.write(raw: "{")
            printer.write(quoted: name)
            printer.write(raw: ":")
            try write(payload, variant.algebraicType, style)
            printer.write(raw: "}")
        } else {
            printer.write(raw: "[\(tag),")
            try write(payload, variant.algebraicType, style)
            printer.write(raw: "]")
        }
    }
}
