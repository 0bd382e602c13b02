import SwiftSyntax

/// Finds the functions in the body of a module that others can call, and names that are taken twice in one build.
struct ReducerScan {
    let lexicalContext: [Syntax]
    private(set) var scheduled: [Scheduled] = []
    private var taken = Taken()
    /// What was found in `#if`s before. Reducers that are always there are compared with it.
    private var conditional = Taken()

    struct Scheduled {
        /// The type of the row that the function takes, as written.
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

    /// The name to list; nil if the function is an ordinary one, or if its macro refuses it and says why.
    private mutating func registration(of function: FunctionDeclSyntax, problems: inout Problems) -> String? {
        guard let (kind, attribute) = FunctionKind.of(function) else { return nil }
        var reportedByMacro = Problems()
        switch kind {
        case .reducer:
            let reducer = ReducerModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &reportedByMacro)
            note(reducer.name, function, problems: &problems)
            note(reducer, function, attribute, problems: &problems)
        case .procedure:
            let procedure = ProcedureModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &reportedByMacro)
            note(procedure.name, function, problems: &problems)
            if procedure.isScheduled { noteScheduled(procedure.head, function) }
        case .handler:
            let handler = HandlerModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &reportedByMacro)
            note(handler.name, function, problems: &problems)
        case .view:
            let view = ViewModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &reportedByMacro)
            note(view.name, function, problems: &problems)
        }
        return reportedByMacro.isEmpty ? function.name.text : nil
    }

    private mutating func note(_ name: String, _ function: FunctionDeclSyntax, problems: inout Problems) {
        let isNewName = taken.names.insert(name).inserted && !conditional.names.contains(name)
        let isNewFunction =
            taken.functions.insert(function.name.text).inserted && !conditional.functions.contains(function.name.text)
        if !isNewName || !isNewFunction { problems.add(.duplicateFunction(name), at: function.name) }
    }

    private mutating func note(
        _ reducer: ReducerModel, _ function: FunctionDeclSyntax, _ attribute: AttributeSyntax,
        problems: inout Problems
    ) {
        guard let lifecycle = reducer.lifecycle, lifecycle != ReducerModel.sliced else { return }
        if lifecycle == ReducerModel.scheduled { return noteScheduled(reducer.head, function) }
        let isNew = taken.lifecycles.insert(lifecycle).inserted && !conditional.lifecycles.contains(lifecycle)
        if !isNew { problems.add(.duplicateLifecycle(lifecycle), at: attribute) }
    }

    private mutating func noteScheduled(_ head: FunctionHead, _ function: FunctionDeclSyntax) {
        scheduled.append(Scheduled(row: head.parameters.first?.typeText, function: function.name))
    }
}
