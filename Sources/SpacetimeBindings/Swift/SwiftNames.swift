/// Names and types as Swift has them.
enum SwiftNames {
    /// Words that stand for something else where a name is declared or used.
    private static let keywords: Set<String> = [
        "Any", "Protocol", "Type", "actor", "as", "associatedtype", "async", "await", "borrowing", "break",
        "case",
        "catch", "class", "consuming", "continue", "default", "defer", "deinit", "do", "else", "enum", "extension",
        "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "indirect", "init",
        "inout",
        "internal", "is", "let", "nil", "nonisolated", "open", "operator", "package", "precedencegroup", "private",
        "protocol", "public", "repeat", "rethrows", "return", "sending", "some", "static", "struct",
        "subscript",
        "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while", "yield",
    ]

    /// A name in backticks if it is a word of the language. Two mean the same with them, and get an underscore.
    static func escaped(_ name: String) -> String {
        if name == "self" || name == "Self" { return name + "_" }
        return keywords.contains(name) ? "`\(name)`" : name
    }

    /// What the library's types are called. The module's own may have the same names, so they are always said in full.
    static let library = "SpacetimeClient."

    /// What the library's types and the language's are reached by, and nothing else may be called.
    static let modules = ["Swift", "SpacetimeClient"]

    /// What each table calls its row and its columns.
    static let aliases = ["Row", "Columns"]

    static func number(_ number: NumberType) -> String {
        switch number {
        case .f32: "Swift.Float"
        case .f64: "Swift.Double"
        case .i256, .u256: library + (number == .i256 ? "Int256" : "UInt256")
        default: "Swift." + (number.rawValue.first == "i" ? "Int" : "UInt") + String(number.width)
        }
    }

    /// How many bytes each value of a type has; nil if values differ, or if that is not found out so easily.
    static func fixedSize(_ type: TypeUse, in model: BindingModel, depth: Int = 0) -> Int? {
        switch type {
        case .bool: return 1
        case .number(let number): return number.width / 8
        case .identity: return 32
        case .connectionId, .uuid: return 16
        case .timestamp, .timeDuration: return 8
        case .scheduleAt: return 9
        case .unit: return 0
        case .string, .bytes, .array, .option, .result, .never: return nil
        case .declared(let position):
            let type = model.types[position]
            // Such a type is nested as deep as its values happen to be.
            guard !type.isRecursive, depth < 64 else { return nil }
            var sizes: [Int] = []
            for field in type.fields {
                guard let size = fixedSize(field.type, in: model, depth: depth + 1) else { return nil }
                sizes.append(size)
            }
            guard type.isSum else { return sizes.reduce(0, +) }
            guard let size = sizes.first, sizes.allSatisfy({ $0 == size }) else { return nil }
            return size + 1
        }
    }

    /// A text in quotes.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
