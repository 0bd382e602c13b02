import SwiftParser
import SwiftSyntax
import SwiftSyntaxMacros

/// A string literal's source text for `value`.
func quoted(_ value: String) -> String { "\"\(value)\"" }

extension TokenSyntax {
    /// The identifier without backticks.
    var plainName: String { identifier?.name ?? text }
}

/// `name` as it must be written in declarations and member accesses.
func escaped(_ name: String) -> String {
    name.isValidSwiftIdentifier(for: .variableName) ? name : "`\(name)`"
}

/// `label` as it must be written in a call: keywords are fine there, but for these three.
func argumentLabel(_ label: String) -> String {
    ["inout", "var", "let"].contains(label) ? "`\(label)`" : label
}

/// Whether `name` can be the name of a column, index, table or reducer: an ASCII letter or `_`, then also digits.
func isPlainIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

/// `Message` → `message`, `URLEntry` → `urlEntry`, `HTTP` → `http`.
func lowerCamelCase(_ name: String) -> String {
    let capitals = name.prefix { $0.isUppercase }
    if capitals.count == name.count { return name.lowercased() }
    // The last capital of a run begins the next word.
    let lowered = max(1, capitals.count - 1)
    return name.prefix(lowered).lowercased() + name.dropFirst(lowered)
}

/// `square` → `Square`.
func upperFirst(_ name: String) -> String { name.prefix(1).uppercased() + name.dropFirst() }

/// How visible generated members are: as visible as the declaration that they belong to.
enum Access: Equatable {
    /// Public, and so is everything that generated code uses: other modules may inline it.
    case publicInlinable
    case `public`
    case package
    case implicit

    /// What to write before a generated member that other modules may call in a hot path.
    var prefix: String {
        switch self {
        case .publicInlinable: "@inlinable public "
        case .public: "public "
        case .package: "package "
        case .implicit: ""
        }
    }

    /// What to write before a generated type or stored property, or a member that is rarely called.
    var plainPrefix: String { self == .publicInlinable ? "public " : prefix }

    /// `prefix` for a member of the user's own type. Rows and modules belong to no actor, even where the user's code belongs
    /// to the main actor by default.
    var memberPrefix: String { prefix + "nonisolated " }

    /// `plainPrefix` for a type inside the user's own type, or a member that is rarely called.
    var plainMemberPrefix: String { plainPrefix + "nonisolated " }

    /// Reads the access of a declaration from its own modifiers, or from the extension around it.
    init(_ modifiers: DeclModifierListSyntax, in lexicalContext: [Syntax] = []) {
        if let own = Access(explicit: modifiers) {
            self = own
        } else if let around = lexicalContext.first?.as(ExtensionDeclSyntax.self) {
            self = Access(explicit: around.modifiers) ?? .implicit
        } else {
            self = .implicit
        }
    }

    private init?(explicit modifiers: DeclModifierListSyntax) {
        for modifier in modifiers where modifier.detail == nil {
            switch modifier.name.tokenKind {
            case .keyword(.public), .keyword(.open):
                self = .public
                return
            case .keyword(.package):
                self = .package
                return
            case .keyword(.internal), .keyword(.private), .keyword(.fileprivate):
                self = .implicit
                return
            default: continue
            }
        }
        return nil
    }
}
