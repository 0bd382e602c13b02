import SpacetimeClient
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

/// Runs the reducers of a module on the rows that a client has.
final class ModulePredictor: RowPredictor {
    /// Which module it is of.
    let module: ObjectIdentifier
    private let rehearsal: Rehearsal

    init<Definition: ModuleDefinition>(_ module: Definition.Type) throws {
        self.module = ObjectIdentifier(module)
        rehearsal = try Rehearsal(of: module.host)
    }

    func follow(_ changes: [CacheDifference]) {
        let rows = changes.map { change in
            var rows = RehearsedRows(table: change.table)
            rows.inserts = RowBatch(bytes: change.inserted.bytes, ends: change.inserted.ends)
            rows.deletes = RowBatch(bytes: change.deleted.bytes, ends: change.deleted.ends)
            return rows
        }
        // It fails inside of somebody else's transaction only. What is foreseen is less exact then; what is confirmed is not.
        try? rehearsal.apply(rows)
    }

    func predict(_ calls: [PredictedCall]) -> [CacheDifference] {
        let rehearsed = calls.map { call in
            RehearsedCall(
                number: UInt64(call.number), reducer: call.reducer, arguments: call.arguments,
                caller: Caller(identity: call.identity, connection: call.connectionID), timestamp: call.timestamp)
        }
        return ((try? rehearsal.run(rehearsed)) ?? []).map { rows in
            CacheDifference(
                table: rows.table, inserted: PackedRows(bytes: rows.inserts.bytes, ends: rows.inserts.ends),
                deleted: PackedRows(bytes: rows.deletes.bytes, ends: rows.deletes.ends))
        }
    }
}
