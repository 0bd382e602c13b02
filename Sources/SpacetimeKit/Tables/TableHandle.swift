public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// A table inside a transaction: `context.db.message`.
///
/// ```swift
/// let message = try context.db.message.insert(Message(id: 0, room: "lobby", text: "hello"))
/// try context.db.message.update(message.id) { $0.text = "hello, all" }
/// for message in context.db.message.rows { print(message.text) }
/// ```
///
/// Valid until the transaction ends; used later, writing throws ``DatabaseError/Code/transactionEnded`` and reading stops
/// the program. It cannot leave the thread it was made on.
public protocol TableHandle {
    /// What the table holds.
    associatedtype Row: TableRow
    var _spacetimeReference: TableReference { get }
    init(_spacetimeReference: TableReference)
}

extension TableHandle {
    /// Adds a row.
    ///
    /// A row equal to a present one in all columns is not added again, which is no error; in an event table without a key it
    /// is another event. Costs a look-up per unique index and an entry per index.
    ///
    /// - Returns: the row as it is stored: zeros in auto-incremented columns are replaced.
    /// - Throws: ``DatabaseError`` with code `uniqueViolation` if another row has a value that must be unique, or
    ///   `limitReached` if an auto-incremented column has no number left. Nothing is written then, and the reducer may go
    ///   on.
    @inlinable @discardableResult
    public func insert(_ row: Row) throws -> Row {
        let reference = _spacetimeReference
        try reference.encode(row: row)
        _ = try reference.transaction.insertScratchRow(reference.table)
        return Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row
    }

    /// Adds a row whatever its unique values, by keeping or replacing the rows that have them already.
    ///
    /// ```swift
    /// for name in names {
    ///     let outcome = try db.user.insert(User(id: 0, name: name), onConflict: .ignore)
    ///     if outcome.isUnchanged { skipped.append(name) }
    /// }
    /// ```
    ///
    /// No number of an auto-incremented column is used up by a row that is not added. Costs a look-up per unique index
    /// more than a plain insert.
    ///
    /// - Returns: what was done. Never throws `uniqueViolation`.
    @inlinable @discardableResult
    public func insert(_ row: Row, onConflict resolution: ConflictResolution) throws -> InsertOutcome<Row> {
        let reference = _spacetimeReference
        try reference.encode(row: row)
        let outcome = try reference.transaction.insertScratchRow(reference.table, rule: resolution.rule)
        switch outcome {
        case .unchanged: return .unchanged
        case .inserted: return .inserted(Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row)
        case .replaced(let deleted):
            return .replaced(by: Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row, deleted: deleted)
        }
    }

    /// Adds rows one after the other, as ``insert(_:onConflict:)`` does.
    ///
    /// - Returns: how many were added; the others changed nothing.
    @inlinable @discardableResult
    public func insert(
        contentsOf rows: some Sequence<Row>, onConflict resolution: ConflictResolution
    ) throws -> Int {
        let reference = _spacetimeReference
        var added = 0
        for row in rows {
            try reference.encode(row: row)
            switch try reference.transaction.insertScratchRow(reference.table, rule: resolution.rule) {
            case .unchanged: break
            case .inserted, .replaced: added += 1
            }
        }
        return added
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

    /// Deletes the row that is equal in all columns; of several equal events the last. Costs one look-up, and one in every
    /// index.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete(_ row: Row) throws -> Bool {
        let reference = _spacetimeReference
        try reference.encode(row: row)
        return try reference.transaction.deleteScratchRow(reference.table)
    }

    /// Deletes all rows. Linear in them: each can be brought back, and is told to subscribers.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func clear() throws -> Int {
        try _spacetimeReference.transaction.clear(_spacetimeReference.table)
    }

    /// The number of rows. O(1).
    @inlinable
    public var count: Int { _spacetimeReference.transaction.count(_spacetimeReference.table) }

    /// Whether the table has no row. O(1).
    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// All rows, in no particular order, read as the loop goes.
    @inlinable
    public var rows: Rows<Row> { Rows(_spacetimeReference, .table(nil)) }

    /// Some row, or nil if the table is empty.
    @inlinable
    public var first: Row? {
        var iterator = rows.makeIterator()
        return iterator.next()
    }
}

extension TableHandle where Row: KeyedTableRow {
    /// Replaces the row that has the same primary key. Costs one look-up; if the new row fits where the old one is, indexes over
    /// columns that stay as they are are not touched.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchRow` if there is none, or `uniqueViolation` if another unique value
    ///   collides. Nothing is written then.
    @inlinable
    public func update(_ row: Row) throws {
        try _spacetimeReference.encode(row: row)
        try _spacetimeReference.transaction.updateScratchRow(
            _spacetimeReference.index(Row._spacetimePrimaryKeyIndex))
    }

    /// Replaces the row that has the same primary key, or adds the row if there is none.
    ///
    /// - Returns: the row as it is stored.
    /// - Throws: ``DatabaseError`` with code `uniqueViolation` if another unique value collides. Nothing is written then.
    @inlinable @discardableResult
    public func upsert(_ row: Row) throws -> Row { try _spacetimeReference.upsert(row) }

    /// Changes the row with that primary key: `db.player.update(id) { $0.score += 1 }`.
    ///
    /// - Returns: the row as it is stored.
    /// - Throws: what `change` throws, and ``DatabaseError`` with code `noSuchRow` if there is none. Nothing is written
    ///   then.
    @inlinable @discardableResult
    public func update(
        _ key: Row.PrimaryKey, change: (inout Row) throws -> Void
    ) throws -> Row where Row.PrimaryKey: SpacetimeType {
        let primaryKey = UniqueIndex<Row, Row.PrimaryKey>(_spacetimeReference, index: Row._spacetimePrimaryKeyIndex)
        return try primaryKey.update(key, change: change)
    }

    /// Changes the row with that primary key of several columns: `db.seat.update(row, number) { $0.guest = guest }`.
    ///
    /// - Returns: the row as it is stored.
    /// - Throws: what `change` throws, and ``DatabaseError`` with code `noSuchRow` if there is none. Nothing is written
    ///   then.
    @inlinable @discardableResult
    public func update<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest, change: (inout Row) throws -> Void
    ) throws -> Row where Row.PrimaryKey: KeyColumns, Row.PrimaryKey.Values == (A, B, repeat each Rest) {
        let primaryKey = UniqueCompositeIndex<Row, Row.PrimaryKey>(
            _spacetimeReference, index: Row._spacetimePrimaryKeyIndex)
        return try primaryKey.update(first, second, repeat each rest, change: change)
    }
}

extension TableReference {
    /// Replaces the row that has the same primary key, or adds the row if there is none.
    @inlinable
    func upsert<Row: KeyedTableRow>(_ row: Row) throws -> Row {
        try encode(row: row)
        try transaction.upsertScratchRow(index(Row._spacetimePrimaryKeyIndex))
        return Row._spacetimeHasGeneratedColumns ? decodeScratch() : row
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

    @available(*, unavailable, message: "go through the rows, as in db.message.rows.map { $0.text }")
    public func map<Value>(_ transform: (Row) throws -> Value) -> [Value] { fatalError() }

    @available(*, unavailable, message: "go through the rows, as in for message in db.message.rows")
    public func forEach(_ body: (Row) throws -> Void) { fatalError() }

    @available(
        *, unavailable, message: "take an index in its order, as in db.message.id.rows, or db.message.rows.sorted"
    )
    public func sorted(by areInIncreasingOrder: (Row, Row) throws -> Bool) -> [Row] { fatalError() }

    @available(*, unavailable, message: "update needs a primary key: mark a column of the row with @PrimaryKey")
    public func update(_ row: Row) throws { fatalError() }

    @available(*, unavailable, message: "update needs a primary key: mark a column of the row with @PrimaryKey")
    public func update<Key>(_ key: Key, change: (inout Row) throws -> Void) throws -> Row { fatalError() }

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
