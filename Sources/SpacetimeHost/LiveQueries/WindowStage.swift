import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Some of the rows, by their place in an order.
final class WindowStage: LiveStage {
    struct Definition {
        /// Of the rows that come in.
        var schema: TableSchema
        var order: [RowOrder.Term]
        var limit: Expression?
        var offset: Expression?
        /// So many columns in front are for the order only, and are not handed out.
        var hiddenCount = 0
        /// Equal rows may come several times.
        var isBag = false
    }

    private let windows: LiveWindows
    private var window: LiveWindows.ID?
    private let limit: Int
    private let offset: Int
    private let examinedLimit: Int
    private let tail: RowTail?
    private let bag: RepeatedRows?

    /// - Parameters:
    ///   - index: an index that has the rows in the order; if nil, all rows have to be filled in.
    ///   - predicate: what rows of the index must meet.
    ///   - examinedLimit: how many rows of the index may be looked at in the beginning.
    init(
        _ definition: Definition, limit: Int, offset: Int, following index: LiveWindows.Index? = nil,
        where predicate: CompiledPredicate? = nil, examining examinedLimit: Int = .max
    ) throws(EngineError) {
        var schema = definition.schema
        if definition.isBag {
            schema = TableSchema(
                name: schema.name, columns: schema.columns + [ColumnSchema(name: "its number", type: .u32)])
        }
        windows = try LiveWindows(by: definition.order, for: schema, following: index, where: predicate)
        tail = definition.hiddenCount > 0 ? try RowTail(of: schema, from: definition.hiddenCount) : nil
        bag = definition.isBag ? RepeatedRows() : nil
        self.limit = limit
        self.offset = offset
        self.examinedLimit = examinedLimit
    }

    func fill(_ row: UnsafeRawBufferPointer) {
        if let bag { bag.fill(row) } else { windows.fill(row) }
    }

    func finishFilling(in datastore: Datastore) throws(EngineError) {
        bag?.finishFilling(windows)
        window = try windows.add(offset: offset, limit: limit, in: datastore, examining: examinedLimit)
    }

    var rowCount: Int { window.map { windows.rowCount(of: $0) } ?? 0 }

    func rows() -> RowBatch { window.map { seen(windows.rows(of: $0)) } ?? RowBatch() }

    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges {
        guard let bag else {
            let told = try windows.apply(deletes: changes.deletes, inserts: changes.inserts, in: datastore)
            return seen(told.first?.changes ?? RowChanges())
        }
        changes.deletes.forEach { bag.delete($0, windows) }
        changes.inserts.forEach { bag.insert($0, windows) }
        return seen(try windows.finish(in: datastore).first?.changes ?? RowChanges())
    }

    var byteCount: Int { windows.byteCount + (bag?.byteCount ?? 0) }

    // MARK: What is handed out

    private func seen(_ changes: RowChanges) -> RowChanges {
        if tail == nil, bag == nil { return changes }
        var net = RowChanges()
        net.deletes = seen(changes.deletes)
        net.inserts = seen(changes.inserts)
        // Rows that differ in what is not seen.
        net.cancel()
        return net
    }

    private func seen(_ rows: RowBatch) -> RowBatch {
        if tail == nil, bag == nil { return rows }
        var batch = RowBatch()
        rows.forEach { row in
            let row = bag == nil ? row : UnsafeRawBufferPointer(rebasing: row.dropLast(RepeatedRows.numberByteCount))
            batch.append(tail?.bytes(of: row) ?? row)
        }
        return batch
    }
}

/// Tells equal rows apart by a number behind each, since windows are over rows that are all different: the first has 0, the
/// next one 1, and so on. The one that goes is the last.
private final class RepeatedRows {
    /// Rows that are there more than once, and how many more.
    private var more: [[UInt8]: UInt32] = [:]
    private var filling = RowBag()
    private var scratch: [UInt8] = []
    private(set) var byteCount = 0

    static let numberByteCount = MemoryLayout<UInt32>.size

    private func withNumber<Result>(
        _ row: UnsafeRawBufferPointer, _ number: UInt32, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        scratch.removeAll(keepingCapacity: true)
        scratch += row
        withUnsafeBytes(of: number.littleEndian) { scratch += $0 }
        return scratch.withUnsafeBytes(body)
    }

    func fill(_ row: UnsafeRawBufferPointer) { filling.add(row, 1) }

    func finishFilling(_ windows: LiveWindows) {
        filling.forEach { row, count in
            for number in 0..<count { withNumber(row, UInt32(number)) { windows.fill($0) } }
            if count > 1 { setMore(Array(row), UInt32(count - 1)) }
        }
        filling = RowBag()
    }

    func insert(_ row: UnsafeRawBufferPointer, _ windows: LiveWindows) {
        if withNumber(row, 0, { windows.insert($0) }) { return }
        let key = Array(row)
        let number = (more[key] ?? 0) + 1
        withNumber(row, number) { _ = windows.insert($0) }
        setMore(key, number)
    }

    func delete(_ row: UnsafeRawBufferPointer, _ windows: LiveWindows) {
        guard !more.isEmpty, let number = more[Array(row)] else {
            return withNumber(row, 0) { windows.delete($0) }
        }
        withNumber(row, number) { windows.delete($0) }
        setMore(Array(row), number - 1)
    }

    private func setMore(_ row: [UInt8], _ count: UInt32) {
        let known = more.updateValue(count, forKey: row) != nil
        if !known { byteCount += row.count + MemoryLayout<Int>.size * 3 }
        if count == 0 {
            more[row] = nil
            byteCount -= row.count + MemoryLayout<Int>.size * 3
        }
    }
}
