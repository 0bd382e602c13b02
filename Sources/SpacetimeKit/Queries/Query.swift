import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// What one asks of tables: the rows of one that meet a condition, of several that belong together, or groups of rows.
///
/// A value that is put together step by step, and run where it is wanted: `db.rows(query)` inside a reducer or a read,
/// `snapshot.rows(query)`, `db.subscribe(query)`.
///
/// ```swift
/// let lobby = Message.where { $0.room == "lobby" }
/// let newest = lobby.orderBy { $0.sent.descending }.limit(50)
/// let ofFriends = lobby.leftSemijoin(Friend.where { $0.of == me }) { $0.sender == $1.identity }
/// let named = lobby.join(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
/// let counts = Message.all.groupBy { $0.room }.select { room, messages in (room, messages.count()) }
/// ```
///
/// Equal queries that are subscribed to are evaluated once. The scope is a row type, ``Joined``, or ``Grouped``.
public struct Query<Scope: QueryScope>: Hashable, Sendable {
    var draft: _QueryDraft

    init(_ draft: _QueryDraft) { self.draft = draft }

    /// The same query with a condition that must hold as well. On groups it is what SQL calls `HAVING`.
    public func `where`(_ condition: (Scope.Columns) -> some ConditionConvertible<Scope>) -> Query {
        var query = self
        let predicate = query.draft.inScope { condition(Scope._columns($0))._condition.predicate }
        query.draft.add(predicate)
        return query
    }
}

extension _QueryDraft {
    /// Runs a closure of the query, which may ask for aggregates.
    mutating func inScope<Result>(_ body: (_QueryContext) -> Result) -> Result {
        let context = _QueryContext(aggregates)
        defer { aggregates = context.aggregates }
        return body(context)
    }
}

extension Query where Scope: TableRow {
    init(_ predicate: RowPredicate) { draft = _QueryDraft(Scope.self, predicate) }

    /// The same query of another table of the same row type: `Message.where { $0.room == "lobby" }.in("archive")`.
    ///
    /// - Parameter table: its name, as the module's list of tables gives it. Whoever runs the query throws `noSuchTable` if
    ///   there is none of that name.
    public func `in`(_ table: String) -> Query {
        var query = self
        query.draft.table = table
        return query
    }
}

extension TableRow {
    /// A query for the rows that meet a condition: `Message.where { $0.room == "lobby" }`.
    public static func `where`(_ condition: (Columns) -> some ConditionConvertible<Self>) -> Query<Self> {
        Query(condition(_spacetimeColumns)._condition.predicate)
    }

    /// A query for all rows of the table.
    public static var all: Query<Self> { Query(.all) }
}

// MARK: What stands for a query

/// What can be run and subscribed to: a ``Query`` for whole rows, a ``QueryWindow`` of them, a ``ResultQuery`` for columns, a
/// ``ValueQuery`` for one value.
public protocol QueryConvertible<Output>: Sendable {
    /// A row of the result: the row type, a value, or a tuple.
    associatedtype Output: Sendable
    var _draft: _QueryDraft { get }
    /// A row of the result out of its bytes.
    var _decode: @Sendable (UnsafeRawBufferPointer) -> Output { get }
}

/// Makes a row of a result of its bytes.
typealias RowDecoder<Row> = @Sendable (UnsafeRawBufferPointer) -> Row

extension Query: QueryConvertible where Scope: RowScope {
    public typealias Output = Scope._Rows
    public var _draft: _QueryDraft { draft }
    public var _decode: @Sendable (UnsafeRawBufferPointer) -> Output { { Scope._rows(in: $0) } }
}

/// Takes the values of a result row one after the other out of its bytes.
public struct _ResultReader {
    private let image: UnsafeRawBufferPointer
    private var offset = 0

    init(_ image: UnsafeRawBufferPointer) { self.image = image }

    mutating func next<Value: SpacetimeType>(_ type: Value.Type) -> Value {
        var reader = BSATNReader(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: image[offset...])))
        do throws(BSATNError) {
            let value = try Value(from: &reader)
            offset += reader.offset
            return value
        } catch { _undecodable(String(describing: type), error) }
    }

    /// An optional of an optional, of which results have one: nil stands for both kinds of nil.
    mutating func nextFlat<Value: SpacetimeType>(_ type: Value.Type) -> Value {
        if image[offset] != 0 {
            offset += 1
            return [1].withUnsafeBytes { _decode($0, as: type) }
        }
        return ([0] + image[offset...]).withUnsafeBytes { bytes in
            var inner = _ResultReader(bytes)
            defer { offset += inner.offset - 1 }
            return inner.next(type)
        }
    }
}
