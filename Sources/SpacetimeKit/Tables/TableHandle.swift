public import SpacetimeHost
import SpacetimeSATS

/// A table inside a transaction: `context.db.message`.
///
/// Valid until the transaction ends; used later, writing throws ``DatabaseError/Code/transactionEnded`` and reading stops
/// the program. It cannot leave the thread it was made on.
public protocol TableHandle {
    associatedtype Row: TableRow
    var _spacetimeReference: TableReference { get }
    init(_spacetimeReference: TableReference)
}

extension TableHandle {
    /// Adds a row.
    ///
    /// A row equal to a present one in all columns is not added again, which is no error.
    ///
    /// - Returns: the row as it is stored: zeros in auto-incremented columns are replaced.
    /// - Throws: ``DatabaseError`` with code `uniqueViolation` if another row has a value that must be unique. Nothing is
    ///   written then, and the reducer may go on.
    @inlinable @discardableResult
    public func insert(_ row: Row) throws -> Row {
        let reference = _spacetimeReference
        try reference.encode(row: row)
        _ = try reference.transaction.insertScratchRow(reference.table)
        return Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row
    }

    /// Adds rows one after the other. Those before one that fails stay; use ``Context/savepoint(_:)`` for all or nothing.
    @inlinable
    public func insert(contentsOf rows: some Sequence<Row>) throws {
        let reference = _spacetimeReference
        for row in rows {
            try reference.encode(row: row)
            _ = try reference.transaction.insertScratchRow(reference.table)
        }
    }

    /// Deletes the row that is equal in all columns.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete(_ row: Row) throws -> Bool {
        let reference = _spacetimeReference
        try reference.encode(row: row)
        return try reference.transaction.deleteScratchRow(reference.table)
    }

    /// Deletes all rows.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func clear() throws -> Int {
        try _spacetimeReference.transaction.clear(_spacetimeReference.table)
    }

    /// The number of rows. O(1).
    @inlinable
    public var count: Int { _spacetimeReference.transaction.count(_spacetimeReference.table) }

    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// All rows, in no particular order, read as the loop goes.
    @inlinable
    public var rows: Rows<Row> { Rows(_spacetimeReference, .table(nil)) }

    /// The rows that meet a condition, in no particular order: `db.message.where { $0.text != "" }`.
    ///
    /// Found through an index if one fits a part of the condition that is joined by `&&`: equality with all or the first
    /// of its columns, or a range. Otherwise every row is looked at.
    @inlinable
    public func `where`(_ condition: (Row.Columns) -> Predicate<Row>) -> Rows<Row> {
        let condition = condition(Row._spacetimeColumns).condition
        return Rows(_spacetimeReference, .table(condition))
    }

    /// How many rows meet a condition, found as by `where`. Decodes none.
    public func count(where condition: (Row.Columns) -> Predicate<Row>) -> Int {
        let condition = condition(Row._spacetimeColumns).condition
        do throws(DatabaseError) {
            return try _spacetimeReference.transaction.count(_spacetimeReference.table, where: condition)
        } catch { TransactionReference.broken(error) }
    }

    /// Some row, or nil if the table is empty.
    @inlinable
    public var first: Row? {
        var iterator = rows.makeIterator()
        return iterator.next()
    }

    /// Some row that meets a condition.
    @inlinable
    public func first(where condition: (Row.Columns) -> Predicate<Row>) -> Row? {
        var iterator = self.where(condition).makeIterator()
        return iterator.next()
    }
}

extension TableHandle where Row: KeyedTableRow {
    /// Replaces the row that has the same primary key.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchRow` if there is none.
    @inlinable
    public func update(_ row: Row) throws {
        try _primaryKey.update(row)
    }

    /// Replaces the row that has the same primary key, or adds the row if there is none.
    @inlinable @discardableResult
    public func upsert(_ row: Row) throws -> Row {
        try _primaryKey.upsert(row, key: row._spacetimePrimaryKey)
    }

    @inlinable
    var _primaryKey: UniqueIndex<Row, Row.PrimaryKey> {
        UniqueIndex(_spacetimeReference, index: Row._spacetimePrimaryKeyIndex)
    }
}

extension TableHandle where Row: KeyedTableRow {
    @available(*, unavailable, message: "delete by the key through its index, as in db.message.id.delete(1)")
    public func delete(_ key: Row.PrimaryKey) throws -> Bool { fatalError() }
}

extension TableHandle {
    @available(*, unavailable, message: "ask an index, as in db.message.id.find(1)")
    public func find<Key>(_ key: Key) -> Row? { fatalError() }

    @available(*, unavailable, message: "ask an index, as in db.message.room.filter(1)")
    public func filter<Key>(_ key: Key) -> [Row] { fatalError() }

    @available(*, unavailable, message: "use where { $0.room == 1 }, or rows.filter for a condition in Swift")
    public func filter(_ condition: (Row) throws -> Bool) -> [Row] { fatalError() }

    @available(*, unavailable, message: "update needs a primary key: mark a column of the row with @PrimaryKey")
    public func update(_ row: Row) throws { fatalError() }

    @available(*, unavailable, message: "upsert needs a primary key: mark a column of the row with @PrimaryKey")
    public func upsert(_ row: Row) throws -> Row { fatalError() }
}

extension TableRow {
    /// A value of the empty struct ``Columns``, whose members are all computed.
    @inlinable
    static var _spacetimeColumns: Columns {
        precondition(MemoryLayout<Columns>.size == 0, "Columns must have no stored properties")
        // A type of no bytes has one value, which can be made from nothing.
        return unsafeBitCast((), to: Columns.self)
    }
}
