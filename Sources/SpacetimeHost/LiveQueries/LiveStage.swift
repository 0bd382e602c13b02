import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What is done with the rows that meet a query's conditions before a client sees them: groups and aggregates, a window, or
/// that equal rows are one. Keeps what it needs to follow changes without a look at the other rows.
protocol LiveStage: AnyObject {
    /// The rows of the result as it is now.
    func rows() -> RowBatch
    /// Follows a commit: rows that meet the conditions went and came.
    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges
    /// Bytes of memory.
    var byteCount: Int { get }
}

/// What a kind of query does with the rows that meet its conditions.
enum LiveStageKind {
    case none
    case groups(GroupStage.Definition)
    case window(WindowStage.Definition)
    case distinct
}

// MARK: - Groups

/// Groups and their aggregates.
final class GroupStage: LiveStage {
    /// Of the rows that come in.
    struct Definition {
        var schema: TableSchema
        var keys: [FieldPath]
        var inputs: [FieldPath]
        var outputs: [AggregateShape.Output]
        /// For each column of the result its position among keys and aggregates.
        var columns: [Int]
        /// What a group must meet, on a row of keys and aggregates.
        var condition: RowPredicate
    }

    private let aggregate: LiveAggregate

    init(_ definition: Definition) throws(EngineError) {
        let plain = try LiveAggregate(
            by: definition.keys, of: definition.inputs, definition.outputs, for: definition.schema)
        let width = plain.resultTypes.count
        if definition.columns == Array(0..<width), definition.condition == .all {
            aggregate = plain
            return
        }
        let result = TableSchema(
            name: "the groups",
            columns: plain.resultTypes.enumerated().map { ColumnSchema(name: "column \($0)", type: $1) })
        let test = try CompiledPredicate(definition.condition, for: result)
        let cutter = try RowCutter(definition.columns, of: result)
        aggregate = try LiveAggregate(
            by: definition.keys, of: definition.inputs, definition.outputs, for: definition.schema
        ) { row, output in
            guard test.matches(row) else { return false }
            cutter.append(row, to: &output)
            return true
        }
    }

    func fill(_ row: UnsafeRawBufferPointer) { aggregate.fill(row) }

    func rows() -> RowBatch { aggregate.rows() }

    func apply(_ changes: RowChanges, in datastore: Datastore) -> RowChanges {
        aggregate.apply(deletes: changes.deletes, inserts: changes.inserts)
    }

    var byteCount: Int { aggregate.byteCount }
}

// MARK: - Windows

/// Some of the rows, by their place in an order.
final class WindowStage: LiveStage {
    struct Definition {
        var schema: TableSchema
        var order: [RowOrder.Term]
        var limit: Expression?
        var offset: Expression?
    }

    private let windows: LiveWindows
    private let window: LiveWindows.ID

    /// - Parameters:
    ///   - index: an index that has the rows in the order; if nil, `fill` has to hand all rows over.
    ///   - predicate: what rows of the index must meet.
    init(
        _ definition: Definition, limit: Int, offset: Int, following index: LiveWindows.Index?,
        where predicate: CompiledPredicate?, in datastore: Datastore,
        filling fill: ((UnsafeRawBufferPointer) -> Void) throws(EngineError) -> Void
    ) throws(EngineError) {
        let windows = try LiveWindows(
            by: definition.order, for: definition.schema, following: index, where: predicate)
        if index == nil { try fill { windows.fill($0) } }
        window = try windows.add(offset: offset, limit: limit, in: datastore)
        self.windows = windows
    }

    func rows() -> RowBatch { windows.rows(of: window) }

    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges {
        try windows.apply(deletes: changes.deletes, inserts: changes.inserts, in: datastore).first?.changes
            ?? RowChanges()
    }

    var byteCount: Int { windows.byteCount }
}

// MARK: - Distinct rows

/// Equal rows are one, as long as one of them is there.
final class DistinctStage: LiveStage {
    private var counts: [[UInt8]: Int] = [:]
    private(set) var byteCount = 0
    private let canonical: CanonicalRows?

    /// - Parameter schema: of the rows, if they are columns that are equal by their values. Nil for whole rows of a table,
    ///   which are equal if their bytes are.
    init(_ schema: TableSchema?) throws(EngineError) {
        canonical = if let schema { try CanonicalRows(schema) } else { nil }
    }

    private func image(_ row: UnsafeRawBufferPointer) -> [UInt8] { canonical?.image(of: row) ?? Array(row) }

    func fill(_ row: UnsafeRawBufferPointer) { add(image(row)) }

    private func add(_ row: [UInt8]) {
        let count = counts[row, default: 0]
        if count == 0 { byteCount += row.count + MemoryLayout<Int>.size * 3 }
        counts[row] = count + 1
    }

    func rows() -> RowBatch {
        var rows = RowBatch()
        // The order of a dictionary differs from process to process.
        for row in counts.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            row.withUnsafeBytes { rows.append($0) }
        }
        return rows
    }

    func apply(_ changes: RowChanges, in datastore: Datastore) -> RowChanges {
        var net = RowChanges()
        var before: [[UInt8]: Bool] = [:]
        var order: [[UInt8]] = []
        func note(_ row: [UInt8]) {
            if before.updateValue(before[row] ?? (counts[row] != nil), forKey: row) == nil { order.append(row) }
        }
        changes.deletes.forEach { bytes in
            let row = image(bytes)
            note(row)
            guard let count = counts[row] else { return }
            counts[row] = count > 1 ? count - 1 : nil
            if count == 1 { byteCount -= row.count + MemoryLayout<Int>.size * 3 }
        }
        changes.inserts.forEach { bytes in
            let row = image(bytes)
            note(row)
            add(row)
        }
        for row in order {
            let (was, isNow) = (before[row] ?? false, counts[row] != nil)
            if was, !isNow { row.withUnsafeBytes { net.deletes.append($0) } }
            if !was, isNow { row.withUnsafeBytes { net.inserts.append($0) } }
        }
        return net
    }
}
