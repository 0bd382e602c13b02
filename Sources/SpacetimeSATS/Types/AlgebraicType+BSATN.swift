// The types of types. A type travels as a value of the recursive "meta type", by the ordinary rules of BSATN.

extension AlgebraicType: SpacetimeType {
    /// The meta type, declared as `AlgebraicType`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "AlgebraicType") { types in
            let simple = [
                "String", "Bool", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "I128", "U128", "I256", "U256",
                "F32", "F64",
            ]
            let composite: [(String, AlgebraicType)] = [
                ("Ref", .u32),
                ("Sum", SumType.algebraicType(in: &types)),
                ("Product", ProductType.algebraicType(in: &types)),
                ("Array", Self.algebraicType(in: &types)),
            ]
            return .sum(composite + simple.map { ($0, .unit) })
        }
    }

    /// Reads a type. Types nested deeper than ``BSATNReader/depthLimit`` throw `tooDeep`; references are not followed.
    public init(from reader: inout BSATNReader) throws(BSATNError) {
        try reader.enter()
        switch try reader.readTag(below: 20) {
        case 0: self = .ref(try reader.readU32())
        case 1: self = .sum(try SumType(from: &reader))
        case 2: self = .product(try ProductType(from: &reader))
        case 3: self = .array(try AlgebraicType(from: &reader))
        case let tag: self = Self.simple[Int(tag) - 4]
        }
        reader.leave()
    }

    /// Writes the type.
    public func encode(to writer: inout BSATNWriter) {
        writer.writeTag(bsatnTag)
        switch self {
        case .ref(let ref): writer.write(ref)
        case .sum(let sum): sum.encode(to: &writer)
        case .product(let product): product.encode(to: &writer)
        case .array(let element): element.encode(to: &writer)
        default: break
        }
    }

    /// The types without parts, in the order of their tags, from 4.
    static let simple: [AlgebraicType] = [
        .string, .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64,
    ]

    /// The variant of the meta type that this type is: 0...19.
    public var bsatnTag: UInt8 {
        switch self {
        case .ref: 0
        case .sum: 1
        case .product: 2
        case .array: 3
        case .string: 4
        case .bool: 5
        case .i8: 6
        case .u8: 7
        case .i16: 8
        case .u16: 9
        case .i32: 10
        case .u32: 11
        case .i64: 12
        case .u64: 13
        case .i128: 14
        case .u128: 15
        case .i256: 16
        case .u256: 17
        case .f32: 18
        case .f64: 19
        }
    }
}

extension ProductType: SpacetimeType {
    /// The type of product types, declared as `ProductType`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "ProductType") { types in
            .product([("elements", [Element].algebraicType(in: &types))])
        }
    }
    /// Reads the fields, without a tag.
    public init(from reader: inout BSATNReader) throws(BSATNError) { elements = try [Element](from: &reader) }
    /// Writes the fields, without a tag.
    public func encode(to writer: inout BSATNWriter) { elements.encode(to: &writer) }
}

extension ProductType.Element: SpacetimeType {
    /// The type of fields, declared as `ProductTypeElement`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "ProductTypeElement") { types in
            .product([
                ("name", .option(.string)), ("algebraic_type", AlgebraicType.algebraicType(in: &types)),
            ])
        }
    }
    /// Reads the name and the type.
    public init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try String?(from: &reader)
        algebraicType = try AlgebraicType(from: &reader)
    }
    /// Writes the name and the type.
    public func encode(to writer: inout BSATNWriter) {
        name.encode(to: &writer)
        algebraicType.encode(to: &writer)
    }
}

extension SumType: SpacetimeType {
    /// The type of sum types, declared as `SumType`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "SumType") { types in
            .product([("variants", [Variant].algebraicType(in: &types))])
        }
    }
    /// Reads the variants, without a tag. More than 256 throw `tooManyVariants`.
    public init(from reader: inout BSATNReader) throws(BSATNError) {
        variants = try [Variant](from: &reader)
        guard variants.count <= Self.variantLimit else { throw .tooManyVariants(count: variants.count) }
    }
    /// Writes the variants, without a tag.
    public func encode(to writer: inout BSATNWriter) { variants.encode(to: &writer) }
}

extension SumType.Variant: SpacetimeType {
    /// The type of variants, declared as `SumTypeVariant`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "SumTypeVariant") { types in
            .product([
                ("name", .option(.string)), ("algebraic_type", AlgebraicType.algebraicType(in: &types)),
            ])
        }
    }
    /// Reads the name and the type.
    public init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try String?(from: &reader)
        algebraicType = try AlgebraicType(from: &reader)
    }
    /// Writes the name and the type.
    public func encode(to writer: inout BSATNWriter) {
        name.encode(to: &writer)
        algebraicType.encode(to: &writer)
    }
}

extension Typespace: SpacetimeType {
    /// The type of typespaces, declared as `Typespace`.
    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "Typespace") { types in
            .product([("types", [AlgebraicType].algebraicType(in: &types))])
        }
    }
    /// Reads the types.
    public init(from reader: inout BSATNReader) throws(BSATNError) { types = try [AlgebraicType](from: &reader) }
    /// Writes the types.
    public func encode(to writer: inout BSATNWriter) { types.encode(to: &writer) }
}
