import SwiftParser
import SwiftSyntax

/// Source text of the initialiser that takes a value for each property.
///
/// Swift makes one by itself, which is internal at most. If a struct and all of its properties are public, or
/// `package`, this one is as visible as they are. All other structs keep Swift's own.
struct MemberwiseInitializer {
    private let fields: [Field]
    private let prefix: String
    /// Whether code in other modules evaluates the default values. They must not name anything hidden from it then.
    private let isVisibleOutside: Bool

    /// Nil if Swift's own initialiser will do, or if the user wrote one with the same parameters.
    init?(of declaration: StructDeclSyntax, fields: [Field], access: Access, in lexicalContext: [Syntax]) {
        let visible = fields.map { Access($0.declaration.modifiers) }
        switch access {
        case .publicInlinable: prefix = access.memberPrefix
        case .public where visible.allSatisfy { $0 == .public }: prefix = Access.public.memberPrefix
        case .public where visible.allSatisfy { $0 != .implicit }: prefix = Access.package.memberPrefix
        case .package where visible.allSatisfy { $0 != .implicit }: prefix = Access.package.memberPrefix
        default: return nil
        }
        if Self.isWritten(in: declaration.memberBlock.members, taking: fields) { return nil }
        self.fields = fields
        isVisibleOutside = prefix != Access.package.memberPrefix && Access.isPublic(around: lexicalContext)
    }

    /// The initialiser, and before it the functions that its default values call.
    var members: [String] {
        let parameters = fields.map { field in
            "\(field.code): \(field.typeText)\(defaultValue(of: field).map { " = \($0)" } ?? "")"
        }
        return helpers + [
            block(
                "\(prefix)init(\(parameters.joined(separator: ", "))) {",
                fields.map { "self.\($0.code) = \($0.code)" })
        ]
    }

    // As Swift's own: the written value, and nil for optional variables.
    private func defaultValue(of field: Field) -> String? {
        guard let value = field.initialValue else {
            return field.isVariable && field.type.is(OptionalTypeSyntax.self) ? "nil" : nil
        }
        return needsHelper(value)
            ? "Self._spacetimeInitial(\(argumentLabel(field.name)): ())" : value.trimmedDescription
    }

    private var helpers: [String] {
        fields.compactMap { field in
            guard let value = field.initialValue, needsHelper(value) else { return nil }
            return """
                @usableFromInline nonisolated static func _spacetimeInitial(\
                \(argumentLabel(field.name)) _: Swift.Void) -> \(field.typeText) {
                    \(value.trimmedDescription)
                }
                """
        }
    }

    private func needsHelper(_ value: ExprSyntax) -> Bool { isVisibleOutside && !Self.isLiteral(value) }

    private static func isLiteral(_ value: ExprSyntax) -> Bool {
        switch value.as(ExprSyntaxEnum.self) {
        case .integerLiteralExpr, .floatLiteralExpr, .booleanLiteralExpr, .nilLiteralExpr: true
        case .stringLiteralExpr(let text): text.representedLiteralValue != nil
        case .prefixOperatorExpr(let negative): negative.operator.text == "-" && isLiteral(negative.expression)
        case .arrayExpr(let array): array.elements.allSatisfy { isLiteral($0.expression) }
        default: false
        }
    }

    private static func isWritten(in members: MemberBlockItemListSyntax, taking fields: [Field]) -> Bool {
        members.contains { member in
            if let condition = member.decl.as(IfConfigDeclSyntax.self) {
                return condition.clauses.contains { clause in
                    guard case .decls(let members) = clause.elements else { return false }
                    return isWritten(in: members, taking: fields)
                }
            }
            guard let initializer = member.decl.as(InitializerDeclSyntax.self) else { return false }
            let parameters = initializer.signature.parameterClause.parameters
            return parameters.map(\.firstName.plainName) == fields.map(\.name)
                && parameters.map { plainText(of: $0.type) } == fields.map { plainText(of: $0.type) }
        }
    }

    /// A type's text without the names of the modules that may be written before it or left out.
    private static func plainText(of type: TypeSyntax) -> String {
        let base = type.as(AttributedTypeSyntax.self)?.baseType ?? type
        return base.trimmedDescription.split(separator: " ").joined()
            .replacing("Swift.", with: "").replacing("SpacetimeKit.", with: "")
    }
}
