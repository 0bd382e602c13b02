import SpacetimeEngine
import SpacetimeSchema

/// What is told once in each commit, of a query for events that may find the same several times: as through a semijoin.
///
/// Events are there in one commit only, so nothing of them is kept for the next, in which equal ones may come again.
enum EventRows {
    /// Each event of the table, however many rows of others it finds. Equal events are several.
    case events(TableID)
    /// Each different row.
    case different(CanonicalRows)

    /// - Parameter events: the event table.
    /// - Returns: nil if everything is told as often as it is found.
    /// - Throws: `invalidQuery` for groups and windows.
    init?(_ query: BoundQuery, _ shape: LiveShape, _ events: TableFacts) throws(DatabaseError) {
        if query.grouping != nil || query.limit != nil || query.offset != nil {
            throw DatabaseError(
                .invalidQuery,
                "the rows of the event table '\(events.schema.name)' are there in one commit only, so they cannot be counted, grouped or "
                    + "limited as they come; subscribe to the rows")
        }
        if !query.isDistinct { return nil }
        if case .rows(let slot) = query.output, query.tables[slot].id == events.id {
            self = .events(events.id)
            return
        }
        do throws(EngineError) { self = .different(try CanonicalRows(shape.stageSchema)) } catch {
            throw DatabaseError(error)
        }
    }

    /// The rows that are told of those that were found.
    ///
    /// - Parameter commit: what it changed in tables.
    func told(of found: RowBatch, _ commit: ChangeSet) -> RowBatch {
        var rows = RowBatch()
        var seen: Set<[UInt8]> = []
        switch self {
        case .events(let table):
            found.forEach { seen.insert(Array($0)) }
            commit[table]?.inserts.forEach { if seen.contains(Array($0)) { rows.append($0) } }
        case .different(let canonical):
            found.forEach { row in
                let image = canonical.image(of: row)
                if seen.insert(image).inserted { image.withUnsafeBytes { rows.append($0) } }
            }
        }
        return rows
    }
}
