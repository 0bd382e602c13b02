/// Source text of the value by which a procedure is called: `try await db.call(Chat.summarise, …)`.
struct ProcedureSource {
    let procedure: ProcedureModel

    var property: String {
        let head = procedure.head
        let types = head.parameters.map { ", \($0.typeText)" }.joined()
        let names = head.parameters.map { quoted($0.name) }.joined(separator: ", ")
        let options = procedure.options.map { ", .\($0)" }.joined()
        let inputs = head.parameters.enumerated().map { ", a\($0): \($1.typeText)" }.joined()
        let result = procedure.result ?? "SpacetimeKit.NoValue"
        let call = "\(head.effects)Self.\(head.code)(\(head.callArguments))"
        return """
            \(head.accessPrefix)nonisolated static var \(head.code): \
            SpacetimeKit.Procedure<\(head.module), \(result)\(types)> {
                .init(\(quoted(procedure.name)), parameters: [\(names)]\(options)) {
                    (context: SpacetimeKit.ProcedureContext<\(head.module)>\(inputs)) async throws -> \(result) in
                    \(procedure.result == nil ? "\(call)\n        return SpacetimeKit.NoValue()" : "return \(call)")
                }
            }
            """
    }
}

/// Source text of the value by which a module lists a handler.
struct HandlerSource {
    let handler: HandlerModel

    var property: String {
        let head = handler.head
        return """
            \(head.accessPrefix)nonisolated static var \(head.code): SpacetimeKit.Handler<\(head.module)> {
                .init(\(quoted(handler.name)), .\(handler.method), \(quoted(handler.path))) {
                    (context: SpacetimeKit.ProcedureContext<\(head.module)>, a0: SpacetimeKit.HTTP.Request) \
            async throws -> SpacetimeKit.HTTP.Response in
                    return \(head.effects)Self.\(head.code)(\(head.callArguments))
                }
            }
            """
    }
}

extension FunctionHead {
    /// What stands before a call of the function.
    fileprivate var effects: String { (canThrow ? "try " : "") + (isAsync ? "await " : "") }
}
