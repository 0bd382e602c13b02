import SwiftSyntax

/// Finds the reducers in the body of a module, and names that are taken twice in one build.
struct ReducerScan {
    let lexicalContext: [Syntax]
    private(set) var scheduled: [Scheduled] = []
    private var taken = Taken()
    /// What stands in an `#if` before, and is compared with what is always there.
    private var conditional = Taken()

    struct Scheduled {
        /// The type of the row that the reducer takes, as written.
        let row: String?
        let function: TokenSyntax
    }

    private struct Taken {
        var functions: Set<String> = []
        var names: Set<String> = []
        var lifecycles: Set<String> = []

        mutating func formUnion(_ other: Taken) {
            functions.formUnion(other.functions)
            names.formUnion(other.names)
            lifecycles.formUnion(other.lifecycles)
        }
    }

    init(lexicalContext: [Syntax]) { self.lexicalContext = lexicalContext }

    mutating func registrations(
        in members: MemberBlockItemListSyntax, problems: inout Problems
    ) -> [ModuleModel.Registration] {
        var found: [ModuleModel.Registration] = []
        for member in members {
            if let function = member.decl.as(FunctionDeclSyntax.self) {
                if let name = registration(of: function, problems: &problems) { found.append(.reducer(name)) }
            } else if let condition = member.decl.as(IfConfigDeclSyntax.self) {
                let clauses = condition.clauses.map { clause(of: $0, problems: &problems) }
                if clauses.contains(where: { !$0.reducers.isEmpty }) { found.append(.condition(clauses)) }
            }
        }
        return found
    }

    /// Only one clause of an `#if` is compiled, and two `#if`s may exclude each other.
    private mutating func clause(of clause: IfConfigClauseSyntax, problems: inout Problems) -> ModuleModel.Clause {
        let condition = clause.condition.map { " \($0.trimmedDescription)" } ?? ""
        let head = clause.poundKeyword.text + condition
        guard case .decls(let members) = clause.elements else { return ModuleModel.Clause(head: head, reducers: []) }
        var inside = self
        inside.conditional = Taken()
        let reducers = inside.registrations(in: members, problems: &problems)
        scheduled = inside.scheduled
        conditional.formUnion(inside.taken)
        conditional.formUnion(inside.conditional)
        return ModuleModel.Clause(head: head, reducers: reducers)
    }

    /// The name to list, or nil for what is no reducer, or one that the other macro refuses.
    private mutating func registration(of function: FunctionDeclSyntax, problems: inout Problems) -> String? {
        guard let attribute = function.attributes.first(named: "Reducer") else { return nil }
        var reportedByReducer = Problems()
        let reducer = ReducerModel(
            function, attribute: attribute, lexicalContext: lexicalContext, problems: &reportedByReducer)
        let isNewName = taken.names.insert(reducer.name).inserted && !conditional.names.contains(reducer.name)
        let isNewFunction =
            taken.functions.insert(function.name.text).inserted && !conditional.functions.contains(function.name.text)
        if !isNewName || !isNewFunction { problems.add(.duplicateReducer(reducer.name), at: function.name) }
        if reducer.lifecycle == ReducerModel.scheduled {
            let row = reducer.parameters.first?.type.trimmedDescription
            scheduled.append(Scheduled(row: row, function: function.name))
        } else if let lifecycle = reducer.lifecycle {
            let isNew = taken.lifecycles.insert(lifecycle).inserted && !conditional.lifecycles.contains(lifecycle)
            if !isNew { problems.add(.duplicateLifecycle(lifecycle), at: attribute) }
        }
        return reportedByReducer.isEmpty ? function.name.text : nil
    }
}
