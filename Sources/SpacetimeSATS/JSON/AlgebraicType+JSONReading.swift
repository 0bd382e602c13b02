/// Types out of JSON in the host's style, as ``AlgebraicType/json`` writes them.
extension AlgebraicType {
    /// Reads a type. Calls itself once for each level, of which a JSON text has ``JSON/depthLimit`` at most.
    package init(json: JSON) throws(JSONError) {
        guard let (name, payload) = json.variant else {
            throw .mismatch(path: "", expected: #"a type such as {"U8":[]}"#)
        }
        switch name {
        case "Ref":
            guard let ref = payload.integerValue(as: UInt32.self) else {
                throw .mismatch(path: ".Ref", expected: "the position of a type")
            }
            self = .ref(ref)
        case "Sum": self = .sum(try SumType(json: payload))
        case "Product": self = .product(try ProductType(json: payload))
        case "Array": self = .array(try AlgebraicType(json: payload))
        default:
            guard let scalar = Self.scalars[name] else {
                throw .mismatch(path: "", expected: "a type, and '\(name)' is none that is known")
            }
            self = scalar
        }
    }

    private static let scalars: [String: AlgebraicType] = [
        "String": .string, "Bool": .bool, "I8": .i8, "U8": .u8, "I16": .i16, "U16": .u16, "I32": .i32, "U32": .u32,
        "I64": .i64, "U64": .u64, "I128": .i128, "U128": .u128, "I256": .i256, "U256": .u256, "F32": .f32, "F64": .f64,
    ]
}

extension ProductType {
    /// Reads `{"elements":[…]}`.
    package init(json: JSON) throws(JSONError) {
        self.init(
            try json.list("elements").map { part throws(JSONError) in
                let (name, type) = try part.part()
                return Element(name: name, algebraicType: type)
            })
    }
}

extension SumType {
    /// Reads `{"variants":[…]}`.
    package init(json: JSON) throws(JSONError) {
        let parts = try json.list("variants")
        guard parts.count <= Self.variantLimit else {
            throw .mismatch(path: ".variants", expected: "at most \(Self.variantLimit) variants")
        }
        self.init(
            try parts.map { part throws(JSONError) in
                let (name, type) = try part.part()
                return Variant(name: name, algebraicType: type)
            })
    }
}

extension Typespace {
    /// Reads `{"types":[…]}`.
    package init(json: JSON) throws(JSONError) {
        self.init(try json.list("types").map { type throws(JSONError) in try AlgebraicType(json: type) })
    }
}

/// Looking into objects whose keys are known.
extension JSON {
    /// The name and payload of a case of an enum: the one member of an object.
    package var variant: (name: String, payload: JSON)? {
        guard case .object(let members) = self, members.count == 1 else { return nil }
        return (members[0].key, members[0].value)
    }

    package func required(_ key: String) throws(JSONError) -> JSON {
        guard let value = self[key] else { throw .mismatch(path: "", expected: "an object with '\(key)', once") }
        return value
    }

    package func list(_ key: String) throws(JSONError) -> [JSON] {
        guard let elements = try required(key).arrayValue else {
            throw .mismatch(path: ".\(key)", expected: "an array")
        }
        return elements
    }

    package func text(_ key: String) throws(JSONError) -> String {
        guard let text = try required(key).stringValue else { throw .mismatch(path: ".\(key)", expected: "a string") }
        return text
    }

    package func flag(_ key: String) throws(JSONError) -> Bool {
        guard case .bool(let flag) = try required(key) else {
            throw .mismatch(path: ".\(key)", expected: "true or false")
        }
        return flag
    }

    package func number<Number: FixedWidthInteger>(
        _ key: String, as type: Number.Type = Number.self
    ) throws(JSONError) -> Number {
        guard let number = try required(key).integerValue(as: Number.self) else {
            throw .mismatch(path: ".\(key)", expected: "an integer from \(Number.min) to \(Number.max)")
        }
        return number
    }

    /// What `{"some":…}` holds; nil for `{"none":[]}`.
    package func option(_ key: String) throws(JSONError) -> JSON? {
        switch try required(key).variant {
        case ("some", let value)?: return value
        case ("none", _)?: return nil
        default: throw .mismatch(path: ".\(key)", expected: #"{"some":…} or {"none":[]}"#)
        }
    }

    package func optionalText(_ key: String) throws(JSONError) -> String? {
        guard let value = try option(key) else { return nil }
        guard let text = value.stringValue else { throw .mismatch(path: ".\(key)", expected: "a string") }
        return text
    }

    fileprivate func part() throws(JSONError) -> (String?, AlgebraicType) {
        (try optionalText("name"), try AlgebraicType(json: try required("algebraic_type")))
    }
}
