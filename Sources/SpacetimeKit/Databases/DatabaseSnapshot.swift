import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// All tables at one moment. Reading it takes no lock.
///
/// Queries are answered as in a transaction, by looking at every row at first. The indexes of the database go on changing
/// and are not part of the snapshot; one that is searched by the columns of an index again and again (some sixteen times)
/// sorts the table's rows by them once, which takes about as long, and finds rows at once from then on:
///
/// ```swift
/// let snapshot = try db.snapshot()
/// let ada = try snapshot.find(User.self, id)
/// let newest = try snapshot.rows(Message.all, orderedBy: { $0.sent }, descending: true, limit: 50)
/// ```
///
/// Views are evaluated on the rows of the snapshot when they are first read, and kept with it. What a client would see, of tables and
/// of views, is seen through ``seen(by:)``:
///
/// ```swift
/// let best = try snapshot.rows(League.best)
/// let own = try snapshot.seen(by: ada.identity).rows(League.own)
/// ```
///
/// Everything here throws ``DatabaseError``: `noSuchTable` if the module has no table of these rows or of that name,
/// `limitReached` if a condition is larger than one may be, see ``Condition``, `invalidQuery` for a limit below zero,
/// `moduleFailure` with what a view threw.
public struct DatabaseSnapshot<Definition: ModuleDefinition>: Sendable {
    let core: DatabaseCore
    let picture: PictureViews
    /// Who sees it.
    let caller: Caller
    /// The last commit in it.
    public let offset: TxOffset

    private var snapshot: DatastoreSnapshot { picture.snapshot }

    init(core: DatabaseCore, _ picture: (DatastoreSnapshot, TxOffset)) {
        self.init(core: core, PictureViews(picture.0, core.runner), seenBy: core.owner, offset: picture.1)
    }

    private init(core: DatabaseCore, _ picture: PictureViews, seenBy caller: Caller, offset: TxOffset) {
        self.core = core
        self.picture = picture
        self.caller = caller
        self.offset = offset
    }

    /// The same snapshot as a client sees it: public tables, of these the rows that the module's rules admit, and views as they are
    /// for that identity. Costs nothing by itself.
    ///
    /// - Parameter identity: the client's, as ``Connection/identity``. The owner sees everything.
    public func seen(by identity: Identity) -> DatabaseSnapshot {
        DatabaseSnapshot(core: core, picture, seenBy: Caller(identity: identity), offset: offset)
    }

    /// Private tables are read, and no rules hold.
    private var seesAll: Bool { caller.identity == core.owner.identity }

    // MARK: Whole tables

    /// How many rows the table has.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    public func count<Row: TableRow>(of row: Row.Type, in name: String? = nil) throws -> Int {
        if !seesAll { return try count(Query(of: row, in: name)) }
        return snapshot.count(try core.catalog.table(of: row, named: name))
    }

    /// All rows of the table, copied, in no particular order.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    public func rows<Row: TableRow>(of row: Row.Type, in name: String? = nil) throws -> [Row] {
        try rows(Query(of: row, in: name))
    }

    /// Calls `body` with each row of a table, in no particular order.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    ///   - body: what it throws ends the walk, and is thrown on.
    public func forEach<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: (Row) throws -> Void
    ) throws {
        try forEach(Query(of: row, in: name), body)
    }

    // MARK: By key

    /// The row with that primary key.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - key: the value of the column.
    ///   - name: which table, if the type has several; by default its own.
    public func find<Row: KeyedTableRow>(
        _ row: Row.Type, _ key: Row.PrimaryKey, in name: String? = nil
    ) throws -> Row? where Row.PrimaryKey: SpacetimeType {
        try find(row, [key.bsatn()], in: name)
    }

    /// The row with that primary key of several columns: `snapshot.find(Seat.self, row, number)`.
    public func find<Row: KeyedTableRow, A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ row: Row.Type, _ first: A, _ second: B, _ rest: repeat each Rest, in name: String? = nil
    ) throws -> Row? where Row.PrimaryKey: KeyColumns, Row.PrimaryKey.Values == (A, B, repeat each Rest) {
        var key = [first.bsatn(), second.bsatn()]
        for value in repeat each rest { key.append(value.bsatn()) }
        return try find(row, key, in: name)
    }

    private func find<Row: TableRow>(_ row: Row.Type, _ key: [[UInt8]], in name: String?) throws -> Row? {
        let columns = snapshot.schema(of: try core.catalog.table(of: row, named: name))?.primaryKey ?? []
        return try first(
            Query(of: row, in: name, where: .and(zip(columns, key).map { .compare($0, .equal, $1) })))
    }

    // MARK: Queries

    /// Calls `body` with each row of a query's result, in its order if it has one.
    ///
    /// - Throws: what `body` throws, too.
    public func forEach<Output>(_ query: some QueryConvertible<Output>, _ body: (Output) throws -> Void) throws {
        let decode = query._decode
        try forEachImage(of: query._draft) { try body(decode($0)) }
    }

    /// The rows of a query's result, copied, in its order if it has one.
    public func rows<Output>(_ query: some QueryConvertible<Output>) throws -> [Output] {
        var rows: [Output] = []
        try forEach(query) { rows.append($0) }
        return rows
    }

    /// The first row of a query's result, or some row if it has no order; nil if there is none.
    public func first<Output>(_ query: some QueryConvertible<Output>) throws -> Output? {
        var found: Output?
        do {
            try forEach(query) { row in
                found = row
                throw Enough()
            }
        } catch is Enough {}
        return found
    }

    /// The value of a query for one: a count, a sum, a least or greatest value, an average.
    public func value<Value>(_ query: ValueQuery<Value>) throws -> Value {
        guard let value = try first(query) else { throw ValueQuery<Value>.hasNone }
        return value
    }

    /// How many rows a query's result has. Decodes none.
    public func count(_ query: some QueryConvertible) throws -> Int {
        var count = 0
        try forEachImage(of: query._draft) { _ in count += 1 }
        return count
    }

    private func forEachImage(
        of draft: _QueryDraft, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if seesAll, !draft.readsViews, let condition = draft.plainCondition {
            let table = try core.catalog.table(of: draft.row, named: draft.table)
            return try core.catalog.forEachRow(of: table, in: snapshot, where: condition, body)
        }
        let query = try core.catalog.bound(draft, by: caller)
        var failure: (any Error)?
        try picture.forEachResult(of: query, as: caller) { image in
            do { try body(image) } catch { failure = error }
            return failure == nil
        }
        if let failure { throw failure }
    }

    // MARK: In order

    /// The rows of a query in the order of a column, which is that of an index over it: `orderedBy: { $0.sent }`. A field of a
    /// struct or a payload will do as well. Nil, and what a row does not have, comes last.
    ///
    /// All rows of the query are found and sorted, as encoded; only those that are asked for are decoded. Rows that are equal
    /// there are in an order that is the same each time.
    ///
    /// - Parameters:
    ///   - query: which rows.
    ///   - column: what they are ordered by.
    ///   - descending: whether the greatest comes first; nil, too, then.
    ///   - limit: how many there may be, 0 or more; the first ones are taken.
    public func rows<Row: TableRow, A: ColumnExpression>(
        _ query: Query<Row>, orderedBy column: (Row.Columns) -> A, descending: Bool = false, limit: Int = .max
    ) throws -> [Row] where A.Row == Row, A.Value: OrderedColumnValue {
        try rows(query, [column(Row._spacetimeColumns)._comparedPlace], descending, limit)
    }

    /// The rows of a query in the order of two columns: by the first, and where that is equal by the second.
    ///
    /// - Parameters:
    ///   - query: which rows.
    ///   - columns: what they are ordered by: `orderedBy: { ($0.room, $0.sent) }`.
    ///   - descending: whether the greatest comes first, in both columns.
    ///   - limit: how many there may be, 0 or more; the first ones are taken.
    public func rows<Row: TableRow, A: ColumnExpression, B: ColumnExpression>(
        _ query: Query<Row>, orderedBy columns: (Row.Columns) -> (A, B), descending: Bool = false, limit: Int = .max
    ) throws -> [Row]
    where A.Row == Row, B.Row == Row, A.Value: OrderedColumnValue, B.Value: OrderedColumnValue {
        let columns = columns(Row._spacetimeColumns)
        return try rows(query, [columns.0._comparedPlace, columns.1._comparedPlace], descending, limit)
    }

    private func rows<Row: TableRow>(
        _ query: Query<Row>, _ columns: [_ColumnPlace], _ descending: Bool, _ limit: Int
    ) throws -> [Row] {
        guard seesAll, let condition = query.draft.plainCondition, limit >= 0, !query.draft.readsViews else {
            var window = query.limit(limit)
            window.draft.order = columns.map { _QueryDraft.Order(place: $0, isDescending: descending) }
            return try rows(window)
        }
        let table = try core.catalog.table(of: Row.self, named: query.draft.table)
        var rows: [Row] = []
        try core.catalog.forEachRow(
            of: table, in: snapshot, where: condition, orderedBy: columns.map(\.path), descending: descending,
            limit: limit
        ) { rows.append(_decode($0, as: Row.self)) }
        return rows
    }
}

extension Query where Scope: TableRow {
    fileprivate init(of row: Scope.Type, in table: String?, where predicate: RowPredicate = .all) {
        self.init(predicate)
        draft.table = table
    }
}

/// Ends a walk over rows before its end.
private struct Enough: Error {}
