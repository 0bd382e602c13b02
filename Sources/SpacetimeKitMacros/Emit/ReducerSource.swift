/// Source text of the value by which a reducer is called: `db.call(Chat.send, …)`.
struct ReducerSource {
    let reducer: ReducerModel

    var property: String {
        let head = reducer.head
        let types = head.parameters.map { ", \($0.typeText)" }.joined()
        let names = head.parameters.map { quoted($0.name) }.joined(separator: ", ")
        let lifecycle = reducer.lifecycleCode.map { ", lifecycle: .\($0)" } ?? ""
        let access = reducer.isPrivate ? ", access: .private" : ""
        let rate = reducer.rate.map { ", rate: \($0)" } ?? ""
        let inputs = head.parameters.enumerated().map { ", a\($0): \($1.typeText)" }.joined()
        return """
            \(head.accessPrefix)nonisolated static var \(head.code): SpacetimeKit.Reducer<\(head.module)\(types)> {
                .init(\(quoted(reducer.name)), parameters: [\(names)]\(lifecycle)\(access)\(rate)) {
                    (context: borrowing SpacetimeKit.Context<\(head.module)>\(inputs)) throws in
                    \(head.canThrow ? "try " : "")Self.\(head.code)(\(head.callArguments))
                }
            }
            """
    }
}
