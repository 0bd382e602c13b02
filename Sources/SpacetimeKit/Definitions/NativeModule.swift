import SpacetimeEngine
package import SpacetimeHost
import SpacetimeSchema

/// A module written in Swift and linked into the program.
private final class NativeModule: ModuleHost {
    private let content: ModuleContent

    init(_ content: ModuleContent) { self.content = content }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { try content.rawDefinition() }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        switch function.kind {
        case .reducer:
            try content.reducers[function.position].run(transaction, arguments)
            return .done
        case .view:
            let output = try content.views[function.position].run(transaction, arguments)
            if let query = output.query {
                let catalog = transaction.runner.catalog
                return .bound(try catalog.bound(query, by: catalog.owner))
            }
            return .batch(RowBatch(bytes: output.bytes, ends: output.ends))
        case .procedure, .handler: throw Self.unknown(function)
        }
    }

    func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
        switch (function.kind, input) {
        case (.procedure, .arguments(let arguments)):
            .value(try await content.procedures[function.position].run(call, arguments))
        case (.handler, .request(let request)):
            .response(try await content.handlers[function.position].run(call, request))
        default: throw Self.unknown(function)
        }
    }

    private static func unknown(_ function: Function) -> DatabaseError {
        DatabaseError(.internalInconsistency, "a \(function.kind) was called as what it is not")
    }

    /// What a function of the program shares with others it guards itself: it is `@Sendable`.
    var runsViewsAnywhere: Bool { true }

    var traits: ModuleTraits {
        var traits = ModuleTraits()
        traits.durableProcedures = Set(
            content.procedures.indices.filter { content.procedures[$0].options.contains(.durable) })
        for (position, reducer) in content.reducers.enumerated() {
            traits.reducerRates[position] = reducer.rate
            guard case .sliced(let period)? = reducer.lifecycle, let table = content.slicedTable(of: reducer) else {
                continue
            }
            traits.slicedJobs.append(SlicedJobDefinition(reducer: position, table: table, period: period))
        }
        return traits
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

extension ModuleDefinition {
    /// The module as a database runs it.
    package static var host: any ModuleHost { wholeContent.host }
}
