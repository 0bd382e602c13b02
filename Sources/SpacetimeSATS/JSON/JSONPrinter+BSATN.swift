extension JSONPrinter {
    /// Appends the next value of `reader` as JSON, without making an ``AlgebraicValue`` of it: what
    /// ``AlgebraicValue/json(style:type:in:)`` would write, at a fraction of the cost, for rows by the thousand.
    ///
    /// It differs in one thing: a product with a nameless field is an array in every style.
    ///
    /// - Parameters:
    ///   - reader: where the value is read from.
    ///   - type: of the value. Its references lead into `typespace`.
    ///   - typespace: where references lead.
    ///   - style: how composites are written.
    /// - Throws: `BSATNError` as reading the value does. What was appended until then stays.
    @_lifetime(reader: copy reader)
    package mutating func write(
        bsatn reader: inout BSATNReader, type: AlgebraicType, in typespace: Typespace = Typespace(), style: JSONStyle
    ) throws(BSATNError) {
        switch type {
        case .bool: write(raw: try reader.readBool() ? "true" : "false")
        case .i8: write(try reader.readI8())
        case .u8: write(try reader.readU8())
        case .i16: write(try reader.readI16())
        case .u16: write(try reader.readU16())
        case .i32: write(try reader.readI32())
        case .u32: write(try reader.readU32())
        case .i64: write(try reader.readI64())
        case .u64: write(try reader.readU64())
        case .i128: write(raw: String(try reader.readI128()))
        case .u128: write(raw: String(try reader.readU128()))
        case .i256: write(try reader.readI256())
        case .u256: write(try reader.readU256())
        case .f32: write(.float(try reader.readF32()))
        case .f64: write(.float(try reader.readF64()))
        case .string: try write(text: &reader)
        case .array(.u8):
            let span = try reader.readCountedSpan()
            unsafe span.withUnsafeBytes { unsafe write(digitsOf: $0) }
        case .array, .product, .sum:
            try reader.enter()
            try write(composite: &reader, type, typespace, style)
            reader.leave()
        case .ref(let ref):
            guard let target = typespace.following(type) else { throw .unresolvedRef(ref) }
            try write(bsatn: &reader, type: target, in: typespace, style: style)
        }
    }

    /// Signed numbers of 256 bits are sign and magnitude.
    mutating func write(_ number: Int256) {
        write(raw: "\"\(number.isNegative ? "-" : "")0x\(number.magnitude.hex)\"")
    }

    mutating func write(_ number: UInt256) { write(raw: "\"0x\(number.hex)\"") }

    @_lifetime(reader: copy reader)
    private mutating func write(text reader: inout BSATNReader) throws(BSATNError) {
        let span = try reader.readCountedSpan()
        guard isUTF8(span) else { throw .invalidUTF8(at: reader.offset - span.byteCount) }
        unsafe span.withUnsafeBytes { unsafe write(quotedUTF8: $0) }
    }

    @_lifetime(reader: copy reader)
    private mutating func write(
        composite reader: inout BSATNReader, _ type: AlgebraicType, _ typespace: Typespace, _ style: JSONStyle
    ) throws(BSATNError) {
        switch type {
        case .array(let element):
            let count = try reader.readCount(of: element, in: typespace)
            write(raw: "[")
            for index in 0..<count {
                if index > 0 { write(raw: ",") }
                try write(bsatn: &reader, type: element, in: typespace, style: style == .row ? .untyped : style)
            }
            write(raw: "]")
        case .product(let product): try write(fields: &reader, product, typespace, style)
        case .sum(let sum):
            let tag = try reader.readTag(below: sum.variants.count)
            let variant = sum.variants[Int(tag)]
            let name = style == .typed || style == .host ? variant.name : nil
            if let name {
                write(raw: "{")
                write(quoted: name)
                write(raw: ":")
            } else {
                write(raw: "[")
                write(tag)
                write(raw: ",")
            }
            try write(bsatn: &reader, type: variant.algebraicType, in: typespace, style: style)
            write(raw: name == nil ? "]" : "}")
        default: try write(bsatn: &reader, type: type, in: typespace, style: style)
        }
    }

    @_lifetime(reader: copy reader)
    private mutating func write(
        fields reader: inout BSATNReader, _ product: ProductType, _ typespace: Typespace, _ style: JSONStyle
    ) throws(BSATNError) {
        let elements = product.elements
        // See the reading of values: units are counted, since nothing in the input backs them.
        if elements.isEmpty { try reader.chargeEmptyValues(1) }
        let isArray =
            style == .untyped || (style == .host && elements.isEmpty) || elements.contains { $0.name == nil }
        write(raw: isArray ? "[" : "{")
        for (index, element) in elements.enumerated() {
            if index > 0 { write(raw: ",") }
            if !isArray, let name = element.name {
                write(quoted: name)
                write(raw: ":")
            }
            try write(bsatn: &reader, type: element.algebraicType, in: typespace, style: style)
        }
        write(raw: isArray ? "]" : "}")
    }
}
