import SwiftParser
import SwiftSyntax

/// The marker attributes of one column.
struct Markers {
    private(set) var primaryKey: AttributeSyntax?
    private(set) var unique: AttributeSyntax?
    private(set) var autoIncrement: AttributeSyntax?
    private(set) var indexed: AttributeSyntax?
    private(set) var defaultAttribute: AttributeSyntax?
    /// The algorithm asked for, if the column is `@Indexed`.
    private(set) var algorithm: String?
    /// What the database is to call the column's index, if that is written.
    private(set) var indexName: String?

    init(_ attributes: AttributeListSyntax, problems: inout Problems) {
        for case .attribute(let attribute) in attributes {
            switch attribute.macroName {
            case "PrimaryKey": primaryKey = attribute
            case "Unique": unique = attribute
            case "AutoIncrement": autoIncrement = attribute
            case "Default": defaultAttribute = attribute
            case "Indexed":
                indexed = attribute
                algorithm = Self.algorithm(of: attribute, problems: &problems)
            default: break
            }
            if ["PrimaryKey", "Unique", "Indexed"].contains(attribute.macroName) {
                readName(of: attribute, problems: &problems)
            }
        }
        for (name, condition) in attributes.conditional where Self.names.contains(name) {
            problems.add(.conditionalMarker(macro: name), at: condition)
        }
    }

    private static let names = ["PrimaryKey", "Unique", "AutoIncrement", "Default", "Indexed"]

    private mutating func readName(of attribute: AttributeSyntax, problems: inout Problems) {
        guard let argument = attribute.labeledArguments.first(where: { $0.label?.plainName == "name" }),
            let name = literalName(argument.expression, argument: "The index's name", problems: &problems)
        else { return }
        if let other = indexName, other != name { problems.add(.twoIndexNames(other, name), at: argument) }
        indexName = name
    }

    var defaultValue: ExprSyntax? { defaultAttribute?.labeledArguments.first?.expression.trimmed }

    private static func algorithm(of attribute: AttributeSyntax, problems: inout Problems) -> String {
        guard let argument = attribute.labeledArguments.first(where: { $0.label == nil })?.expression else {
            return "btree"
        }
        guard let name = argument.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName,
            ["btree", "hash", "direct"].contains(name)
        else {
            problems.add(.unknownAlgorithm(argument.trimmedDescription), at: argument)
            return "btree"
        }
        return name
    }
}

extension AttributeSyntax {
    /// The macro's name without the module: `PrimaryKey` for `@SpacetimeKit.PrimaryKey`.
    var macroName: String? {
        if let member = attributeName.as(MemberTypeSyntax.self) { return member.name.plainName }
        return attributeName.as(IdentifierTypeSyntax.self)?.name.plainName
    }

    var labeledArguments: [LabeledExprSyntax] {
        guard case .argumentList(let list) = arguments else { return [] }
        return Array(list)
    }
}

extension AttributeListSyntax {
    /// The attribute of the macro with this name.
    func first(named name: String) -> AttributeSyntax? {
        for case .attribute(let attribute) in self where attribute.macroName == name { return attribute }
        return nil
    }

    /// The names of attributes that stand in an `#if`, with it.
    var conditional: [(name: String, condition: IfConfigDeclSyntax)] {
        flatMap { element -> [(name: String, condition: IfConfigDeclSyntax)] in
            guard case .ifConfigDecl(let condition) = element else { return [] }
            return condition.clauses.flatMap { clause -> [(name: String, condition: IfConfigDeclSyntax)] in
                guard case .attributes(let list) = clause.elements else { return [] }
                let own = list.compactMap { element -> (name: String, condition: IfConfigDeclSyntax)? in
                    guard case .attribute(let attribute) = element, let name = attribute.macroName else { return nil }
                    return (name, condition)
                }
                return own + list.conditional.map { ($0.name, condition) }
            }
        }
    }

    /// The attribute that ties a declaration to an actor. Macros see names only: `@MainActor`, and others that end so.
    var globalActor: AttributeSyntax? {
        for case .attribute(let attribute) in self where attribute.macroName?.hasSuffix("Actor") == true {
            return attribute
        }
        return nil
    }
}

/// The text of a string literal without interpolation, or nil after noting the problem.
func literalName(_ expression: ExprSyntax, argument: String, problems: inout Problems) -> String? {
    guard let text = expression.as(StringLiteralExprSyntax.self)?.representedLiteralValue else {
        problems.add(.notALiteral(argument: argument), at: expression)
        return nil
    }
    guard isPlainIdentifier(text) else {
        problems.add(.invalidName(text), at: expression)
        return nil
    }
    return text
}
