/// Names and types as Rust has them.
enum RustNames {
    private static let keywords: Set<String> = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move",
        "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
        "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ]
    /// Words that cannot be written in the raw form either.
    private static let fixed: Set<String> = ["self", "Self", "super", "crate", "_"]

    static func snake(_ name: String) -> String { escaped(NameStyle.snake.name(name)) }
    static func pascal(_ name: String) -> String { escaped(NameStyle.pascal.name(name)) }

    private static func escaped(_ name: String) -> String {
        if fixed.contains(name) { return name + "_" }
        return keywords.contains(name) ? "r#\(name)" : name
    }

    /// A name that another one is made of.
    static func bare(_ name: String) -> String { name.hasPrefix("r#") ? String(name.dropFirst(2)) : name }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    /// What generated code defines or takes for granted, and no declared type may be called.
    static let reserved: Set<String> = [
        "RemoteModule", "RemoteTables", "RemoteReducers", "RemoteProcedures", "RemoteDbContext", "DbConnection",
        "SubscriptionHandle", "Reducer", "DbUpdate", "AppliedDiff", "EventContext", "ReducerEventContext",
        "ProcedureEventContext", "SubscriptionEventContext", "ErrorContext", "Imp", "PhantomData", "Clone", "Copy",
        "Debug",
        "Default", "Eq", "Fn", "FnMut", "FnOnce", "From", "Hash", "Into", "Iterator", "PartialEq", "Send", "Sized",
        "Sync",
        "TryFrom", "Some", "None", "Ok", "Err",
    ]

    /// - Parameter prefix: how the module of the declared types is reached.
    static func text(_ type: TypeUse, in model: BindingModel, prefix: String = "") -> String {
        func inner(_ type: TypeUse) -> String { text(type, in: model, prefix: prefix) }
        return switch type {
        case .bool: "bool"
        case .string: "::std::string::String"
        case .number(let number) where number == .i256 || number == .u256: "sdk::__sats::\(number.rawValue)"
        case .number(let number): number.rawValue
        case .bytes: "::std::vec::Vec<u8>"
        case .array(let element): "::std::vec::Vec<\(inner(element))>"
        case .option(let payload): "::std::option::Option<\(inner(payload))>"
        case .result(let ok, let error): "::std::result::Result<\(inner(ok)), \(inner(error))>"
        case .identity: "sdk::Identity"
        case .connectionId: "sdk::ConnectionId"
        case .timestamp: "sdk::Timestamp"
        case .timeDuration: "sdk::TimeDuration"
        case .uuid: "sdk::Uuid"
        case .scheduleAt: "sdk::ScheduleAt"
        case .unit: "()"
        case .never: "::std::convert::Infallible"
        case .declared(let position): prefix + typeName(model.types[position])
        }
    }

    static func typeName(_ type: BindingModel.DeclaredType) -> String { escaped(type.pascalName) }

    /// Whether the SDK can look rows up by a key of the type.
    static func isKey(_ type: TypeUse, in model: BindingModel) -> Bool {
        switch type {
        case .bool, .string, .identity, .connectionId, .timestamp, .uuid: true
        case .number(let number): !number.isFloat
        case .declared(let position): model.types[position].isPlainEnum
        default: false
        }
    }
}
