import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Writes the rows of views to their tables: no more than what differs. Guarded by the database's lock.
///
/// Rows are compared by their bytes. A row whose primary key stays is overwritten in its place, so that it costs no entry in an
/// index, and clients are told of an update.
struct ViewWriter: ~Copyable {
    private var difference = RowDifference()
    /// A row with what it begins with in the table.
    private var image: [UInt8] = []
    private var key: [UInt8] = []

    init() {}

    /// Makes the rows of an instance these, of which equal ones are one.
    ///
    /// - Throws: `uniqueViolation` if two of them have the same primary key.
    mutating func replace(
        _ rows: [RowBatch], of instance: ViewInstance, in transaction: TransactionReference
    ) throws(DatabaseError) {
        difference.removeAll()
        try addPresent(instance, transaction.runner.datastore)
        for batch in rows { batch.forEach { difference.addNew($0) } }
        try write(instance, transaction)
    }

    /// Takes rows away from an instance and adds others.
    mutating func write(
        _ changes: RowChanges, of instance: ViewInstance, in transaction: TransactionReference
    ) throws(DatabaseError) {
        difference.removeAll()
        changes.deletes.forEach { difference.addOld($0) }
        changes.inserts.forEach { difference.addNew($0) }
        try write(instance, transaction)
    }

    private mutating func addPresent(_ instance: ViewInstance, _ datastore: Datastore) throws(DatabaseError) {
        let skipped = instance.key.count
        do throws(EngineError) {
            let scan: RowScan
            if let index = instance.view.hiddenIndex {
                scan = try instance.key.withBytes { (key) throws(EngineError) in try datastore.scan(index, key: key) }
            } else {
                scan = try datastore.scan(instance.view.table)
            }
            scan.forEach { row in difference.addOld(UnsafeRawBufferPointer(rebasing: row[skipped...])) }
        } catch {
            throw DatabaseError(error)
        }
    }

    private mutating func write(
        _ instance: ViewInstance, _ transaction: TransactionReference
    ) throws(DatabaseError) {
        if difference.count == 0 { return }
        try transaction.requireWritable()
        let datastore = transaction.runner.datastore
        do throws(EngineError) {
            if let index = instance.view.keyIndex, let cutter = instance.view.keyCutter {
                for number in 0..<difference.count where difference.isNew(number) {
                    try overwrite(number, by: index, cutter, instance, datastore)
                }
            }
            // Before the others come, whose keys they may have.
            for number in 0..<difference.count where difference.isGone(number) {
                makeImage(number, instance)
                try image.withBytes { (row) throws(EngineError) in
                    _ = try datastore.deleteRow(instance.view.table, equalTo: row)
                }
            }
            for number in 0..<difference.count where difference.isNew(number) {
                makeImage(number, instance)
                try image.withMutableBytes { (row) throws(EngineError) in
                    _ = try datastore.insert(instance.view.table, row: row)
                }
            }
        } catch .uniqueViolation(_, _, _, let key) {
            throw instance.view.hasTwoRows(withKey: key)
        } catch {
            throw DatabaseError(error)
        }
    }

    /// Puts a new row in the place of one with the same key that is gone.
    private mutating func overwrite(
        _ number: Int, by index: IndexID, _ cutter: RowCutter, _ instance: ViewInstance, _ datastore: Datastore
    ) throws(EngineError) {
        makeImage(number, instance)
        Self.cut(image, cutter, into: &key)
        let present = try key.withBytes { (key) throws(EngineError) in try datastore.find(index, key: key) }
        guard let present,
            difference.put(
                number, inPlaceOf: UnsafeRawBufferPointer(rebasing: present[instance.key.count...]))
        else { return }
        try image.withMutableBytes { (row) throws(EngineError) in try datastore.update(index, row: row) }
    }

    private static func cut(_ row: [UInt8], _ cutter: RowCutter, into key: inout [UInt8]) {
        key.removeAll(keepingCapacity: true)
        row.withUnsafeBytes { cutter.append($0, to: &key) }
    }

    private mutating func makeImage(_ number: Int, _ instance: ViewInstance) {
        image.removeAll(keepingCapacity: true)
        image += instance.key
        image.append(contentsOf: difference[number])
    }
}
