import SpacetimeHost
import SpacetimeSchema

/// A module written in Swift and linked into the program.
private final class NativeModule: ModuleHost {
    private let content: ModuleContent

    init(_ content: ModuleContent) { self.content = content }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { try content.rawDefinition() }

    func callReducer(
        _ reducer: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws {
        try content.reducers[reducer].run(transaction, arguments)
    }

    var rowTypes: [ObjectIdentifier: RowTables] {
        var tables: [ObjectIdentifier: RowTables] = [:]
        for (position, table) in content.tables.enumerated() {
            var known = tables[table.rowType] ?? RowTables(own: nil, all: [])
            known.all.append(position)
            if !table.isNamed { known.own = position }
            tables[table.rowType] = known
        }
        // The only one is meant even if it has a name of its own.
        return tables.mapValues { RowTables(own: $0.own ?? ($0.all.count == 1 ? $0.all[0] : nil), all: $0.all) }
    }
}

extension ModuleContent {
    /// The module as a database runs it.
    var host: any ModuleHost { NativeModule(self) }
}
