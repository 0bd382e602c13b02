/// How much one SQL statement may do before it is stopped with an error.
///
/// ```swift
/// let few = try db.sql("SELECT * FROM monster", limits: QueryLimits(rows: 1_000, time: .seconds(1)))
/// ```
public struct QueryLimits: Hashable, Sendable {
    /// Rows that are looked at, in all tables together.
    public var rowsExamined: Int
    /// Rows of the result.
    public var rows: Int
    /// Bytes of the result's rows as encoded.
    public var bytes: Int
    /// Time on the database's clock; nil if it does not matter. Asked now and then, so a statement may take a little longer.
    public var time: Duration?

    /// By default a gigabyte of rows, and no other limit.
    public init(
        rowsExamined: Int = .max, rows: Int = .max, bytes: Int = 1 << 30, time: Duration? = nil
    ) {
        self.rowsExamined = rowsExamined
        self.rows = rows
        self.bytes = bytes
        self.time = time
    }
}
