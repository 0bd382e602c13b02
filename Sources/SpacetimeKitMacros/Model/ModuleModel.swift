import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// A `@Module` enum as the macro understands it.
struct ModuleModel {
    struct Table {
        /// The row's type as written in the list.
        let type: String
        /// The property of `context.db`.
        let property: String
    }

    let typeName: String
    let name: String
    let access: Access
    /// Rows may be less visible than the module; then so is the list of them, and what is generated for each.
    let tableAccess: Access
    let tables: [Table]
    /// Base names of the reducers, as they must be written in code.
    let reducers: [String]

    init(
        _ declaration: EnumDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) {
        let argument = attribute.labeledArguments.first { $0.label?.plainName == "name" }
        let explicit = argument.flatMap {
            literalName($0.expression, argument: "The module's name", problems: &problems)
        }
        typeName = declaration.name.text
        name = explicit ?? declaration.name.plainName
        access = Access(declaration.modifiers, in: lexicalContext)
        if let generics = declaration.genericParameterClause {
            problems.add(.genericType(macro: "Module"), at: generics)
        }
        if let list = Self.tableList(of: declaration) {
            tableAccess = Access(list.variable.modifiers)
            tables = Self.tables(list.call, problems: &problems)
        } else {
            tableAccess = .implicit
            tables = []
            let fix = Self.insertTables(into: declaration)
            problems.add(.noTables, at: declaration.name, fixIts: [fix])
        }
        reducers = Self.reducers(of: declaration, problems: &problems)
    }
}

extension ModuleModel {
    private static func tableList(
        of declaration: EnumDeclSyntax
    ) -> (variable: VariableDeclSyntax, call: FunctionCallExprSyntax)? {
        for member in declaration.memberBlock.members {
            guard let variable = member.decl.as(VariableDeclSyntax.self), variable.isStatic,
                let binding = variable.bindings.first,
                binding.pattern.as(IdentifierPatternSyntax.self)?.identifier.plainName == "tables",
                let call = binding.initializer?.value.as(FunctionCallExprSyntax.self),
                ["Tables", "SpacetimeKit.Tables"].contains(call.calledExpression.trimmedDescription)
            else { continue }
            return (variable, call)
        }
        return nil
    }

    private static func tables(_ call: FunctionCallExprSyntax, problems: inout Problems) -> [Table] {
        var tables: [Table] = []
        for argument in call.arguments {
            guard argument.label == nil, let access = argument.expression.as(MemberAccessExprSyntax.self),
                access.declName.baseName.tokenKind == .keyword(.self), let base = access.base,
                let name = base.as(DeclReferenceExprSyntax.self)?.baseName.plainName
                    ?? base.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
            else {
                problems.add(.notATableType, at: argument.expression)
                continue
            }
            let property = lowerCamelCase(name)
            if tables.contains(where: { $0.property == property }) {
                problems.add(.duplicateTable(property), at: argument.expression)
            }
            tables.append(Table(type: base.trimmedDescription, property: property))
        }
        return tables
    }

    private static func reducers(of declaration: EnumDeclSyntax, problems: inout Problems) -> [String] {
        var reducers: [String] = []
        var names: Set<String> = []
        var lifecycles: Set<String> = []
        for member in declaration.memberBlock.members {
            guard let function = member.decl.as(FunctionDeclSyntax.self),
                let attribute = function.attributes.first(named: "Reducer")
            else { continue }
            var reportedByReducer = Problems()
            let options = ReducerOptions(attribute, problems: &reportedByReducer)
            let name = options.name ?? function.name.plainName
            let isNew = names.insert(name).inserted && !reducers.contains(function.name.text)
            if !isNew { problems.add(.duplicateReducer(name), at: function.name) }
            if let lifecycle = options.lifecycle, lifecycle != ReducerModel.scheduled,
                !lifecycles.insert(lifecycle).inserted
            {
                problems.add(.duplicateLifecycle(lifecycle), at: attribute)
            }
            reducers.append(function.name.text)
        }
        return reducers
    }

    private static func insertTables(into declaration: EnumDeclSyntax) -> FixIt {
        let block = declaration.memberBlock
        let first = MemberBlockItemSyntax(decl: DeclSyntax("\n    static let tables = Tables()"))
        let changed = block.with(\.members, [first] + block.members)
        return .replace("Add 'static let tables = Tables()'", block, by: changed)
    }
}
