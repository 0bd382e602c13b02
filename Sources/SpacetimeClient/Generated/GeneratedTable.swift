public import SpacetimeSATS

/// A table or a view of a database, as generated code describes it: its rows in the cache, its changes, and queries for it.
///
/// ```swift
/// game.db.player.onUpdate { old, new in print("\(old.name) is \(new.name) now") }
/// let ann = try game.db.player.name.find("Ann")
/// try await game.subscribe(game.db.player.where { $0.joinedAt > yesterday })
/// ```
public protocol GeneratedTable: Sendable {
    /// A row.
    associatedtype Row: SpacetimeType
    /// The columns, for conditions of queries.
    associatedtype Columns: GeneratedColumns

    static var _description: TableDescription<Row> { get }
    var _client: DatabaseClient { get }
    init(_client: DatabaseClient)
}

/// The columns of a table, for conditions of queries.
public protocol GeneratedColumns: Sendable {
    init(_table: String)
}

extension GeneratedTable {
    // MARK: Rows

    /// The rows that are in the cache.
    public var cached: CachedTable<Row> { _client.table(Self._description) }

    /// How many rows are in the cache.
    public var count: Int { cached.count }

    /// All rows that are in the cache, in no order that means anything.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if the server's table has changed since the code was
    ///   generated.
    public func rows() throws(ClientError) -> [Row] { try cached.rows() }

    // MARK: Changes

    /// Has `body` called with each row that was not in the cache before, and each of an event table.
    @discardableResult
    public func onInsert(_ body: @escaping @Sendable (Row) -> Void) -> ChangeListener {
        _client.onInsert(Self._description, body)
    }

    /// Has `body` called with each row that is in the cache no more, and was not replaced by one of the same primary key.
    @discardableResult
    public func onDelete(_ body: @escaping @Sendable (Row) -> Void) -> ChangeListener {
        _client.onDelete(Self._description, body)
    }

    /// Has `body` called with each row that was replaced by one of the same primary key, and with that one. Never, of a table without
    /// a primary key.
    @discardableResult
    public func onUpdate(_ body: @escaping @Sendable (_ old: Row, _ new: Row) -> Void) -> ChangeListener {
        _client.onUpdate(Self._description, body)
    }

    /// Has `body` called with all that a message changed in the table.
    @discardableResult
    public func onChange(_ body: @escaping @Sendable (RowChanges<Row>) -> Void) -> ChangeListener {
        _client.onChange(Self._description, body)
    }

    /// The changes, a message at a time. The first element has the rows that are in the cache now as inserted.
    ///
    /// - Parameter bufferLimit: how many elements may wait for the reader.
    public func changes(bufferLimit: Int = 1_024) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        _client.changes(of: Self._description, bufferLimit: bufferLimit)
    }

    // MARK: Queries

    /// A query for all rows.
    public var all: TableQuery<Self> { TableQuery() }

    /// A query for the rows that meet a condition.
    ///
    /// - Parameter condition: is given the columns: `{ $0.room == "lobby" && $0.sent > yesterday }`.
    public func `where`(_ condition: (Columns) -> QueryCondition<Row>) -> TableQuery<Self> { all.where(condition) }

    // MARK: For generated code

    /// A query for the rows that a view has for some arguments; nil is what is missing.
    public func _call(_ arguments: (any QueryValue)?...) -> TableQuery<Self> { TableQuery(arguments: arguments) }

    /// What finds rows by unique columns.
    public func _unique<each Value: SpacetimeType>(_ places: Int...) -> UniqueKey<Row, repeat each Value> {
        UniqueKey(table: cached, places: places)
    }

    /// What finds rows by columns of an index.
    public func _index<each Value: SpacetimeType>(_ places: Int...) -> IndexKey<Row, repeat each Value> {
        IndexKey(table: cached, places: places)
    }
}

extension TableDescription {
    /// A table that code was generated for. Stops the process if a place is not that of a column.
    ///
    /// - Parameters:
    ///   - row: a product, whose fields have the names of the columns.
    ///   - name: what the server calls the table.
    ///   - primaryKey: the places of its columns.
    ///   - indexes: the places of the columns of each index.
    public init(_generated row: Row.Type, name: String, primaryKey: [Int], indexes: [[Int]]) {
        var types = TypespaceBuilder()
        let type = Row.algebraicType(in: &types)
        guard case .product(let product)? = types.typespace.following(type) else {
            preconditionFailure("\(Row.self) cannot be a row of table \(name): it is no product of fields")
        }
        let columns = product.elements.enumerated().map { place, element in
            TableLayout.Column(name: element.name ?? "column\(place)", type: element.algebraicType)
        }
        precondition(
            ([primaryKey] + indexes).allSatisfy { $0.allSatisfy(columns.indices.contains) },
            "a key of table \(name) has a column that is not there")
        layout = TableLayout(
            name: name, columns: columns, typespace: types.typespace, primaryKey: primaryKey, indexes: indexes)
    }
}

/// One or more columns in which no two rows agree.
public struct UniqueKey<Row: SpacetimeType, each Value: SpacetimeType>: Sendable {
    let table: CachedTable<Row>
    let places: [Int]

    /// The row with these values, if it is in the cache. Costs one look-up.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if it is no `Row`.
    public func find(_ values: repeat each Value) throws(ClientError) -> Row? {
        var key: [[UInt8]] = []
        repeat key.append((each values).bsatn())
        return try table.rows(matching: CacheSearch(columns: places, key: key), limit: 1).first
    }
}

/// One or more columns with an index.
public struct IndexKey<Row: SpacetimeType, each Value: SpacetimeType>: Sendable {
    let table: CachedTable<Row>
    let places: [Int]

    /// The rows with these values that are in the cache, in the order in which they came. Costs one look-up.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if one is no `Row`.
    public func filter(_ values: repeat each Value) throws(ClientError) -> [Row] {
        var key: [[UInt8]] = []
        repeat key.append((each values).bsatn())
        return try table.rows(matching: CacheSearch(columns: places, key: key))
    }
}
