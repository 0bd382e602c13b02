/// Source text of the value by which a view is subscribed to: `db.subscribe(League.own)`.
struct ViewSource {
    let view: ViewModel

    var property: String {
        let head = view.head
        let context = "SpacetimeKit.\(view.isAnonymous ? "AnonymousViewContext" : "ViewContext")<\(head.module)>"
        let inputs = head.parameters.enumerated().map { ", a\($0): \($1.typeText)" }.joined()
        let names = head.parameters.map { quoted($0.name) }.joined(separator: ", ")
        let types = head.parameters.map { ", \($0.typeText)" }.joined()
        let hasParameters = !head.parameters.isEmpty
        return """
            \(head.accessPrefix)nonisolated static var \(head.code): \
            SpacetimeKit.\(hasParameters ? "ParameterizedModuleView" : "ModuleView")<\(head.module), \(view.row)\(types)> {
                .init(\(quoted(view.name))\(hasParameters ? ", parameters: [\(names)]" : "")) {
                    (context: borrowing \(context)\(inputs)) throws -> \(view.result) in
                    return \(head.canThrow ? "try " : "")Self.\(head.code)(\(head.callArguments))
                }
            }
            """
    }
}
