/// Source text of the members that `@Module` adds.
struct ModuleSource {
    let module: ModuleModel

    var members: [String] { [context, tableHandles, content] }

    private var access: String { module.access.plainPrefix }

    private var context: String {
        "\(access)typealias Context = SpacetimeKit.Context<\(module.typeName)>"
    }

    private var tableHandles: String {
        let properties = module.tables.enumerated().map { position, table in
            """
            \(module.tableAccess.plainPrefix)var \(escaped(table.property)): \(table.type).Handle {
                .init(_spacetimeReference: .init(_spacetimeTransaction, table: \(position)))
            }
            """
        }
        return """
            \(access)nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                \(access)let _spacetimeTransaction: SpacetimeKit.TransactionReference
                \(access)init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                    self._spacetimeTransaction = transaction
                }
                \(properties.lines(indentedBy: 1))
            }
            """
    }

    private var content: String {
        let always = module.reducers.compactMap { registration -> String? in
            guard case .reducer(let name) = registration else { return nil }
            return "SpacetimeKit._spacetimeErased(Self.\(name)),"
        }
        let conditional = module.reducers.filter { if case .condition = $0 { true } else { false } }
        let list = """
            [
                \(always.lines(indentedBy: 1))
            ] as [SpacetimeKit.AnyReducer<Self>]
            """
        // A literal cannot hold an `#if`.
        let statements = """
            var reducers: [SpacetimeKit.AnyReducer<Self>] = []
            reducers += \(list)
            \(conditional.map(statements).joined(separator: "\n"))
            return\u{20}
            """
        return """
            \(access)nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                \(conditional.isEmpty ? "" : statements.indented(1)).init(
                    name: \(quoted(module.name)),
                    tables: Self.tables,
                    reducers: \(conditional.isEmpty ? list.indented(2) : "reducers"))
            }
            """
    }

    private func statements(_ registration: ModuleModel.Registration) -> String {
        switch registration {
        case .reducer(let name): "reducers.append(SpacetimeKit._spacetimeErased(Self.\(name)))"
        case .condition(let clauses):
            clauses.map { clause in ([clause.head] + clause.reducers.map(statements)).joined(separator: "\n") }
                .joined(separator: "\n") + "\n#endif"
        }
    }
}
