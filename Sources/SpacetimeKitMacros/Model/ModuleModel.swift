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
    /// The visibility of the list of tables, and of what is generated for each table: rows may be less visible than the
    /// module.
    let tableAccess: Access
    let tables: [Table]
    let reducers: [Registration]
    /// The types of the listed groups of reducers, as written.
    let groups: [String]

    /// An entry of the list of reducers.
    enum Registration: Equatable {
        /// The function's base name, as it must be written in code.
        case reducer(String)
        /// Reducers that are there only in some builds. Each clause begins with its line: `#if DEBUG`, `#else`.
        case condition([Clause])
    }

    struct Clause: Equatable {
        let head: String
        let reducers: [Registration]
    }

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
        if let hidden = Self.conditionalTables(in: declaration.memberBlock.members) {
            tableAccess = .implicit
            tables = []
            problems.add(.conditionalTables, at: hidden)
        } else if let list = Self.tableList(of: declaration) {
            tableAccess = Access(list.variable.modifiers)
            tables = Self.tables(list.call, problems: &problems)
        } else {
            tableAccess = .implicit
            tables = []
            if let other = Self.otherTables(in: declaration) {
                problems.add(.unreadableTables, at: other)
            } else {
                let fix = Self.insertTables(into: declaration)
                problems.add(.noTables, at: declaration.name, fixIts: [fix])
            }
        }
        var scan = ReducerScan(lexicalContext: [Syntax(declaration)] + lexicalContext)
        reducers = scan.registrations(in: declaration.memberBlock.members, problems: &problems)
        groups = Self.groups(in: declaration, problems: &problems)
        Self.checkSchedules(in: declaration, scan.scheduled, hasGroups: !groups.isEmpty, problems: &problems)
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
        // After `also:` come tables with names: `Table(Message.self, name: "archive")`.
        var isNamed = false
        for argument in call.arguments {
            if argument.label?.plainName == "also" { isNamed = true }
            guard let table = isNamed ? namedTable(argument, problems: &problems) : ownTable(argument) else {
                if !isNamed || problems.isEmpty {
                    problems.add(isNamed ? .notANamedTable : .notATableType, at: argument.expression)
                }
                continue
            }
            if tables.contains(where: { $0.property == table.property }) {
                problems.add(.duplicateTable(table.property), at: argument.expression)
            }
            tables.append(table)
        }
        return tables
    }

    private static func ownTable(_ argument: LabeledExprSyntax) -> Table? {
        guard argument.label == nil, let type = type(argument.expression) else { return nil }
        return Table(type: type.text, property: lowerCamelCase(type.name))
    }

    private static func namedTable(_ argument: LabeledExprSyntax, problems: inout Problems) -> Table? {
        guard let call = argument.expression.as(FunctionCallExprSyntax.self),
            ["Table", "SpacetimeKit.Table"].contains(call.calledExpression.trimmedDescription),
            let first = call.arguments.first, first.label == nil, let type = type(first.expression),
            let name = call.arguments.first(where: { $0.label?.plainName == "name" }),
            let text = literalName(name.expression, argument: "The table's name", problems: &problems)
        else { return nil }
        return Table(type: type.text, property: lowerCamelCase(text))
    }

    /// The type that an expression such as `Message.self` names.
    private static func type(_ expression: ExprSyntax) -> (text: String, name: String)? {
        guard let base = metatypeBase(expression),
            let name = base.as(DeclReferenceExprSyntax.self)?.baseName.plainName
                ?? base.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
        else { return nil }
        return (base.trimmedDescription, name)
    }

    /// The types in `static let reducers = Reducers(…)`, if there is such a list.
    private static func groups(in declaration: EnumDeclSyntax, problems: inout Problems) -> [String] {
        guard let binding = binding(of: "reducers", in: declaration) else { return [] }
        guard let call = binding.initializer?.value.as(FunctionCallExprSyntax.self),
            ["Reducers", "SpacetimeKit.Reducers"].contains(call.calledExpression.trimmedDescription)
        else {
            problems.add(.unreadableGroups, at: binding.pattern)
            return []
        }
        var groups: [String] = []
        for argument in call.arguments {
            guard argument.label == nil, let type = metatypeBase(argument.expression)?.trimmedDescription else {
                problems.add(.notAGroupType, at: argument)
                continue
            }
            if groups.contains(type) { problems.add(.duplicateGroup(type), at: argument) }
            groups.append(type)
        }
        return groups
    }

    private static func binding(of name: String, in declaration: EnumDeclSyntax) -> PatternBindingSyntax? {
        for member in declaration.memberBlock.members {
            guard let variable = member.decl.as(VariableDeclSyntax.self) else { continue }
            for binding in variable.bindings where binding.pattern.trimmedDescription == name { return binding }
        }
        return nil
    }

    /// The name of a property `tables` that is not a list as the macro can read it.
    private static func otherTables(in declaration: EnumDeclSyntax) -> PatternSyntax? {
        binding(of: "tables", in: declaration)?.pattern
    }

    private static func conditionalTables(in members: MemberBlockItemListSyntax) -> IfConfigDeclSyntax? {
        for member in members {
            guard let condition = member.decl.as(IfConfigDeclSyntax.self) else { continue }
            for case .decls(let hidden) in condition.clauses.map(\.elements) {
                let declares = hidden.contains { member in
                    guard let variable = member.decl.as(VariableDeclSyntax.self), variable.isStatic else {
                        return false
                    }
                    let names = variable.bindings.map { $0.pattern.trimmedDescription }
                    return names.contains("tables")
                }
                if declares || conditionalTables(in: hidden) != nil { return condition }
            }
        }
        return nil
    }

    /// Checks the rows that are declared inside the module, whose columns can be seen: a row with a time needs a
    /// reducer that is called then, and a reducer that is called for a row needs one with a time.
    private static func checkSchedules(
        in declaration: EnumDeclSyntax, _ scheduled: [ReducerScan.Scheduled], hasGroups: Bool,
        problems: inout Problems
    ) {
        for member in declaration.memberBlock.members {
            guard let structure = member.decl.as(StructDeclSyntax.self),
                let attribute = structure.attributes.first(named: "Table")
            else { continue }
            var reportedByTable = Problems()
            let options = TableOptions(attribute, problems: &reportedByTable)
            let fields = Field.all(in: structure.memberBlock, problems: &reportedByTable)
            guard reportedByTable.isEmpty else { continue }
            let row = structure.name.plainName
            let time = fields.first(where: \.isScheduleAt)
            if let time, scheduled.isEmpty, !hasGroups, !options.isUnscheduled {
                problems.add(.scheduleWithoutReducer(row: row), at: time.node)
            }
            // A type that is not known by its name could be another name of ScheduleAt.
            if time == nil, let reducer = scheduled.first(where: { $0.row == row }),
                fields.allSatisfy({ KeyTraits($0.type).isNoRow })
            {
                problems.add(.scheduledRowWithoutTime(row: row), at: reducer.function)
            }
        }
    }

    private static func insertTables(into declaration: EnumDeclSyntax) -> FixIt {
        let block = declaration.memberBlock
        let first = MemberBlockItemSyntax(decl: DeclSyntax("\n    static let tables = Tables()"))
        let changed = block.with(\.members, [first] + block.members)
        return .replace("Add 'static let tables = Tables()'", block, by: changed)
    }
}
