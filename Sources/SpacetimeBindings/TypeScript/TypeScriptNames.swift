/// Names and types as TypeScript has them.
enum TypeScriptNames {
    /// A text in quotes.
    static func quoted(_ text: String) -> String {
        var quoted = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "'"
    }

    /// What the type builders of the original's SDK are called.
    static func builder(_ type: TypeUse, in model: BindingModel) -> String {
        switch type {
        case .bool: "t.bool()"
        case .string: "t.string()"
        case .number(let number): "t.\(number.rawValue)()"
        case .bytes: "t.byteArray()"
        case .array(let element): "t.array(\(builder(element, in: model)))"
        case .option(let payload): "t.option(\(builder(payload, in: model)))"
        case .result(let ok, let error): "t.result(\(builder(ok, in: model)), \(builder(error, in: model)))"
        case .identity: "t.identity()"
        case .connectionId: "t.connectionId()"
        case .timestamp: "t.timestamp()"
        case .timeDuration: "t.timeDuration()"
        case .uuid: "t.uuid()"
        case .scheduleAt: "t.scheduleAt()"
        case .unit: "t.unit()"
        // There is no builder of its own.
        case .never: "t.enum('Never', [])"
        case .declared(let position): model.types[position].pascalName
        }
    }

    /// The type of values, where it cannot be found out from the builder.
    static func value(_ type: TypeUse, in model: BindingModel, library: String) -> String {
        switch type {
        case .bool: return "boolean"
        case .string: return "string"
        case .number(let number): return number.width > 32 && !number.isFloat ? "bigint" : "number"
        case .bytes: return "Uint8Array"
        case .array(let element):
            let text = value(element, in: model, library: library)
            return text.contains(" ") ? "(\(text))[]" : "\(text)[]"
        case .option(let payload): return "\(value(payload, in: model, library: library)) | undefined"
        case .result(let ok, let error):
            return
                "{ ok: \(value(ok, in: model, library: library)) } | { err: \(value(error, in: model, library: library)) }"
        case .identity: return library + "Identity"
        case .connectionId: return library + "ConnectionId"
        case .timestamp: return library + "Timestamp"
        case .timeDuration: return library + "TimeDuration"
        case .uuid: return library + "Uuid"
        case .scheduleAt:
            return "{ tag: 'Interval'; value: \(library)TimeDuration } | { tag: 'Time'; value: \(library)Timestamp }"
        case .unit: return "{}"
        case .never: return "never"
        case .declared(let position): return model.types[position].pascalName
        }
    }

    /// A property of an object. What names a declared type is looked up late, so that types may refer to each other in any order.
    static func property(_ name: String, _ expression: String, _ type: TypeUse) -> String {
        type.declaredTypes.isEmpty ? "\(name): \(expression)," : "get \(name)() { return \(expression); },"
    }

    /// Members of what the original's SDK keeps rows in: a key of such a name hides one of them.
    static let cacheMembers: Set<String> = [
        "__proto__", "applyOperations", "count", "delete", "emitter", "hasPrimaryKey", "insert", "iter", "onDelete",
        "onInsert", "onUpdate", "removeOnDelete", "removeOnInsert", "removeOnUpdate", "rows", "tableDef", "update",
    ]

    /// What the original's SDK makes of a wire name: `submit_move` is called as `submitMove`.
    static func accessor(_ wireName: String) -> String {
        var accessor = ""
        var isStart = false
        for character in wireName {
            if character == "_" || character == "-" {
                isStart = true
            } else {
                accessor += isStart ? character.uppercased() : String(character)
                isStart = false
            }
        }
        return accessor.prefix(1).lowercased() + accessor.dropFirst()
    }
}
