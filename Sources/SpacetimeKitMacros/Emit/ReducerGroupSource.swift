/// Source text of the members that `@Reducers(of:)` adds.
struct ReducerGroupSource {
    let group: ReducerGroupModel

    var members: [String] { [context, list] }

    private var context: String {
        "\(group.access.plainPrefix)typealias Context = SpacetimeKit.Context<\(group.module)>"
    }

    /// The first statement compiles only if the module lists the group.
    private var list: String {
        let source = ReducerListSource(module: group.module, reducers: group.reducers)
        let result = source.isPlain ? ["return \(source.expression)"] : source.statements + ["return reducers"]
        return block(
            """
            \(group.access.plainMemberPrefix)static var _spacetimeReducers: [SpacetimeKit.AnyReducer<\(group.module)>] {
            """,
            ["\(group.module)._spacetimeLists(Self.self)"] + result)
    }
}
