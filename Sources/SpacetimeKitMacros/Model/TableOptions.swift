import SwiftSyntax

/// The arguments of `@Table(…)`.
struct TableOptions {
    struct ColumnPath {
        let name: String
        let node: Syntax
    }

    struct IndexOption {
        let kind: TableModel.Index.Kind
        /// The property of the handle.
        let name: String
        /// What the database is to call the index, if that is written.
        let databaseName: String?
        let columns: [ColumnPath]
        let node: Syntax
    }

    private(set) var name: String?
    private(set) var isPublic = false
    private(set) var isEvent = false
    private(set) var isUnscheduled = false
    private(set) var indexes: [IndexOption] = []

    init(_ attribute: AttributeSyntax, problems: inout Problems) {
        var isPrivate = false
        for argument in attribute.labeledArguments {
            if argument.label?.plainName == "name" {
                name = literalName(argument.expression, argument: "The table's name", problems: &problems)
                continue
            }
            let call = argument.expression.as(FunctionCallExprSyntax.self)
            let member = (call?.calledExpression ?? argument.expression).as(MemberAccessExprSyntax.self)
            switch (member?.declName.baseName.plainName, call) {
            case ("public", nil): isPublic = true
            case ("private", nil): isPrivate = true
            case ("event", nil): isEvent = true
            case ("unscheduled", nil): isUnscheduled = true
            case ("index", let call?): addIndex(.plain, call, problems: &problems)
            case ("unique", let call?): addIndex(.unique, call, problems: &problems)
            case ("primaryKey", let call?): addIndex(.primaryKey, call, problems: &problems)
            default: problems.add(.unknownOption(argument.expression.trimmedDescription), at: argument)
            }
            if isPublic, isPrivate { problems.add(.publicAndPrivate, at: argument) }
        }
    }

    private mutating func addIndex(
        _ kind: TableModel.Index.Kind, _ call: FunctionCallExprSyntax, problems: inout Problems
    ) {
        var arguments = Array(call.arguments)
        var databaseName: String?
        if let position = arguments.firstIndex(where: { $0.label?.plainName == "name" }) {
            let argument = arguments.remove(at: position)
            databaseName = literalName(argument.expression, argument: "The index's name", problems: &problems)
        }
        var name: String? = "primaryKey"
        if kind != .primaryKey {
            guard let first = arguments.first else { return problems.add(.noColumnsInIndex("index"), at: call) }
            arguments.removeFirst()
            name = literalName(first.expression, argument: "The handle's property", problems: &problems)
        }
        guard let name else { return }
        if kind == .primaryKey, let earlier = indexes.first(where: { $0.kind == .primaryKey }) {
            problems.add(.duplicateAccessor(earlier.name), at: call)
        }
        var columns: [ColumnPath] = []
        for argument in arguments {
            guard let column = Self.column(argument.expression) else {
                problems.add(.notAColumnPath, at: argument)
                continue
            }
            if columns.contains(where: { $0.name == column }) { problems.add(.repeatedColumn(column), at: argument) }
            columns.append(ColumnPath(name: column, node: Syntax(argument.expression)))
        }
        if arguments.isEmpty { problems.add(.noColumnsInIndex(name), at: call) }
        indexes.append(
            IndexOption(kind: kind, name: name, databaseName: databaseName, columns: columns, node: Syntax(call)))
    }

    private static func column(_ expression: ExprSyntax) -> String? {
        guard let path = expression.as(KeyPathExprSyntax.self), path.root == nil, path.components.count == 1,
            case .property(let property)? = path.components.first?.component
        else { return nil }
        return property.declName.baseName.plainName
    }
}
