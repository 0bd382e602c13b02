/// Source text of the value by which a reducer is called: `db.call(Chat.send, …)`.
struct ReducerSource {
    let reducer: ReducerModel

    var property: String {
        let types = reducer.parameters.map { ", \($0.typeText)" }.joined()
        let names = reducer.parameters.map { quoted($0.name) }.joined(separator: ", ")
        let lifecycle = reducer.lifecycle.map { ", lifecycle: .\($0)" } ?? ""
        let access = reducer.isPrivate ? ", access: .private" : ""
        let inputs = reducer.parameters.enumerated().map { ", a\($0): \($1.typeText)" }.joined()
        let context = reducer.contextLabel.map { "\(argumentLabel($0)): context" } ?? "context"
        let arguments = reducer.parameters.enumerated().map { position, parameter in
            ", \(parameter.label.map { "\(argumentLabel($0)): " } ?? "")a\(position)"
        }
        return """
            \(reducer.accessPrefix)nonisolated static var \(reducer.code): SpacetimeKit.Reducer<\(reducer.module)\(types)> {
                .init(\(quoted(reducer.name)), parameters: [\(names)]\(lifecycle)\(access)) {
                    (context: borrowing SpacetimeKit.Context<\(reducer.module)>\(inputs)) throws in
                    \(reducer.canThrow ? "try " : "")Self.\(reducer.code)(\(context)\(arguments.joined()))
                }
            }
            """
    }
}
