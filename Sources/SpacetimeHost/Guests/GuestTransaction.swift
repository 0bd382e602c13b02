public import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

/// The face of a transaction for code that is not trusted: a guest in WebAssembly, a client's bytes.
///
/// Tables and indexes are looked up by text and then named by numbers, which may be any; rows, keys and bounds are bytes,
/// which may be any. Everything is checked, whatever is wrong is thrown, and nothing traps, not even a handle that is used
/// after its transaction. What is refused changes nothing, except that numbers which were drawn on the way stay used.
///
/// A guest reads all tables, the database's own (`st_client`) included, and writes those of its module.
///
/// What most calls of a guest do, to find a row by a number and to write one of a fixed size, is inlined into whoever runs the
/// guest, up to where the engine does it.
///
/// Not `Sendable`, as the transaction belongs to the thread that runs it.
@frozen @usableFromInline
package struct GuestTransaction {
    @usableFromInline let transaction: TransactionReference

    @inlinable @inline(__always)
    package init(_ transaction: TransactionReference) { self.transaction = transaction }

    // MARK: The call

    package var caller: Caller { get throws(DatabaseError) { try current().caller } }

    /// The time of the call, which stands still during the call.
    package var timestamp: Timestamp { get throws(DatabaseError) { try current().timestamp } }

    /// The database's identity.
    package var identity: Identity { get throws(DatabaseError) { try catalog.identity } }

    /// The payload of the token of a client that is connected; nil if there is no such connection, or it has none.
    package func credentials(of connection: ConnectionId) throws(DatabaseError) -> String? {
        let tables = try catalog.systemTables
        return try connection.bsatn().withBytes { key throws(DatabaseError) in
            guard let row = try current().find(tables.credentialsKey, key: key) else { return nil }
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            guard (try? ConnectionId(from: &reader)) != nil, let text = try? reader.readString() else { return nil }
            return text.isEmpty ? nil : text
        }
    }

    // MARK: Names

    /// The table with a canonical name, or with that name in the module's code.
    package func table(named name: String) throws(DatabaseError) -> TableID {
        guard let id = try catalog.tableID(named: name) else { throw DatabaseError(.noSuchTable(name)) }
        return id
    }

    /// The index with a canonical name, or with that name in the module's code.
    package func index(named name: String) throws(DatabaseError) -> IndexID {
        guard let id = try catalog.indexID(named: name) else { throw DatabaseError(.noSuchIndex(name)) }
        return id
    }

    // MARK: Writing

    /// Inserts a row; one that is there already stays, and that is no error.
    ///
    /// - Returns: the values of the auto-increment columns that were 0, in BSATN, in the order of the columns: the numbers
    ///   that they got.
    @discardableResult
    package func insert(_ row: UnsafeRawBufferPointer, into table: TableID) throws(DatabaseError) -> [UInt8] {
        let facts = try writable(table)
        return numbers(of: row, in: try insertCopy(of: row, facts), facts)
    }

    /// Replaces the row that has the new row's key in a unique index.
    ///
    /// - Returns: as ``insert(_:into:)``.
    @discardableResult
    package func update(_ row: UnsafeRawBufferPointer, by index: IndexID) throws(DatabaseError) -> [UInt8] {
        let facts = try writable(table(of: index))
        return numbers(of: row, in: try updateCopy(of: row, facts, by: index), facts)
    }

    /// What a row was written with.
    @frozen @usableFromInline
    package struct Written {
        /// How many bytes the new numbers take.
        @usableFromInline package var byteCount: Int
        /// True if the row is one of a schedule, and due so late that guests are told so. It was written all the same.
        @usableFromInline package var isDueTooLate: Bool

        @inlinable
        init(byteCount: Int, isDueTooLate: Bool = false) {
            self.byteCount = byteCount
            self.isDueTooLate = isDueTooLate
        }
    }

    /// Inserts a row, and writes the new numbers of its auto-increment columns over the start of it: those of the columns that
    /// were 0, in BSATN, one behind the other.
    package func insert(
        _ row: UnsafeMutableRawBufferPointer, numberingInto table: TableID
    ) throws(DatabaseError) -> Written {
        if transaction.takesPlainRow(row.count, into: table) {
            _ = try transaction.insert(table, trusted: row)
            return Written(byteCount: 0)
        }
        let facts = try writable(table)
        return try answer(row, insertCopy(of: UnsafeRawBufferPointer(row), facts), facts)
    }

    /// Replaces the row that has the new row's key in a unique index of a table; otherwise as
    /// ``insert(_:numberingInto:)``.
    @inlinable @inline(__always)
    package func update(
        _ row: UnsafeMutableRawBufferPointer, numberingInto table: TableID, by index: IndexID
    ) throws(DatabaseError) -> Written {
        if transaction.takesPlainRow(row.count, into: table), transaction.overwrite(row, of: table, by: index) {
            return Written(byteCount: 0)
        }
        return try updateOtherwise(row, table, index)
    }

    @inline(never) @usableFromInline
    func updateOtherwise(
        _ row: UnsafeMutableRawBufferPointer, _ table: TableID, _ index: IndexID
    ) throws(DatabaseError) -> Written {
        guard try self.table(of: index) == table else { throw DatabaseError(.noSuchIndex("#\(index.rawValue)")) }
        let facts = try writable(table)
        return try answer(row, updateCopy(of: UnsafeRawBufferPointer(row), facts, by: index), facts)
    }

    /// Deletes the rows with a key: the values of all columns of the index. Returns how many there were.
    ///
    /// They are those that ``scan(_:key:)`` finds, also where a unique index has several: rows with nil in it.
    @discardableResult
    package func delete(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> Int {
        _ = try writable(table(of: index))
        return try current().deleteAll(index, key: key)
    }

    /// Deletes the rows in a range of an ordered index. Returns how many there were.
    @discardableResult
    package func delete(_ index: IndexID, range: IndexRange) throws(DatabaseError) -> Int {
        _ = try writable(table(of: index))
        return try current().delete(index, range: range)
    }

    /// Deletes the rows that equal one of a list: the BSATN of an array of rows. Returns how many there were.
    ///
    /// All of the list is checked before the first row is deleted.
    @discardableResult
    package func delete(_ rows: UnsafeRawBufferPointer, from table: TableID) throws(DatabaseError) -> Int {
        _ = try writable(table)
        let transaction = try current()
        var count = 0
        for row in try transaction.split(rows, into: table) where try transaction.delete(table, equalTo: row) {
            count += 1
        }
        return count
    }

    /// Deletes all rows. Returns how many there were.
    @discardableResult
    package func clear(_ table: TableID) throws(DatabaseError) -> Int {
        _ = try writable(table)
        return try current().clear(table)
    }

    // MARK: Reading

    /// How many rows a table has.
    package func count(_ table: TableID) throws(DatabaseError) -> Int {
        _ = try catalog.facts(of: table)
        return try current().count(table)
    }

    /// All rows of a table, in no particular order.
    package func scan(_ table: TableID) throws(DatabaseError) -> GuestRows {
        _ = try catalog.facts(of: table)
        return try rows(try current().scan(table))
    }

    /// The rows with a key: the values of all columns of the index, whatever its kind.
    package func scan(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> GuestRows {
        try rows(try current().scan(index, key: key))
    }

    /// What a guest finds by a key.
    @frozen @usableFromInline
    package enum Found {
        case none
        /// The only one. The bytes stay as they are until something is written.
        case row(UnsafeRawBufferPointer)
        case rows(GuestRows)
    }

    /// The rows with a key, as ``scan(_:key:)`` finds them; without a scan where there can be only one.
    @inlinable @inline(__always)
    package func find(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> Found {
        if key.count == 8 || key.count == 4, transaction.isCurrent, let datastore = transaction.state.datastore {
            let bits =
                key.count == 8
                ? UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
                : UInt64(UInt32(littleEndian: key.loadUnaligned(as: UInt32.self)))
            // In the short way, if that is possible, and nobody follows what is read: else there is no datastore in the state.
            switch datastore._withUnsafeGuaranteedRef({ $0.findPoint(index, bits: bits, byteCount: key.count) }) {
            case .row(let row): return .row(row)
            case .none: return .none
            case .unknown: break
            }
        }
        return try findOtherwise(index, key)
    }

    @inline(never) @usableFromInline
    func findOtherwise(_ index: IndexID, _ key: UnsafeRawBufferPointer) throws(DatabaseError) -> Found {
        let transaction = try current()
        guard transaction.runner.catalog.findsOneRow(index) else { return .rows(try scan(index, key: key)) }
        return try transaction.find(index, key: key).map { .row($0) } ?? .none
    }

    /// The rows in a range of an ordered index, in the order of their keys.
    package func scan(_ index: IndexID, range: IndexRange) throws(DatabaseError) -> GuestRows {
        try rows(try current().scan(index, range: range))
    }

    private func rows(_ scan: RowScan) throws(DatabaseError) -> GuestRows { GuestRows(scan, of: try current()) }

    // MARK: Checks

    /// The transaction, which runs.
    private func current() throws(DatabaseError) -> TransactionReference {
        guard transaction.isCurrent else {
            throw DatabaseError(
                .transactionEnded, "the transaction has ended; what belongs to it can be used in its own call only")
        }
        return transaction
    }

    private var catalog: Catalog { get throws(DatabaseError) { try current().runner.catalog } }

    private func table(of index: IndexID) throws(DatabaseError) -> TableID {
        guard let table = try catalog.table(of: index) else {
            throw DatabaseError(.noSuchIndex("#\(index.rawValue)"))
        }
        return table
    }

    /// - Throws: unless the guest may write to the table.
    private func writable(_ table: TableID) throws(DatabaseError) -> TableFacts {
        let facts = try catalog.facts(of: table)
        guard facts.schema.kind == .user else {
            throw DatabaseError(
                .readOnly, "the table '\(facts.schema.name)' is kept by the database itself; a module can only read it")
        }
        try current().requireWritable()
        return facts
    }

    // MARK: Rows

    private func insertCopy(
        of row: UnsafeRawBufferPointer, _ facts: TableFacts
    ) throws(DatabaseError) -> UnsafeMutableRawBufferPointer {
        let transaction = try current()
        let image = try transaction.scratchCopy(of: row, for: facts.id)
        // It was checked as it was copied.
        _ = try transaction.insert(facts.id, trusted: image)
        return image
    }

    private func updateCopy(
        of row: UnsafeRawBufferPointer, _ facts: TableFacts, by index: IndexID
    ) throws(DatabaseError) -> UnsafeMutableRawBufferPointer {
        let transaction = try current()
        let image = try transaction.scratchCopy(of: row, for: facts.id)
        // It was checked as it was copied, and that it may be written was before.
        try transaction.updateScratchRow(index)
        return image
    }

    /// What the auto-increment columns that were 0 in a row hold in its image.
    private func numbers(
        of row: UnsafeRawBufferPointer, in image: UnsafeMutableRawBufferPointer, _ facts: TableFacts
    ) -> [UInt8] {
        if facts.numbered.isEmpty { return [] }
        var numbers: [UInt8] = []
        forEachNumber(row, image, facts) { numbers.append(contentsOf: $0) }
        return numbers
    }

    /// Writes these numbers over the start of the row.
    private func answer(
        _ row: UnsafeMutableRawBufferPointer, _ image: UnsafeMutableRawBufferPointer, _ facts: TableFacts
    ) -> Written {
        var written = Written(byteCount: 0)
        if !facts.numbered.isEmpty {
            // A number is not longer than its column, so that none reaches a column that has not been looked at.
            forEachNumber(UnsafeRawBufferPointer(row), image, facts) { number in
                let end = written.byteCount + number.count
                UnsafeMutableRawBufferPointer(rebasing: row[written.byteCount..<end]).copyMemory(from: number)
                written.byteCount = end
            }
        }
        if let schedule = facts.schema.schedule {
            written.isDueTooLate = isDueTooLate(
                transaction.bytes(of: schedule.column.index, in: UnsafeRawBufferPointer(image), facts.id))
        }
        return written
    }

    private func forEachNumber(
        _ row: UnsafeRawBufferPointer, _ image: UnsafeMutableRawBufferPointer, _ facts: TableFacts,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        guard let start = image.baseAddress else { return }
        for column in facts.numbered {
            let number = transaction.bytes(of: column, in: UnsafeRawBufferPointer(image), facts.id)
            guard let place = number.baseAddress else { continue }
            // Columns are at the same place in both: numbers have one size.
            let offset = place - UnsafeRawPointer(start)
            if row[offset..<offset + number.count].allSatisfy({ $0 == 0 }) { body(number) }
        }
    }

    /// The longest delay of a row of a schedule that guests are not told of: 2^36 - 1 milliseconds, two years.
    private static let longestDelayMicroseconds: Int64 = ((1 << 36) - 1) * 1_000

    private func isDueTooLate(_ schedule: UnsafeRawBufferPointer) -> Bool {
        var reader = BSATNReader(RawSpan(_unsafeBytes: schedule))
        switch try? ScheduleAt(from: &reader) {
        case .interval(let interval)?: return interval.microseconds >= Self.longestDelayMicroseconds
        case .time(let time)?:
            let now = transaction.runner.clock.now().microsecondsSinceUnixEpoch
            let (delay, overflow) = time.microsecondsSinceUnixEpoch.subtractingReportingOverflow(now)
            return overflow ? time.microsecondsSinceUnixEpoch > 0 : delay >= Self.longestDelayMicroseconds
        case nil: return false
        }
    }
}

/// What the checks need of the engine, for a transaction that is known to run.
extension TransactionReference {
    /// Whether the transaction runs and may write, and any bytes of that number are a row of that table with which nothing is to
    /// be done but to write them: then they are taken from where they are, since nothing is written back to there.
    @inlinable @inline(__always)
    func takesPlainRow(_ byteCount: Int, into table: TableID) -> Bool {
        state.writableSerial == serial && state.tableMap.plainRowByteCount(table) == byteCount
    }

    /// Overwrites the row with the key of a plain one, if that can be done in the short way; false if nothing was done.
    @inlinable @inline(__always)
    func overwrite(_ row: UnsafeMutableRawBufferPointer, of table: TableID, by index: IndexID) -> Bool {
        guard state.tableMap.isIndex(index, of: table), let datastore = state.datastore else {
            return false
        }
        return datastore._withUnsafeGuaranteedRef { $0.updatePoint(index, row: UnsafeRawBufferPointer(row)) }
    }

    /// A copy of a row, so that the guest's memory is not written to if it is not one. In the scratch, until the next.
    ///
    /// - Throws: `malformedRow`, or `limitReached` if it is too large for one.
    fileprivate func scratchCopy(
        of row: UnsafeRawBufferPointer, for table: TableID
    ) throws(DatabaseError) -> UnsafeMutableRawBufferPointer {
        // Before it is copied: it may be as long as a guest's whole memory.
        try withDatastore { datastore throws(EngineError) in try datastore.validate(row, for: table) }
        let scratch = state.scratch.row
        scratch.pointee.removeAll(keepingCapacity: true)
        scratch.pointee.append(row)
        return scratch.pointee.withUnsafeMutableBytes { $0 }
    }

    /// The rows of the BSATN of an array of them.
    ///
    /// - Throws: `malformedRow` if it is none.
    fileprivate func split(
        _ rows: UnsafeRawBufferPointer, into table: TableID
    ) throws(DatabaseError) -> [UnsafeRawBufferPointer] {
        try withDatastore { datastore throws(EngineError) in try datastore.rows(inArray: rows, of: table) }
    }

    fileprivate func deleteAll(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> Int {
        try withDatastore { datastore throws(EngineError) in try datastore.delete(index, key: key, where: nil) }
    }

    /// The bytes of a column in a valid row.
    fileprivate func bytes(
        of column: Int, in row: UnsafeRawBufferPointer, _ table: TableID
    ) -> UnsafeRawBufferPointer {
        runner.datastore.bytes(of: column, in: row, table)
    }
}
