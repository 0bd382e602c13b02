import SwiftSyntax

/// Finds the reducers in the body of a module, and names that are taken twice in one build.
struct ReducerScan {
    let lexicalContext: [Syntax]
    private(set) var scheduled: [Scheduled] = []
    private var taken = Taken()
    /// What was found in `#if`s before. Reducers that are always there are compared with it.
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

    /// Reads one clause by itself: only one clause of an `#if` is compiled, and two `#if`s may exclude each other, so
    /// names in them may repeat.
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

    /// The name to list; nil if the function is not a reducer, or if `@Reducer` refuses it and says why.
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
            let row = reducer.parameters.first?.typeText
            scheduled.append(Scheduled(row: row, function: function.name))
        } else if let lifecycle = reducer.lifecycle {
            let isNew = taken.lifecycles.insert(lifecycle).inserted && !conditional.lifecycles.contains(lifecycle)
            if !isNew { problems.add(.duplicateLifecycle(lifecycle), at: attribute) }
        }
        return reportedByReducer.isEmpty ? function.name.text : nil
    }
}
