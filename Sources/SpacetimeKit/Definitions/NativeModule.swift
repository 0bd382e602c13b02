import SpacetimeHost
import SpacetimeSchema

/// A module written in Swift and linked into the program.
final class NativeModule: ModuleHost {
    private let content: ModuleContent

    init(_ content: ModuleContent) { self.content = content }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { try content.rawDefinition() }

    func callReducer(
        _ reducer: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws {
        try content.reducers[reducer].run(transaction, arguments)
    }

    var rowTypes: [ObjectIdentifier: Int] {
        var positions: [ObjectIdentifier: Int] = [:]
        for (position, table) in content.tables.enumerated() { positions[table.rowType] = position }
        return positions
    }
}
