import SpacetimeHost
import SpacetimeSATS

/// What `select` may name: a column, a value of a group, or a whole row of a join (``JoinColumns/wholeRow``).
public protocol ResultColumn<Value>: Sendable {
    /// What it is in a result, and what it is compared with.
    associatedtype Value: Sendable
    var _output: _QueryOutput { get }
    static func _next(_ output: _QueryOutput, _ reader: inout _ResultReader) -> Value
}

/// A column of a result.
public struct _QueryOutput: Sendable {
    let column: _QueryDraft.OutputColumn
    /// Its Swift type is an optional of an optional, and in results it is one optional.
    let isFlat: Bool
}

extension ColumnExpression {
    public var _output: _QueryOutput {
        let isDouble = (Value.self as? any _OptionalColumnValue.Type)?._isDouble == true
        return _QueryOutput(column: .value(_place), isFlat: isDouble && _place.isUnwrapped)
    }

    public static func _next(_ output: _QueryOutput, _ reader: inout _ResultReader) -> Value {
        output.isFlat ? reader.nextFlat(Value.self) : reader.next(Value.self)
    }
}

/// A whole row of one of the tables of a join. See ``JoinColumns/wholeRow``.
public struct WholeRow<Scope, Row: TableRow>: ResultColumn {
    let slot: Int

    init(_ slot: Int) { self.slot = slot }

    public var _output: _QueryOutput { _QueryOutput(column: .row(slot: slot), isFlat: false) }

    public static func _next(_ output: _QueryOutput, _ reader: inout _ResultReader) -> Row { reader.next(Row.self) }
}

/// A query for some columns, or for what is computed of groups. Its rows are values or tuples.
public struct ResultQuery<Output: Sendable>: QueryConvertible {
    public private(set) var _draft: _QueryDraft
    public let _decode: @Sendable (UnsafeRawBufferPointer) -> Output

    init(_ draft: _QueryDraft, _ decode: @escaping @Sendable (UnsafeRawBufferPointer) -> Output) {
        _draft = draft
        _decode = decode
    }

    /// Each result row once. Rows that are ordered have to be ordered by columns that are selected: whoever runs the query
    /// throws `invalidQuery`.
    public func distinct() -> ResultQuery {
        var query = self
        query._draft.isDistinct = true
        return query
    }

    /// At most so many result rows, the first ones behind those that ``offset(_:)`` leaves out, whichever is written first.
    public func limit(_ count: Int) -> ResultQuery { ResultQuery(_draft.limited(to: count), _decode) }

    /// Without the first result rows, so many of them.
    public func offset(_ count: Int) -> ResultQuery { ResultQuery(_draft.starting(at: count), _decode) }
}

extension Query {
    /// One column of the rows; the others are not read.
    public func select<Selected: ResultColumn>(
        _ column: (Scope.Columns) -> Selected
    ) -> ResultQuery<Selected.Value> { draft.selecting(Scope.self, column) }

    /// Some columns of the rows, as tuples; the others are not read.
    ///
    /// ```swift
    /// let names = User.where { $0.online }.select { ($0.identity, $0.name) }
    /// ```
    public func select<First: ResultColumn, Second: ResultColumn, each Rest: ResultColumn>(
        _ columns: (Scope.Columns) -> (First, Second, repeat each Rest)
    ) -> ResultQuery<(First.Value, Second.Value, repeat (each Rest).Value)> { draft.selecting(Scope.self, columns) }
}

extension QueryWindow {
    /// One column of the rows; the others are not read.
    public func select<Selected: ResultColumn>(
        _ column: (Scope.Columns) -> Selected
    ) -> ResultQuery<Selected.Value> { draft.selecting(Scope.self, column) }

    /// Some columns of the rows, as tuples; the others are not read.
    public func select<First: ResultColumn, Second: ResultColumn, each Rest: ResultColumn>(
        _ columns: (Scope.Columns) -> (First, Second, repeat each Rest)
    ) -> ResultQuery<(First.Value, Second.Value, repeat (each Rest).Value)> { draft.selecting(Scope.self, columns) }
}

extension _QueryDraft {
    fileprivate func selecting<Scope: QueryScope, each Selected: ResultColumn>(
        _ scope: Scope.Type, _ columns: (Scope.Columns) -> (repeat each Selected)
    ) -> ResultQuery<(repeat (each Selected).Value)> {
        var draft = self
        let columns = draft.inScope { columns(Scope._columns($0)) }
        var outputs: [_QueryOutput] = []
        for column in repeat each columns { outputs.append(column._output) }
        draft.output = outputs.map(\.column)
        let list = outputs
        return ResultQuery(draft) { image in
            var reader = _ResultReader(image)
            var position = -1
            return (repeat (each Selected)._next(list[advance(&position)], &reader))
        }
    }
}

private func advance(_ position: inout Int) -> Int {
    position += 1
    return position
}
