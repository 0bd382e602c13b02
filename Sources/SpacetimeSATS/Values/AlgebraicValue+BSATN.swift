extension AlgebraicValue {
    /// Reads a value of `type`, whose references lead into `typespace`.
    ///
    /// Throws on malformed bytes, on values nested deeper than ``BSATNReader/depthLimit``, and on references that lead
    /// nowhere. Memory stays in proportion to the input and the type.
    public init(
        from reader: inout BSATNReader, type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(BSATNError) {
        switch type {
        case .bool: self = .bool(try reader.readBool())
        case .i8: self = .i8(try reader.readI8())
        case .u8: self = .u8(try reader.readU8())
        case .i16: self = .i16(try reader.readI16())
        case .u16: self = .u16(try reader.readU16())
        case .i32: self = .i32(try reader.readI32())
        case .u32: self = .u32(try reader.readU32())
        case .i64: self = .i64(try reader.readI64())
        case .u64: self = .u64(try reader.readU64())
        case .i128: self = .i128(try reader.readI128())
        case .u128: self = .u128(try reader.readU128())
        case .i256: self = .i256(try reader.readI256())
        case .u256: self = .u256(try reader.readU256())
        case .f32: self = .f32(try reader.readF32())
        case .f64: self = .f64(try reader.readF64())
        case .string: self = .string(try reader.readString())
        case .array(.u8): self = .bytes(try reader.readBytes())
        case .array, .product, .sum: self = try Self.composite(from: &reader, type, typespace)
        case .ref(let ref):
            guard let target = typespace.following(type) else { throw .unresolvedRef(ref) }
            self = try AlgebraicValue(from: &reader, type: target, in: typespace)
        }
    }

    /// Reads a value of `type` that takes up all of `bsatn`; bytes left over are an error.
    public init(
        bsatn: [UInt8], type: AlgebraicType, in typespace: Typespace = Typespace()
    ) throws(BSATNError) {
        // The bytes of `UInt8` are all initialised.
        var reader = unsafe BSATNReader(bsatn.span.bytes)
        self = try AlgebraicValue(from: &reader, type: type, in: typespace)
        try reader.finish()
    }

    private static func composite(
        from reader: inout BSATNReader, _ type: AlgebraicType, _ typespace: Typespace
    ) throws(BSATNError) -> AlgebraicValue {
        try reader.enter()
        let value: AlgebraicValue
        switch type {
        case .array(let element): value = .array(try elements(from: &reader, element, typespace))
        case .product(let product): value = .product(try fields(from: &reader, product, typespace))
        case .sum(let sum):
            let tag = try reader.readTag(below: sum.variants.count)
            let payload = sum.variants[Int(tag)].algebraicType
            value = .sum(tag: tag, try AlgebraicValue(from: &reader, type: payload, in: typespace))
        default: value = try AlgebraicValue(from: &reader, type: type, in: typespace)
        }
        reader.leave()
        return value
    }

    private static func fields(
        from reader: inout BSATNReader, _ product: ProductType, _ typespace: Typespace
    ) throws(BSATNError) -> [AlgebraicValue] {
        // Units are the leaves of values without bytes; through references their number could explode.
        if product.elements.isEmpty { try reader.chargeEmptyValues(1) }
        var fields: [AlgebraicValue] = []
        fields.reserveCapacity(product.elements.count)
        for element in product.elements {
            fields.append(try AlgebraicValue(from: &reader, type: element.algebraicType, in: typespace))
        }
        return fields
    }

    private static func elements(
        from reader: inout BSATNReader, _ type: AlgebraicType, _ typespace: Typespace
    ) throws(BSATNError) -> [AlgebraicValue] {
        let count = try reader.readCount(of: type, in: typespace)
        var values: [AlgebraicValue] = []
        values.reserveCapacity(Swift.min(count, 16 + reader.remaining / MemoryLayout<AlgebraicValue>.stride))
        for _ in 0..<count { values.append(try AlgebraicValue(from: &reader, type: type, in: typespace)) }
        return values
    }
}

extension BSATNReader {
    /// The count of an array whose elements have a type that is known at run time only; see
    /// ``readCount(minimumElementSize:)``.
    @_lifetime(self: copy self)
    mutating func readCount(of element: AlgebraicType, in typespace: Typespace) throws(BSATNError) -> Int {
        var fuel = 1_000
        return try readCount(minimumElementSize: element.mayBeEmpty(in: typespace, fuel: &fuel) ? 0 : 1)
    }
}

extension AlgebraicValue {
    /// Writes the value. No type is needed: a value knows its shape.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .bool(let value): writer.write(value)
        case .i8(let value): writer.write(value)
        case .u8(let value): writer.write(value)
        case .i16(let value): writer.write(value)
        case .u16(let value): writer.write(value)
        case .i32(let value): writer.write(value)
        case .u32(let value): writer.write(value)
        case .i64(let value): writer.write(value)
        case .u64(let value): writer.write(value)
        case .i128(let value): writer.write(value)
        case .u128(let value): writer.write(value)
        case .i256(let value): writer.write(value)
        case .u256(let value): writer.write(value)
        case .f32(let value): writer.write(value)
        case .f64(let value): writer.write(value)
        case .string(let value): writer.write(value)
        case .bytes(let value): writer.write(value)
        case .array(let values):
            writer.writeCount(values.count)
            for value in values { value.encode(to: &writer) }
        case .product(let fields):
            for field in fields { field.encode(to: &writer) }
        case .sum(let tag, let payload):
            writer.writeTag(tag)
            payload.encode(to: &writer)
        }
    }

    /// The value's BSATN in a fresh array.
    public func bsatn() -> [UInt8] {
        var writer = BSATNWriter()
        encode(to: &writer)
        return writer.toArray()
    }

    /// Whether the value is one of `type`, whose references lead into `typespace`. Costs time in proportion to the value.
    public func isValue(of type: AlgebraicType, in typespace: Typespace = Typespace()) -> Bool {
        switch (self, type) {
        case (.bool, .bool), (.i8, .i8), (.u8, .u8), (.i16, .i16), (.u16, .u16), (.i32, .i32), (.u32, .u32),
            (.i64, .i64), (.u64, .u64), (.i128, .i128), (.u128, .u128), (.i256, .i256), (.u256, .u256),
            (.f32, .f32), (.f64, .f64), (.string, .string), (.bytes, .array(.u8)):
            return true
        case (.array(let values), .array(let element)):
            return element != .u8 && values.allSatisfy { $0.isValue(of: element, in: typespace) }
        case (.product(let fields), .product(let product)):
            return fields.count == product.elements.count
                && zip(fields, product.elements).allSatisfy {
                    $0.isValue(of: $1.algebraicType, in: typespace)
                }
        case (.sum(let tag, let payload), .sum(let sum)):
            return Int(tag) < sum.variants.count
                && payload.isValue(of: sum.variants[Int(tag)].algebraicType, in: typespace)
        case (_, .ref):
            guard let target = typespace.following(type) else { return false }
            return isValue(of: target, in: typespace)
        default: return false
        }
    }
}
