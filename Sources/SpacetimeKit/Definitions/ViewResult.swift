public import SpacetimeSATS

/// What a view may return: an array of rows, one row or nil, or a query for rows (``Query``, ``QueryWindow``, ``RowQuery``).
public protocol ViewResult<Row>: SendableMetatype {
    associatedtype Row: TableRow
    static var _isQuery: Bool { get }
    func _write(to output: inout _ViewOutput)
}

/// What a view returned, on its way to the database: rows in BSATN, or a query for them.
public struct _ViewOutput: ~Copyable {
    @usableFromInline var writer = BSATNWriter(reservingCapacity: 128)
    @usableFromInline var ends: [Int] = []
    private(set) var query: _QueryDraft?

    @inlinable public init() {}

    @inlinable
    public mutating func append(_ row: some TableRow) {
        row.encode(to: &writer)
        ends.append(writer.count)
    }

    mutating func set(_ query: _QueryDraft) { self.query = query }

    /// The rows one behind the other.
    var bytes: [UInt8] { writer.bytes.withUnsafeBytes { Array($0) } }
}

extension Array: ViewResult where Element: TableRow {
    public typealias Row = Element
    public static var _isQuery: Bool { false }

    @inlinable
    public func _write(to output: inout _ViewOutput) { for row in self { output.append(row) } }
}

extension Optional: ViewResult where Wrapped: TableRow {
    public typealias Row = Wrapped
    public static var _isQuery: Bool { false }

    @inlinable
    public func _write(to output: inout _ViewOutput) { if let self { output.append(self) } }
}

extension Query: ViewResult where Scope: TableRow {
    public typealias Row = Scope
    public static var _isQuery: Bool { true }
    public func _write(to output: inout _ViewOutput) { output.set(draft) }
}

extension QueryWindow: ViewResult where Scope: TableRow {
    public typealias Row = Scope
    public static var _isQuery: Bool { true }
    public func _write(to output: inout _ViewOutput) { output.set(draft) }
}

/// A query for columns that are those of a row type, as a view returns it: `counts.rows(as: RoomCount.self)`.
public struct RowQuery<Row: TableRow>: ViewResult, Sendable {
    let draft: _QueryDraft

    public static var _isQuery: Bool { true }
    public func _write(to output: inout _ViewOutput) { output.set(draft) }
}

extension ResultQuery {
    /// The result rows as rows of a type that has the same columns in the same order, for a view to return.
    ///
    /// ```swift
    /// @View static func counts(_ context: borrowing AnonymousViewContext) -> RowQuery<PointCount> {
    ///     Score.all.groupBy { $0.points }.select { points, scores in (points, scores.count()) }.rows(as: PointCount.self)
    /// }
    /// ```
    ///
    /// Who looks at the view gets an error of the code ``DatabaseError/Code/moduleFailure`` if the columns are others.
    public func rows<Row: TableRow>(as row: Row.Type) -> RowQuery<Row> { RowQuery(draft: _draft) }
}
