import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// Finds types that can be seen to be unsuitable from their spelling alone. Everything else is left to the compiler,
/// which asks for a conformance to `SpacetimeType`.
enum TypeCheck {
    /// Notes each unsuitable part of `type`.
    static func check(_ type: TypeSyntax, problems: inout Problems) {
        switch type.as(TypeSyntaxEnum.self) {
        case .optionalType(let optional):
            check(optional.wrappedType, problems: &problems)
        case .arrayType(let array):
            check(array.element, problems: &problems)
        case .attributedType(let attributed):
            check(attributed.baseType, problems: &problems)
        case .implicitlyUnwrappedOptionalType(let optional):
            let replacement = OptionalTypeSyntax(
                wrappedType: optional.wrappedType, trailingTrivia: optional.trailingTrivia)
            problems.add(
                .unsupportedType(
                    type.trimmedDescription, advice: "write '\(optional.wrappedType.trimmedDescription)?'"),
                at: type, fixIts: [.replace("Replace '!' by '?'", type, by: TypeSyntax(replacement))])
        case .tupleType(let tuple):
            if let only = tuple.elements.first, tuple.elements.count == 1, only.firstName == nil {
                check(only.type, problems: &problems)
            } else {
                refuse(type, "declare a struct with @SpacetimeType", &problems)
            }
        case .dictionaryType:
            refuse(type, "use an array of a @SpacetimeType struct, or a table of its own", &problems)
        case .functionType:
            refuse(type, "a function has no value that could be kept", &problems)
        case .someOrAnyType, .compositionType:
            refuse(type, "name one concrete type, for instance an enum with @SpacetimeType", &problems)
        case .metatypeType:
            refuse(type, "a type is not a value that could be kept", &problems)
        // Older versions of swift-syntax do not know the type.
        #if canImport(SwiftSyntax602)
        case .inlineArrayType(let array):
            refuse(type, "use '[\(array.element.trimmedDescription)]'", &problems)
        #endif
        case .identifierType(let named):
            checkNamed(named.name.plainName, named.genericArgumentClause, type, problems: &problems)
        case .memberType(let member) where ["Swift", "Foundation"].contains(member.baseType.trimmedDescription):
            checkNamed(member.name.plainName, member.genericArgumentClause, type, problems: &problems)
        default:
            break
        }
    }

    private static let foundationTypes: Set = ["CGFloat", "Date", "Duration", "UUID", "URL", "Data"]

    private static func refuse(_ type: TypeSyntax, _ advice: String, _ problems: inout Problems) {
        problems.add(.unsupportedType(type.trimmedDescription, advice: advice), at: type)
    }

    private static func checkNamed(
        _ name: String, _ arguments: GenericArgumentClauseSyntax?, _ type: TypeSyntax, problems: inout Problems
    ) {
        let replacement: String
        switch name {
        case "Int": replacement = "Int64"
        case "UInt": replacement = "UInt64"
        case "Character", "Substring": replacement = "String"
        case "Float16": replacement = "Float"
        case "Float80", "CGFloat": replacement = "Double"
        case "Date": replacement = "Timestamp"
        case "Duration": replacement = "TimeDuration"
        case "UUID": replacement = "Uuid"
        case "URL": replacement = "String"
        case "Data": replacement = "[UInt8]"
        case "Decimal":
            return refuse(type, "use 'Int64' and count in the smallest unit, or 'String'", &problems)
        case "Range" where arguments != nil, "ClosedRange" where arguments != nil:
            return refuse(type, "use a column for each bound, or a struct with @SpacetimeType", &problems)
        case "Set" where arguments != nil:
            return refuse(type, "use an array, or a table of its own", &problems)
        case "Dictionary" where arguments != nil:
            return refuse(type, "use an array of a @SpacetimeType struct, or a table of its own", &problems)
        case "Void":
            return refuse(type, "declare a struct with @SpacetimeType", &problems)
        case "Any", "AnyObject", "AnyHashable":
            return refuse(type, "name one concrete type, for instance an enum with @SpacetimeType", &problems)
        default:
            for argument in arguments?.arguments ?? [] {
                if let inner = argument.type { check(inner, problems: &problems) }
            }
            return
        }
        let advice =
            switch name {
            case "Int", "UInt": "its width depends on the machine; use '\(replacement)'"
            case _ where foundationTypes.contains(name):
                // Somebody may have a type of that name, with @SpacetimeType.
                "use '\(replacement)'. If it is a type of your own, write it with its module, as in 'MyModule.\(name)'"
            default: "use '\(replacement)'"
            }
        let new = TypeSyntax("\(raw: replacement)").with(\.leadingTrivia, type.leadingTrivia)
            .with(\.trailingTrivia, type.trailingTrivia)
        let fix = FixIt.replace("Replace '\(type.trimmedDescription)' by '\(replacement)'", type, by: new)
        problems.add(.unsupportedType(type.trimmedDescription, advice: advice), at: type, fixIts: [fix])
    }
}

/// What a column's spelled type says about its use as a key.
struct KeyTraits {
    /// Known not to be an integer.
    let isNotInteger: Bool
    /// Known to hold floats, which make no keys: see the rule for unique columns in the schema.
    let isUnsuitableKey: Bool
    /// Known not to fit a direct index.
    let isNotDirect: Bool
    /// Known not to be a `UInt64`.
    let isNotUInt64: Bool
    /// Known to have no nil.
    let isNotOptional: Bool

    /// Names of other types are unknown: aliases and enums are possible, and validated when the module is opened.
    init(_ type: TypeSyntax) {
        let name: String?
        switch type.as(TypeSyntaxEnum.self) {
        case .identifierType(let named): name = named.name.plainName
        case .memberType(let member)
        where ["Swift", "SpacetimeKit"].contains(member.baseType.trimmedDescription):
            name = member.name.plainName
        case .memberType: name = nil
        default:
            isNotInteger = true
            isUnsuitableKey = Self.holdsFloat(type)
            isNotDirect = true
            isNotUInt64 = true
            isNotOptional = type.is(ArrayTypeSyntax.self)
            return
        }
        let notIntegers = ["Identity", "ConnectionId", "Timestamp", "TimeDuration", "ScheduleAt", "Uuid"]
        let plain = ["Bool", "String", "Float", "Double", "Float32", "Float64", "Array", "Optional"]
        let wide = ["Int8", "Int16", "Int32", "Int64", "Int128", "UInt128", "Int256", "UInt256"]
        isNotInteger = name.map { notIntegers.contains($0) || plain.contains($0) } ?? false
        isUnsuitableKey = Self.holdsFloat(type)
        isNotDirect = isNotInteger || (name.map { wide.contains($0) } ?? false)
        isNotUInt64 = isNotDirect || (name.map { ["UInt8", "UInt16", "UInt32"].contains($0) } ?? false)
        isNotOptional = (isNotUInt64 || name == "UInt64") && name != "Optional"
    }

    /// Whether it is certainly not the row of a table: a type of the library or of Swift, a collection or an optional.
    var isNoRow: Bool { isNotUInt64 || isNotOptional }

    private static func holdsFloat(_ type: TypeSyntax) -> Bool {
        switch type.as(TypeSyntaxEnum.self) {
        case .optionalType(let optional): holdsFloat(optional.wrappedType)
        case .arrayType(let array): holdsFloat(array.element)
        case .identifierType(let named): holdsFloat(named.name.plainName, named.genericArgumentClause)
        case .memberType(let member) where member.baseType.trimmedDescription == "Swift":
            holdsFloat(member.name.plainName, member.genericArgumentClause)
        default: false
        }
    }

    private static func holdsFloat(_ name: String, _ arguments: GenericArgumentClauseSyntax?) -> Bool {
        if ["Float", "Double", "Float32", "Float64"].contains(name) { return true }
        return (arguments?.arguments ?? []).contains { $0.type.map(holdsFloat) ?? false }
    }
}

extension Field {
    /// Whether its type is `ScheduleAt`, as written.
    var isScheduleAt: Bool { typeText == "ScheduleAt" || typeText == "SpacetimeKit.ScheduleAt" }
}

extension TypeSyntax {
    /// The type as written, without surrounding white space. For common types without `trimmedDescription`, which makes a
    /// copy of the tree.
    var text: String {
        switch self.as(TypeSyntaxEnum.self) {
        case .identifierType(let named) where named.genericArgumentClause == nil: named.name.text
        case .optionalType(let optional): optional.wrappedType.text + "?"
        case .arrayType(let array): "[\(array.element.text)]"
        default: trimmedDescription
        }
    }

    /// The names in it that Swift looks up in the surroundings: `A` and `C` of `[A.B<C>]`.
    var typeNames: [TokenSyntax] {
        if let named = self.as(IdentifierTypeSyntax.self), named.genericArgumentClause == nil { return [named.name] }
        final class Names: SyntaxVisitor {
            var found: [TokenSyntax] = []
            override func visit(_ node: IdentifierTypeSyntax) -> SyntaxVisitorContinueKind {
                found.append(node.name)
                return .visitChildren
            }
        }
        let names = Names(viewMode: .sourceAccurate)
        names.walk(self)
        return names.found
    }
}

extension GenericArgumentSyntax {
    /// The argument, if it is a type. Since version 601 of swift-syntax it may also be a number.
    var type: TypeSyntax? {
        #if canImport(SwiftSyntax601)
        if case .type(let type) = argument { type } else { nil }
        #else
        argument
        #endif
    }
}
