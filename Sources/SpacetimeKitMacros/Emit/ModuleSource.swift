/// Source text of the names that a module's contexts have inside of its enums.
struct ContextSource {
    let module: String
    let access: String

    var members: [String] {
        ["Context", "ProcedureContext", "ViewContext", "AnonymousViewContext"].map {
            "\(access)typealias \($0) = SpacetimeKit.\($0)<\(module)>"
        }
    }
}

/// Source text of the members that `@Module` adds.
struct ModuleSource {
    let module: ModuleModel

    var members: [String] {
        ContextSource(module: module.typeName, access: access).members + [tableHandles, content]
            + module.groups.map(listing)
    }

    private var access: String { module.access.plainPrefix }

    private var tableHandles: String {
        let head = """
            \(access)let _spacetimeTransaction: SpacetimeKit.TransactionReference
            \(access)init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                self._spacetimeTransaction = transaction
            }
            """
        let properties = module.tables.enumerated().map { position, table in
            """
            \(module.tableAccess.plainPrefix)var \(escaped(table.property)): \(table.type).Handle {
                .init(_spacetimeReference: .init(_spacetimeTransaction, table: \(position)))
            }
            """
        }
        return block("\(access)nonisolated struct TableHandles: SpacetimeKit.TableHandles {", [head] + properties)
    }

    private var content: String {
        let own = ReducerListSource(module: "Self", reducers: module.reducers)
        var statements: [String] = []
        var functions = own.expression
        if !own.isPlain || !module.groups.isEmpty {
            statements = own.statements + module.groups.map { "functions += \($0)._spacetimeFunctions" }
            functions = "functions"
        }
        let result = """
            \(statements.isEmpty ? "" : "return ").init(
                name: \(quoted(module.name)),
                tables: Self.tables,
                functions: \(functions.indented(1)))
            """
        return block(
            "\(access)nonisolated static var moduleContent: SpacetimeKit.ModuleContent {", statements + [result])
    }

    /// A function for each listed group. Groups call theirs, so that one that is not listed does not compile.
    private func listing(_ group: String) -> String {
        """
        nonisolated static func _spacetimeLists(_ group: \(group).Type) {
        }
        """
    }
}
