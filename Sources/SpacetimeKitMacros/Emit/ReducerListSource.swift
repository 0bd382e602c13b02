/// Source text of the list of the functions that stand in one enum.
struct ReducerListSource {
    /// The type of the module, as it must be written in code.
    let module: String
    let reducers: [ModuleModel.Registration]

    /// A list as an expression. Only if `isPlain`.
    var expression: String {
        block("[", reducers.map { "\(entry($0))," }, "] as [SpacetimeKit.AnyFunction<\(module)>]")
    }

    /// Whether the list is the same in every build: a literal cannot hold an `#if`.
    var isPlain: Bool {
        reducers.allSatisfy { if case .reducer = $0 { true } else { false } }
    }

    /// Statements that declare a variable `functions` and fill it.
    var statements: [String] {
        let always = reducers.filter { if case .reducer = $0 { true } else { false } }
        let conditional = reducers.filter { if case .condition = $0 { true } else { false } }
        return ["var functions = \(ReducerListSource(module: module, reducers: always).expression)"]
            + conditional.map(statement)
    }

    private func entry(_ registration: ModuleModel.Registration) -> String {
        guard case .reducer(let name) = registration else { return "" }
        return "SpacetimeKit._spacetimeErased(Self.\(name))"
    }

    private func statement(_ registration: ModuleModel.Registration) -> String {
        switch registration {
        case .reducer: "functions.append(\(entry(registration)))"
        case .condition(let clauses):
            clauses.map { clause in ([clause.head] + clause.reducers.map(statement)).joined(separator: "\n") }
                .joined(separator: "\n") + "\n#endif"
        }
    }
}
