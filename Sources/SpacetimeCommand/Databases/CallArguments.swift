import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Arguments of a call, as somebody types them.
enum CallArguments {
    /// The arguments as a server takes them.
    ///
    /// Each is JSON, or what CSV has for a value of the type: a text without quotes, a time such as `2023-11-14T22:13:20Z`,
    /// the name of a case, the digits of an identity. `null` is nothing.
    ///
    /// - Throws: with the name and the type of the parameter that one does not fit.
    static func json(_ texts: [String], for function: DatabaseSchema.Function) throws(CommandFailure) -> JSON {
        let parameters = function.parameters
        guard texts.count == parameters.count else {
            throw CommandFailure(
                .usage, "\(function.name) takes \(count(parameters.count)), not \(texts.count): \(function.text)")
        }
        var values: [JSON] = []
        for (text, parameter) in zip(texts, parameters) {
            do {
                let value = try value(text, parameter.type)
                values.append(try value.jsonValue(style: .host, type: parameter.type))
            } catch {
                let reason = (error as? ColumnText.Problem)?.text ?? "\(error)"
                throw CommandFailure(
                    .usage,
                    "'\(DisplayText.cut(DisplayText.escaped(text), to: 40))' is no value for the parameter "
                        + "\(parameter.name): \(parameter.type.swiftText) (\(reason)); \(function.text)")
            }
        }
        return .array(values)
    }

    private static func count(_ number: Int) -> String {
        switch number {
        case 0: "no arguments"
        case 1: "1 argument"
        default: "\(number) arguments"
        }
    }

    private static func value(_ text: String, _ type: AlgebraicType) throws -> AlgebraicValue {
        if let payload = type.optionPayload {
            if text == "null" { return .none }
            // `{"some":…}` as well as the value itself.
            if let json = try? JSON(parsing: text), json.variant?.name == "some" || json.variant?.name == "none" {
                return try AlgebraicValue(json: json, type: type)
            }
            return .some(try value(text, payload))
        }
        // A text in quotes is the text without them, so that JSON works everywhere.
        if type == .string, text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") {
            return try AlgebraicValue(json: text, type: type)
        }
        return try ColumnText(type).value(text)
    }
}
