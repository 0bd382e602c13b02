public import SpacetimeSATS
import Synchronization

/// A column of a table whose rows are to be found by it. See ``TableDescription/column(_:_:)``.
public struct TableColumn<Row: SpacetimeType, Value: SpacetimeType>: Sendable {
    let table: String
    let place: Int
}

extension TableDescription {
    /// A column by its name: by its index if it has one, rows are found at once; otherwise all of them are looked at.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badDescription`` if there is no such column, or it is of another
    ///   type.
    public func column<Value: SpacetimeType>(
        _ name: String, _ type: Value.Type
    ) throws(ClientError) -> TableColumn<Row, Value> {
        guard let place = layout.columns.firstIndex(where: { $0.name == name }) else {
            throw ClientError(.badDescription, "table \(self.name) has no column \(name)")
        }
        var types = TypespaceBuilder()
        let wanted = Value.algebraicType(in: &types)
        // Types that contain themselves cannot be resolved, and are no keys.
        let found = try? layout.typespace.resolved(layout.columns[place].type)
        guard let found, found == (try? types.typespace.resolved(wanted)) else {
            throw ClientError(.badDescription, "column \(name) of table \(self.name) is no \(Value.self)")
        }
        return TableColumn(table: self.name, place: place)
    }
}

/// The rows of one table that are in a client's cache.
///
/// Each function looks at the cache at one moment between two messages. Rows are made of their bytes while it looks, which holds
/// up the client: a large table is better read by a column, or followed by its changes.
public struct CachedTable<Row: SpacetimeType>: Sendable {
    let engine: ClientEngine
    let description: TableDescription<Row>

    /// How many rows there are.
    public var count: Int { read { $0.count } }

    /// Whether there is none.
    public var isEmpty: Bool { count == 0 }

    /// About how many bytes of memory the table takes.
    public var byteCount: Int { read { $0.reservedBytes } }

    /// All rows, in no order that means anything.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if a row is no `Row`.
    public func rows() throws(ClientError) -> [Row] { try rows(matching: CacheSearch()) }

    /// The rows whose column has this value, in the order in which they came if the column has an index.
    ///
    /// - Parameters:
    ///   - column: what rows are found by; see ``TableDescription/column(_:_:)``.
    ///   - value: what it must be, in exactly these bytes.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if a row is no `Row`.
    public func rows<Value: SpacetimeType>(
        where column: TableColumn<Row, Value>, equals value: Value
    ) throws(ClientError) -> [Row] {
        try rows(matching: CacheSearch(columns: [column.place], key: [value.bsatn()]))
    }

    /// The rows whose two columns have these values: by an index over both, or over one of them.
    ///
    /// - Parameters:
    ///   - column: one of them.
    ///   - value: what it must be, in exactly these bytes.
    ///   - other: the other one.
    ///   - otherValue: what that one must be.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if a row is no `Row`.
    public func rows<Value: SpacetimeType, Other: SpacetimeType>(
        where column: TableColumn<Row, Value>, equals value: Value, and other: TableColumn<Row, Other>,
        equals otherValue: Other
    ) throws(ClientError) -> [Row] {
        try rows(
            matching: CacheSearch(columns: [column.place, other.place], key: [value.bsatn(), otherValue.bsatn()]))
    }

    /// The row whose column has this value, or one of them.
    ///
    /// - Parameters:
    ///   - column: what rows are found by.
    ///   - value: what it must be, in exactly these bytes.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/undecodable`` if it is no `Row`.
    public func first<Value: SpacetimeType>(
        where column: TableColumn<Row, Value>, equals value: Value
    ) throws(ClientError) -> Row? {
        try rows(matching: CacheSearch(columns: [column.place], key: [value.bsatn()]), limit: 1).first
    }

    /// The rows that are looked for, and no more than so many of them.
    package func rows(matching search: CacheSearch, limit: Int = .max) throws(ClientError) -> [Row] {
        try decoding { table, rows throws(BSATNError) in
            try table.forEach(search, limit: limit) { (reader) throws(BSATNError) in
                rows.append(try Self.row(&reader))
            }
        }
    }

    /// How many rows are there of those that are looked for.
    package func count(matching search: CacheSearch) -> Int { read { $0.find(search).count } }

    private static func row(_ reader: inout BSATNReader) throws(BSATNError) -> Row {
        let row = try Row(from: &reader)
        try reader.finish()
        return row
    }

    private func decoding(
        _ body: @Sendable (TableCache, inout [Row]) throws(BSATNError) -> Void
    ) throws(ClientError) -> [Row] {
        do throws(BSATNError) {
            return try engine.state.withLock { state throws(BSATNError) in
                var rows: [Row] = []
                try body(state.core.cache.table(description.name), &rows)
                return rows
            }
        } catch { throw ClientError(undecodable: error, table: description.name, as: Row.self) }
    }

    private func read<Result: Sendable>(_ body: @Sendable (TableCache) -> Result) -> Result {
        engine.state.withLock { body($0.core.cache.table(description.name)) }
    }
}

extension ClientError {
    init<Row>(undecodable error: BSATNError, table: String, as row: Row.Type) {
        self.init(
            .undecodable,
            "a row of table \(table) is no \(Row.self): \(error). Does the program have the server's version of the table?"
        )
    }
}
