import SpacetimeSchema

/// A place in which no two things may have the same name.
struct NameScope {
    /// As in "in PLACE".
    let place: String
    private var owners: [String: String] = [:]

    init(_ place: String, reserved: [String: String] = [:]) {
        self.place = place
        owners = reserved
    }

    /// Takes a name, or reports who has it already.
    mutating func claim(_ name: String, for what: String, _ report: inout BindingReport) {
        guard let other = owners.updateValue(what, forKey: name) else { return }
        report.errors.append(
            "\(other) and \(what) would both be '\(name)' in \(place); rename one of them in the module")
    }
}

/// Whether a text is a name that can stand in code: letters, digits and underscores, and no digit at the beginning.
func isIdentifier(_ text: some StringProtocol) -> Bool {
    guard let first = text.unicodeScalars.first, first == "_" || first.properties.isIDStart else { return false }
    return text.unicodeScalars.allSatisfy { $0.properties.isIDContinue }
}

/// How the words of a name are put together.
enum NameStyle {
    case camel, pascal, snake

    /// A name in this style. It never begins with a digit.
    func name(_ text: String) -> String {
        let name =
            switch self {
            case .camel: CaseConversion.camel(text)
            case .pascal: CaseConversion.pascal(text)
            case .snake: CaseConversion.snake(text)
            }
        // Only underscores, which is a name to no language.
        if name.isEmpty { return "_" + String(repeating: "_", count: text.count) }
        return name.first?.isNumber == true ? "_" + name : name
    }
}

extension BindingModel.DeclaredType {
    /// Its name as one word: `Inner` in `outer` is `OuterInner`.
    var pascalName: String {
        let name = path.map(CaseConversion.pascal).joined()
        return name.isEmpty || name.first?.isNumber == true ? "_" + name : name
    }

    /// For messages.
    var described: String { "type '\(path.joined(separator: "."))'" }
}

extension BindingModel.Table {
    /// For messages.
    var described: String { "\(isView ? "view" : "table") '\(sourceName)'" }
}
