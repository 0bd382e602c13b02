package import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema

/// Conditions on the tables of a snapshot.
extension Catalog {
    /// Calls `body` with the rows of a snapshot that meet a condition.
    ///
    /// The snapshot has no indexes of its own. When it has been searched by the columns of an index some sixteen times it
    /// sorts the table's rows by them, and from then on finds rows as the database does. All rows of a large table are looked at by
    /// several threads.
    ///
    /// - Parameter isWanted: asked now and then while all rows are looked at; false ends that.
    package func forEachRow<E: Error>(
        of table: TableID, in snapshot: DatastoreSnapshot, where predicate: RowPredicate,
        while isWanted: () -> Bool = { true }, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws {
        guard let schema = snapshot.schema(of: table) else { return }
        if predicate == .all { return try snapshot.forEachRow(of: table, body) }
        do throws(EngineError) { try predicate.checkSize(table: schema.name) } catch { throw DatabaseError(error) }
        if try forEachRow(of: table, in: snapshot, by: planner.plan(predicate, for: table), body) { return }
        try snapshot.forEachRow(of: table, where: compiled(predicate, schema), while: isWanted, body)
    }

    /// Calls `body` with the rows of a snapshot that meet a condition, in the order of some fields.
    ///
    /// - Parameters:
    ///   - descending: whether the order is turned round.
    ///   - limit: how many rows there may be.
    package func forEachRow<E: Error>(
        of table: TableID, in snapshot: DatastoreSnapshot, where predicate: RowPredicate,
        orderedBy fields: [FieldPath], descending: Bool, limit: Int,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws {
        guard let schema = snapshot.schema(of: table) else { return }
        let order: RowOrder
        do throws(EngineError) { order = try RowOrder(fields, for: schema) } catch { throw DatabaseError(error) }
        var bytes: [UInt8] = []
        var ends: [Int] = []
        try forEachRow(of: table, in: snapshot, where: predicate) { image in
            bytes.append(contentsOf: image)
            ends.append(bytes.count)
        }
        try bytes.withUnsafeBytes { bytes in
            var begin = 0
            var images = ends.map { end in
                defer { begin = end }
                return UnsafeRawBufferPointer(rebasing: bytes[begin..<end])
            }
            images = order.sorted(images)
            if descending { images.reverse() }
            for image in images.prefix(max(0, limit)) { try body(image) }
        }
    }

    /// - Returns: false if the plan needs an index that the snapshot does not have.
    func forEachRow<E: Error>(
        of table: TableID, in snapshot: DatastoreSnapshot, by plan: ScanPlan,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws -> Bool {
        guard let schema = snapshot.schema(of: table), let lookup = IndexLookup(plan.access),
            let index = lookup.index, let columns = planner.table(table)?.index(index)?.columns
        else { return false }
        let rest: CompiledPredicate?
        if let predicate = plan.rest { rest = try compiled(predicate, schema) } else { rest = nil }
        return try snapshot.forEachRow(of: table, by: columns, lookup, where: rest, body)
    }

    private func compiled(
        _ predicate: RowPredicate, _ schema: TableSchema
    ) throws(DatabaseError) -> CompiledPredicate {
        do throws(EngineError) { return try CompiledPredicate(predicate, for: schema) } catch {
            throw DatabaseError(error)
        }
    }
}
