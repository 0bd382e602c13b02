/// Source text of the members that `@Reducers(of:)` adds.
struct ReducerGroupSource {
    let group: ReducerGroupModel

    var members: [String] { ContextSource(module: group.module, access: group.access.plainPrefix).members + [list] }

    /// The first statement compiles only if the module lists the group.
    private var list: String {
        let source = ReducerListSource(module: group.module, reducers: group.reducers)
        let result = source.isPlain ? ["return \(source.expression)"] : source.statements + ["return functions"]
        return block(
            """
            \(group.access.plainMemberPrefix)static var _spacetimeFunctions: [SpacetimeKit.AnyFunction<\(group.module)>] {
            """,
            ["\(group.module)._spacetimeLists(Self.self)"] + result)
    }
}
