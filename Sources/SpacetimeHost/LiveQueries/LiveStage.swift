import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What is done with the rows that meet a query's conditions before a client sees them: groups and aggregates, a window, or
/// that equal rows are one. Keeps what it needs to follow changes without a look at the other rows.
///
/// It is made of the rows that there are, which are filled in, and then follows one commit after the other.
protocol LiveStage: AnyObject {
    /// Takes in one of the rows that there are when it is made.
    func fill(_ row: UnsafeRawBufferPointer)
    /// All rows are filled in.
    ///
    /// - Parameter datastore: looked at by a window that follows an index only, so that others need no lock.
    func finishFilling(in datastore: Datastore) throws(EngineError)
    /// How many rows the result has, or some more.
    var rowCount: Int { get }
    /// The rows of the result as it is now.
    func rows() throws(EngineError) -> RowBatch
    /// Follows a commit: rows that meet the conditions went and came. Not to be used any more if it throws.
    ///
    /// - Parameter datastore: as for ``finishFilling(in:)``.
    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges
    /// Bytes of memory.
    var byteCount: Int { get }
}

/// Where a query is that does something with its rows.
enum LiveStageState {
    case ready(any LiveStage)
    /// Being made without the lock. Nobody watches the query yet.
    case filling(StageFilling)
    /// A commit could not be followed. Indirect, since every query has room for its state, and hardly any is in this one.
    indirect case failed(DatabaseError)
}

// MARK: - Several

/// Stages one behind the other: each follows what the one before it tells.
final class StageChain: LiveStage {
    private let first: any LiveStage
    private let second: any LiveStage

    init(_ first: any LiveStage, _ second: any LiveStage) {
        self.first = first
        self.second = second
    }

    func fill(_ row: UnsafeRawBufferPointer) { first.fill(row) }

    func finishFilling(in datastore: Datastore) throws(EngineError) {
        try first.finishFilling(in: datastore)
        try first.rows().forEach { second.fill($0) }
        try second.finishFilling(in: datastore)
    }

    var rowCount: Int { second.rowCount }

    func rows() throws(EngineError) -> RowBatch { try second.rows() }

    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges {
        let changes = try first.apply(changes, in: datastore)
        return changes.isEmpty ? changes : try second.apply(changes, in: datastore)
    }

    var byteCount: Int { first.byteCount + second.byteCount }
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

    func finishFilling(in datastore: Datastore) {}

    private func add(_ row: [UInt8]) {
        let count = counts[row, default: 0]
        if count == 0 { byteCount += row.count + MemoryLayout<Int>.size * 3 }
        counts[row] = count + 1
    }

    var rowCount: Int { counts.count }

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
