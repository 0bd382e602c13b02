/// Names and types as C# 9 has them.
struct CSharpNames {
    let namespace: String

    static let library = "global::SpacetimeDB."

    private static let keywords: Set<String> = [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const",
        "continue",
        "decimal", "default", "delegate", "do", "double", "else", "enum", "event", "explicit", "extern", "false",
        "finally",
        "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is",
        "lock",
        "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected",
        "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc", "static", "string",
        "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort",
        "using", "virtual", "void", "volatile", "while",
    ]

    /// A parameter's name.
    static func parameter(_ name: String) -> String {
        let name = NameStyle.camel.name(name)
        return keywords.contains(name) ? "@\(name)" : name
    }

    /// What the members of all classes are called that a field must not be called, too.
    static let fieldMembers: Set<String> = [
        "BSATN", "ReadFields", "WriteFields", "Equals", "GetHashCode", "ToString", "GetType", "MemberwiseClone",
        "Finalize",
    ]
    static let variantMembers: Set<String> = [
        "Clone", "Equals", "GetHashCode", "ToString", "BSATN", "EqualityContract", "PrintMembers", "GetType",
    ]
    /// Those of the SDK's tables.
    static let tableMembers: Set<String> = [
        "OnInsert", "OnUpdate", "OnDelete", "OnBeforeDelete", "Iter", "Count", "RemoteQuery", "RemoteTableName",
        "GetPrimaryKey", "Equals", "GetHashCode", "ToString", "GetType", "ClientTableType", "conn",
    ]

    /// A member's name, which may be neither that of its class nor one of those that all classes have.
    static func member(_ name: String, in type: String, not taken: Set<String>) -> String {
        let name = NameStyle.pascal.name(name)
        return name == type || taken.contains(name) ? name + "_" : name
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    /// The module's own name, which nothing else is taken for.
    func own(_ name: String) -> String { "global::\(namespace).\(name)" }

    func text(_ type: TypeUse, in model: BindingModel) -> String {
        switch type {
        case .bool: "bool"
        case .string: "string"
        case .number(let number):
            switch number {
            case .i8: "sbyte"
            case .u8: "byte"
            case .i16: "short"
            case .u16: "ushort"
            case .i32: "int"
            case .u32: "uint"
            case .i64: "long"
            case .u64: "ulong"
            case .f32: "float"
            case .f64: "double"
            case .i128, .u128, .i256, .u256: Self.library + number.rawValue.uppercased()
            }
        case .bytes: "global::System.Collections.Generic.List<byte>"
        case .array(let element): "global::System.Collections.Generic.List<\(text(element, in: model))>"
        case .option(let payload): text(payload, in: model) + "?"
        case .result(let ok, let error): "\(Self.library)Result<\(text(ok, in: model)), \(text(error, in: model))>"
        case .identity: Self.library + "Identity"
        case .connectionId: Self.library + "ConnectionId"
        case .timestamp: Self.library + "Timestamp"
        case .timeDuration: Self.library + "TimeDuration"
        case .uuid: Self.library + "Uuid"
        case .scheduleAt: Self.library + "ScheduleAt"
        case .unit, .never: Self.library + "Unit"
        case .declared(let position): own(model.types[position].pascalName)
        }
    }

    /// What a field is before it is set; nil where C# has something that is no null.
    func initial(_ type: TypeUse, in model: BindingModel) -> String? {
        switch type {
        case .string: return "\"\""
        case .bytes, .array: return "new \(text(type, in: model))()"
        case .result: return "default!"
        case .scheduleAt: return "null!"
        case .declared(let position):
            let type = model.types[position]
            if type.isPlainEnum { return nil }
            return type.isSum ? "null!" : "new \(own(type.pascalName))()"
        default: return nil
        }
    }

    /// Whether the SDK's unique indexes take a key of the type.
    func isEquatable(_ type: TypeUse, in model: BindingModel) -> Bool {
        switch type {
        case .bytes, .array, .option, .result, .unit, .never: false
        case .declared(let position): !model.types[position].isPlainEnum
        default: true
        }
    }

    /// Whether the SDK's other indexes take a key of the type.
    func isComparable(_ type: TypeUse, in model: BindingModel) -> Bool {
        switch type {
        case .bool, .string, .number, .identity, .connectionId, .timestamp, .uuid: true
        default: false
        }
    }
}
