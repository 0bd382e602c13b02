import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: typed code made the rows, or they are validated first. Checked bytes: keys and ranges
// are validated before they are looked up. Living ids. Still pages: an old image is saved before it is overwritten. A
// table with a unique key has columns, so its images have addresses.

/// Reading and writing rows inside the running transaction.
extension Datastore {
    // MARK: Insert

    /// Inserts a row image made by typed code.
    ///
    /// Zero auto-increment columns are filled in the caller's buffer; a number that is given and lies ahead moves its
    /// sequence on. Costs one look-up per unique index, and one entry per index.
    /// - Returns: false if the identical row is there already; then nothing changes. Event tables without a key are no
    ///   sets: there the row is added once more.
    @usableFromInline
    @discardableResult
    package func insert(_ id: TableID, row image: UnsafeMutableRawBufferPointer) throws(EngineError) -> Bool {
        let table = try writable(id)
        var isAhead = false
        if table.sequenceCount > 0 {
            isAhead = try unsafe drawNumbers(table, for: image.baseAddress.unsafelyUnwrapped)
        }
        let isNew = try unsafe insertPrepared(table, UnsafeRawBufferPointer(image))
        if isAhead { unsafe moveSequences(table, past: UnsafeRawPointer(image.baseAddress.unsafelyUnwrapped)) }
        return isNew
    }

    /// Inserts a row image from outside: checks first that it is one.
    @discardableResult
    package func insert(_ id: TableID, validating image: UnsafeMutableRawBufferPointer) throws(EngineError) -> Bool {
        try unsafe validate(UnsafeRawBufferPointer(image), for: id)
        return try unsafe insert(id, row: image)
    }

    @inline(__always)
    private func insertPrepared(
        _ table: TableRef, _ image: UnsafeRawBufferPointer
    ) throws(EngineError) -> Bool {
        if table.firstUnique >= 0, let start = image.baseAddress {
            for i in table.firstUnique..<table.indexCount
            where table.indexes[i].isUnique {
                if let present = unsafe table.indexes[i].find(keyOf: start, in: table.rows) {
                    if unsafe equalBytes(table.storage.image(present), image) { return false }
                    throw unsafe table.uniqueViolation(i, start)
                }
            }
        }
        if table.hashesWholeRows, unsafe table.find(equalTo: image) != nil { return false }
        prepareWrite(table)
        guard let row = unsafe table.storage.insert(image) else {
            throw noRoom(table, image.count)
        }
        table.index(row)
        state.undo.append(.insert, table, row)
        return true
    }

    @inline(never)
    private func noRoom(_ table: TableRef, _ byteCount: Int) -> EngineError {
        let limit = PageGeometry.rowByteLimit
        return byteCount > limit
            ? .rowTooLarge(table: table.schema.name, byteCount: byteCount, limit: limit)
            : .tableFull(table: table.schema.name)
    }

    // MARK: Update

    /// Replaces the row that has the new row's key in a unique index.
    ///
    /// Zero auto-increment columns are filled in the caller's buffer as by an insert, unless the old row has a zero there,
    /// too: it keeps it.
    @usableFromInline
    package func update(_ id: IndexID, row image: UnsafeMutableRawBufferPointer) throws(EngineError) {
        guard let entry = entry(id), let table = entry.table else { throw noSuchIndex(id) }
        try requireTransaction()
        let position = entry.position
        let new = UnsafeRawBufferPointer(image)
        guard entry.index.value.isUnique, let start = new.baseAddress else {
            throw indexNotUnique(entry.index)
        }
        guard let row = unsafe entry.index.value.find(keyOf: start, in: entry.rows) else {
            throw unsafe table.noSuchRow(position, start)
        }
        var isAhead = false
        if table.sequenceCount > 0 {
            let old = unsafe UnsafeRawPointer(table.storage.imageStart(row))
            isAhead = try unsafe drawNumbers(table, for: image.baseAddress.unsafelyUnwrapped, replacing: old)
        }
        try unsafe replace(table, row, new, foundThrough: position)
        if isAhead { unsafe moveSequences(table, past: start) }
    }

    @inline(never)
    private func indexNotUnique(_ index: Ref<TableIndex>) -> EngineError {
        .indexNotUnique(index: index.value.schema.name)
    }

    /// `update` for a row from outside: checks first that it is one.
    package func update(_ id: IndexID, validating image: UnsafeMutableRawBufferPointer) throws(EngineError) {
        try unsafe validate(UnsafeRawBufferPointer(image), for: try index(id).table.id)
        try unsafe update(id, row: image)
    }

    @inline(__always)
    func replace(
        _ table: TableRef, _ row: RowID, _ new: UnsafeRawBufferPointer, foundThrough position: Int
    ) throws(EngineError) {
        let old = unsafe table.storage.image(row)
        if unsafe equalBytes(old, new) { return }
        let start = unsafe new.baseAddress.unsafelyUnwrapped
        for i in 0..<table.indexCount where table.indexes[i].isUnique {
            if i == position { continue }
            guard let other = unsafe table.indexes[i].find(keyOf: start, in: table.rows),
                other != row
            else {
                continue
            }
            throw unsafe table.uniqueViolation(i, start)
        }
        prepareWrite(table)
        // An event that changes goes to the end, whatever its size: events are delivered in the order of their slots.
        if table.storage.fitsInPlace(row, byteCount: new.count), !table.isEvent {
            let keepsKeys = position == table.keptUnique
            if unsafe !(keepsKeys ? state.undo.covers(table, row) : coversKeyed(table, row, old, new)) {
                unsafe state.undo.append(overwriteOf: old, table, row, keepsKeys: keepsKeys)
            }
            unsafe table.overwrite(row, with: new, unchanged: position)
        } else {
            try unsafe move(table, row, new)
        }
    }

    /// `covers` where the update does not show by itself that it keeps the unique keys.
    @inline(never)
    private func coversKeyed(
        _ table: TableRef, _ row: RowID, _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer
    ) -> Bool {
        guard state.undo.covers(table, row), let before = old.baseAddress, let after = new.baseAddress else {
            return false
        }
        return unsafe !table.uniqueKeysDiffer(before, after)
    }

    /// An update whose image needs another slot.
    @inline(never)
    private func move(
        _ table: TableRef, _ row: RowID, _ new: UnsafeRawBufferPointer
    ) throws(EngineError) {
        guard let moved = unsafe table.storage.insert(new) else {
            throw noRoom(table, new.count)
        }
        remove(table, row, isMove: true)
        table.index(moved)
        state.undo.append(.insert, table, moved)
    }

    // MARK: Delete

    @inline(__always)
    private func remove(_ table: TableRef, _ row: RowID, isMove: Bool = false) {
        table.unindex(row)
        table.storage.setLive(row, false)
        state.undo.append(.delete, table, row, isMove: isMove)
    }

    /// Deletes the rows with that key: the BSATN of the index's columns. Returns how many there were.
    @usableFromInline
    @discardableResult
    package func delete(_ id: IndexID, key: UnsafeRawBufferPointer) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try requireTransaction()
        try unsafe validateKey(key, table, position)
        if table.indexes[position].isUnique, let start = key.baseAddress {
            guard
                let row = unsafe table.indexes[position].find(
                    probe: start, byteCount: key.count, in: table.rows)
            else { return 0 }
            prepareWrite(table)
            remove(table, row)
            return 1
        }
        return unsafe removeAll(
            rowIDs(
                in: table.indexes[position].select(probe: key, table.rows), position,
                of: table), of: table)
    }

    /// Deletes the rows in a range of an ordered index that satisfy the predicate. Returns how many there were.
    @discardableResult
    package func delete(
        _ id: IndexID, range: IndexRange, where predicate: CompiledPredicate? = nil
    ) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try requireTransaction()
        try validate(range, table, position)
        let selection = table.indexes[position].select(range, table.rows)
        return removeAll(rowIDs(in: selection, position, of: table), of: table, where: predicate)
    }

    /// Deletes the rows with that key that satisfy the predicate, also those that have nil in a unique index. Returns how
    /// many there were.
    package func delete(
        _ id: IndexID, key: UnsafeRawBufferPointer, where predicate: CompiledPredicate?
    ) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try requireTransaction()
        try unsafe validateKey(key, table, position)
        let selection = unsafe table.indexes[position].select(probe: key, table.rows)
        return removeAll(rowIDs(in: selection, position, of: table), of: table, where: predicate)
    }

    /// Deletes the rows with one of these keys that satisfy the predicate. Returns how many there were.
    package func delete(
        _ id: IndexID, keys: KeyList, where predicate: CompiledPredicate? = nil
    ) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try requireTransaction()
        return removeAll(try rowIDs(of: keys, position, of: table), of: table, where: predicate)
    }

    /// Deletes the rows that one of several look-ups finds and that satisfy the predicate. Returns how many there were.
    package func delete(
        _ id: TableID, any lookups: [IndexLookup], where predicate: CompiledPredicate?
    ) throws(EngineError) -> Int {
        let table = try writable(id)
        return removeAll(try rowIDs(ofAny: lookups, in: table), of: table, where: predicate)
    }

    /// Deletes the rows that satisfy the predicate. Returns how many there were. Linear in the rows of the table.
    package func delete(_ id: TableID, where predicate: CompiledPredicate) throws(EngineError) -> Int {
        let table = try writable(id)
        var ids: [UInt32] = []
        unsafe table.storage.forEachRow { row, image in
            if unsafe predicate.matches(image) { ids.append(row.rawValue) }
        }
        return removeAll(ids, of: table)
    }

    private func removeAll(
        _ ids: [UInt32], of table: TableRef, where predicate: CompiledPredicate? = nil
    ) -> Int {
        if !ids.isEmpty { prepareWrite(table) }
        var count = 0
        for id in ids {
            if let predicate, unsafe !predicate.matches(table.storage.image(RowID(id))) {
                continue
            }
            remove(table, RowID(id))
            count += 1
        }
        return count
    }

    /// Deletes the row with exactly these bytes. Returns whether there was one.
    ///
    /// Of several equal rows of an event table the last one goes; finding it is linear in what the transaction wrote.
    @usableFromInline
    @discardableResult
    package func deleteRow(_ id: TableID, equalTo image: UnsafeRawBufferPointer) throws(EngineError) -> Bool {
        let table = try writable(id)
        let isLog = table.isEvent && table.identityIndex < 0
        guard let row = unsafe isLog ? lastEvent(equalTo: image, in: table) : table.find(equalTo: image) else {
            return false
        }
        prepareWrite(table)
        remove(table, row)
        return true
    }

    private func lastEvent(equalTo image: UnsafeRawBufferPointer, in table: TableRef) -> RowID? {
        for i in (0..<state.undo.count).reversed() {
            let record = state.undo.records[i]
            guard record.table == table, record.kind == .insert else { continue }
            // A deleted row keeps its slot to the end of the transaction.
            if table.storage.isLive(record.row), unsafe equalBytes(table.storage.image(record.row), image) {
                return record.row
            }
        }
        return nil
    }

    /// Deletes every row. Returns how many there were. Linear in the rows.
    @usableFromInline
    @discardableResult
    package func clear(_ id: TableID) throws(EngineError) -> Int {
        let table = try writable(id)
        prepareWrite(table)
        let count = table.count
        for page in 0..<table.storage.pageCount {
            // What is walked through stays, also if a change replaces it.
            withExtendedLifetime(table.storage.pages[page]) {
                for unit in table.storage.liveUnits(page: page) {
                    remove(table, table.storage.geometry.rowID(page: page, unit: unit))
                }
            }
        }
        return count
    }

    // MARK: Read

    /// Rows in a table.
    @usableFromInline
    package func count(_ id: TableID) -> Int {
        guard let table = try? table(id) else { return 0 }
        return table.count
    }

    /// The row with that key (the BSATN of the index's columns) in a unique index; valid until the next write.
    @usableFromInline
    package func find(_ id: IndexID, key: UnsafeRawBufferPointer) throws(EngineError) -> UnsafeRawBufferPointer? {
        guard let entry = entry(id) else { throw noSuchIndex(id) }
        guard entry.index.value.pointWidth == key.count else { return try unsafe findChecked(id, key) }
        let probe = unsafe key.baseAddress.unsafelyUnwrapped
        guard let row = unsafe entry.index.value.find(integerProbe: probe, in: entry.rows) else {
            return nil
        }
        return unsafe entry.rows.storage.image(row)
    }

    /// `find` by a key that is not one plain integer.
    @inline(never)
    private func findChecked(
        _ id: IndexID, _ key: UnsafeRawBufferPointer
    ) throws(EngineError) -> UnsafeRawBufferPointer? {
        let (table, position) = try index(id)
        guard table.indexes[position].isUnique else {
            throw .indexNotUnique(index: table.indexes[position].schema.name)
        }
        try unsafe validateKey(key, table, position)
        guard let start = key.baseAddress,
            let row = unsafe table.indexes[position].find(
                probe: start, byteCount: key.count, in: table.rows)
        else { return nil }
        return unsafe table.storage.image(row)
    }

    // MARK: Checks

    @inline(__always)
    func requireTransaction() throws(EngineError) {
        guard state.isInTransaction else { throw noTransaction() }
    }

    @inline(never)
    private func noTransaction() -> EngineError { .transactionState("rows are written inside a transaction only") }

    @inline(__always)
    private func writable(_ id: TableID) throws(EngineError) -> TableRef {
        try requireTransaction()
        return try table(id)
    }

    /// Checks that bytes from outside are a row of the table.
    package func validate(_ image: UnsafeRawBufferPointer, for id: TableID) throws(EngineError) {
        let table = try table(id)
        guard image.count <= PageGeometry.rowByteLimit else {
            throw .rowTooLarge(
                table: table.schema.name, byteCount: image.count, limit: PageGeometry.rowByteLimit)
        }
        do throws(BSATNError) { try unsafe table.layout.validate(image) } catch {
            throw .malformedRow(table: table.schema.name, cause: error)
        }
    }

    @inline(__always)
    func validateKey(
        _ key: UnsafeRawBufferPointer, _ table: TableRef, _ position: Int
    ) throws(EngineError) {
        if table.indexes[position].isTrivialKey(byteCount: key.count) { return }
        do throws(BSATNError) {
            let spec = table.indexes[position].spec
            try unsafe spec.validate(key, count: spec.columns.count)
        } catch {
            throw .malformedKey(index: table.indexes[position].schema.name, cause: error)
        }
    }

    func validate(_ range: IndexRange, _ table: TableRef, _ position: Int) throws(EngineError) {
        let name = table.indexes[position].schema.name
        guard table.indexes[position].isOrdered else { throw .rangeOnHashIndex(index: name) }
        let spec = table.indexes[position].spec
        guard range.prefixColumns >= 0, range.prefixColumns < spec.columns.count else {
            throw .tooManyPrefixColumns(index: name, given: range.prefixColumns, limit: spec.columns.count - 1)
        }
        try spec.validate(range, index: name)
    }
}
