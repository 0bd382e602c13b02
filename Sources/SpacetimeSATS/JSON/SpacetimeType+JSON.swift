extension SpacetimeType {
    /// Its own type with the types it refers to. Costs a walk over the type; keep the result.
    static var describedType: (type: AlgebraicType, typespace: Typespace) {
        var builder = TypespaceBuilder()
        let type = algebraicType(in: &builder)
        return (type, builder.typespace)
    }

    /// The value as JSON. Goes through BSATN and a description of the type: convenient, not fast.
    ///
    /// Throws where JSON's limits or names are missing; see ``AlgebraicValue/json(style:type:in:)``.
    public func json(style: JSONStyle) throws(JSONError) -> String {
        let (type, typespace) = Self.describedType
        let value: AlgebraicValue
        do {
            value = try AlgebraicValue(bsatn: bsatn(), type: type, in: typespace)
        } catch {
            throw .mismatch(path: "", expected: "a value within the limits of BSATN (\(error))")
        }
        return try value.json(style: style, type: type, in: typespace)
    }

    /// Reads a value from JSON in any accepted spelling. Goes through BSATN: convenient, not fast.
    public init(json: JSON) throws(JSONError) {
        let (type, typespace) = Self.describedType
        let value = try AlgebraicValue(json: json, type: type, in: typespace)
        do {
            self = try Self(bsatn: value.bsatn())
        } catch {
            throw .mismatch(path: "", expected: "a value within the limits of BSATN (\(error))")
        }
    }

    /// Parses a text and reads a value from it.
    public init(json text: String) throws(JSONError) { try self.init(json: try JSON(parsing: text)) }
}
