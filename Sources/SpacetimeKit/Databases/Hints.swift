// What people write who know other databases. None of it compiles; each says what does.

extension Database {
    @available(*, unavailable, message: "reducers write rows: add one to the module, and call it with 'call'")
    public func insert<Row: TableRow>(_ row: Row) throws {}

    @available(*, unavailable, message: "reducers write rows: add one to the module, and call it with 'call'")
    public func update<Row: TableRow>(_ row: Row) throws {}

    @available(*, unavailable, message: "reducers write rows: add one to the module, and call it with 'call'")
    public func delete<Row: TableRow>(_ row: Row) throws {}

    @available(*, unavailable, message: "each call of a reducer is a transaction: add one, and call it with 'call'")
    public func transaction(_ body: () throws -> Void) throws {}

    @available(*, unavailable, message: "subscribe to a query, as in Message.all or Message.where { $0.id == 1 }")
    public func subscribe<Row: TableRow>(_ row: Row.Type) throws {}
}

extension Connection {
    @available(*, unavailable, message: "subscribe to a query, as in Message.all or Message.where { $0.id == 1 }")
    public func subscribe<Row: TableRow>(_ row: Row.Type) throws {}
}
