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
        """
        \(access)nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
            .init(
                name: \(quoted(module.name)),
                tables: Self.tables,
                reducers: [
                    \(module.reducers.map { "Self.\($0).erased," }.lines(indentedBy: 3))
                ] as [SpacetimeKit.AnyReducer<Self>])
        }
        """
    }
}
