import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxMacros

/// One stored property of a row or a value type.
struct Field {
    /// As it must be written in code, with backticks where needed.
    let code: String
    /// As the schema names it.
    let name: String
    /// The type where it stands in the source.
    let type: TypeSyntax
    /// The type as written, without surrounding white space.
    let typeText: String
    /// The value behind `=`.
    let initialValue: ExprSyntax?
    let declaration: VariableDeclSyntax
    /// Where a message about the field points.
    let node: Syntax

    /// Whether it is a `var`.
    var isVariable: Bool { declaration.bindingSpecifier.tokenKind == .keyword(.var) }

    /// The type where an expression is expected.
    var typeExpression: String { expression(of: type, typeText) }

    /// Whether code in other modules may both read and assign the property.
    var isPublic: Bool {
        Access(declaration.modifiers) == .public && declaration.modifiers.allSatisfy { $0.detail == nil }
    }
}

/// A type's `text` where an expression is expected: `UInt8?` would read as optional chaining.
func expression(of type: TypeSyntax, _ text: String) -> String {
    type.is(OptionalTypeSyntax.self) || type.is(AttributedTypeSyntax.self) ? "(\(text))" : text
}

extension Field {
    /// The stored properties of `members` in order; computed and static ones are passed over.
    static func all(in members: MemberBlockSyntax, problems: inout Problems) -> [Field] {
        var fields: [Field] = []
        for member in members.members {
            if let condition = member.decl.as(IfConfigDeclSyntax.self), containsStorage(condition) {
                problems.add(.conditionalMembers, at: condition)
            }
            guard let variable = member.decl.as(VariableDeclSyntax.self), !variable.isStatic else { continue }
            fields += stored(in: variable, problems: &problems)
        }
        return fields
    }

    private static func stored(in variable: VariableDeclSyntax, problems: inout Problems) -> [Field] {
        var fields: [Field] = []
        // `var x, y: Float` writes the type once, behind the last name.
        var inherited: TypeSyntax?
        for binding in variable.bindings.reversed() where binding.isStored {
            inherited = binding.typeAnnotation?.type ?? (binding.initializer == nil ? inherited : nil)
            if let field = field(of: binding, in: variable, type: inherited, problems: &problems) {
                fields.insert(field, at: 0)
            }
        }
        return fields
    }

    private static func field(
        of binding: PatternBindingSyntax, in variable: VariableDeclSyntax, type: TypeSyntax?, problems: inout Problems
    ) -> Field? {
        guard let pattern = binding.pattern.as(IdentifierPatternSyntax.self) else {
            problems.add(.tuplePattern, at: binding.pattern)
            return nil
        }
        let name = pattern.identifier.plainName
        if let lazy = variable.modifiers.first(where: { $0.name.tokenKind == .keyword(.lazy) }) {
            problems.add(.lazyProperty(name), at: lazy)
            return nil
        }
        guard let type else {
            problems.add(.missingType(name), at: pattern)
            return nil
        }
        if variable.bindingSpecifier.tokenKind == .keyword(.let), binding.initializer != nil {
            let fix = FixIt.replace(
                "Replace 'let' by 'var'", variable.bindingSpecifier,
                by: variable.bindingSpecifier.with(\.tokenKind, .keyword(.var)))
            problems.add(.initializedConstant(name), at: pattern, fixIts: [fix])
        }
        guard isPlainIdentifier(name) else {
            problems.add(.invalidName(name), at: pattern)
            return nil
        }
        TypeCheck.check(type, problems: &problems)
        return Field(
            code: pattern.identifier.text, name: name, type: type, typeText: type.text,
            initialValue: binding.initializer?.value, declaration: variable, node: Syntax(pattern))
    }

    /// Whether `#if` hides stored properties or cases.
    private static func containsStorage(_ condition: IfConfigDeclSyntax) -> Bool {
        condition.clauses.contains { clause in
            guard case .decls(let members) = clause.elements else { return false }
            return members.contains { member in
                if let nested = member.decl.as(IfConfigDeclSyntax.self) { return containsStorage(nested) }
                if member.decl.is(EnumCaseDeclSyntax.self) { return true }
                guard let variable = member.decl.as(VariableDeclSyntax.self), !variable.isStatic else { return false }
                return variable.bindings.contains(where: \.isStored)
            }
        }
    }

    /// Notes each `#if` that hides cases.
    static func reportConditionalCases(in members: MemberBlockSyntax, problems: inout Problems) {
        for member in members.members {
            if let condition = member.decl.as(IfConfigDeclSyntax.self), containsStorage(condition) {
                problems.add(.conditionalMembers, at: condition)
            }
        }
    }
}

extension VariableDeclSyntax {
    var isStatic: Bool {
        modifiers.contains { $0.name.tokenKind == .keyword(.static) || $0.name.tokenKind == .keyword(.class) }
    }
}

extension PatternBindingSyntax {
    /// Observers leave a property stored; getters and setters do not.
    var isStored: Bool {
        switch accessorBlock?.accessors {
        case nil: true
        case .getter: false
        case .accessors(let list):
            list.allSatisfy {
                $0.accessorSpecifier.tokenKind == .keyword(.willSet)
                    || $0.accessorSpecifier.tokenKind == .keyword(.didSet)
            }
        }
    }
}
