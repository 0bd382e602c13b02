/// Types as JSON, in the host's style: `{"U8":[]}`, `{"Array":{"U8":[]}}`.
extension AlgebraicType {
    /// The type as JSON. Costs time in proportion to the type, and calls itself once for each level.
    public var json: JSON {
        switch self {
        case .ref(let ref): .variant("Ref", .integer(ref))
        case .sum(let sum): .variant("Sum", sum.json)
        case .product(let product): .variant("Product", product.json)
        case .array(let element): .variant("Array", element.json)
        case .string: .variant("String")
        case .bool: .variant("Bool")
        case .i8: .variant("I8")
        case .u8: .variant("U8")
        case .i16: .variant("I16")
        case .u16: .variant("U16")
        case .i32: .variant("I32")
        case .u32: .variant("U32")
        case .i64: .variant("I64")
        case .u64: .variant("U64")
        case .i128: .variant("I128")
        case .u128: .variant("U128")
        case .i256: .variant("I256")
        case .u256: .variant("U256")
        case .f32: .variant("F32")
        case .f64: .variant("F64")
        }
    }
}

extension ProductType {
    /// As it stands where only a product can: `{"elements":[…]}`.
    public var json: JSON {
        .object([.init("elements", .array(elements.map { JSON.part($0.name, $0.algebraicType) }))])
    }
}

extension SumType {
    /// As it stands where only a sum can: `{"variants":[…]}`.
    public var json: JSON {
        .object([.init("variants", .array(variants.map { JSON.part($0.name, $0.algebraicType) }))])
    }
}

extension Typespace {
    /// `{"types":[…]}`
    public var json: JSON { .object([.init("types", .array(types.map(\.json)))]) }
}

extension JSON {
    /// A case of an enum in the host's style: `{"name":payload}`, with `[]` for no payload.
    package static func variant(_ name: String, _ payload: JSON = .array([])) -> JSON {
        .object([.init(name, payload)])
    }

    /// A value that may be missing, in the host's style: `{"some":value}` or `{"none":[]}`.
    package static func option(_ value: JSON?) -> JSON { value.map { .variant("some", $0) } ?? .variant("none") }

    fileprivate static func part(_ name: String?, _ type: AlgebraicType) -> JSON {
        .object([.init("name", .option(name.map { .string($0) })), .init("algebraic_type", type.json)])
    }
}
