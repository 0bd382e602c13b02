import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// What conditions compare: a column, a field inside of one, or a payload.
///
/// | | |
/// | --- | --- |
/// | `$0.room == "lobby"` | a value; `!=`, and for what has an order `<`, `<=`, `>`, `>=` |
/// | `$0.borrower == nil` | an optional; a missing value is unequal to every value and never before or behind one |
/// | `$0.sent < $0.edited` | another column of the same type, optional or not |
/// | `$0.position.x > 3` | a field of a struct that has `@SpacetimeType` |
/// | `$0.weapon.sword.damage > 3` | the payload of an enum's case: missing if the row has another case |
/// | `$0.done`, `!$0.done` | a `Bool` by itself |
/// | `$0.name.hasPrefix("a")` | the beginning of a text |
/// | `ids.contains($0.id)`, `(1...9).contains($0.level)` | many values, or a range |
///
/// Values are compared as the database orders them, which is the order of its indexes: text by its UTF-8 bytes, so that
/// é in one scalar and in two differ; enums by the places of their cases; all NaNs are equal to each other and greater than every
/// number; -0.0 equals 0.0.
public protocol ColumnExpression<Row, Value>: ResultColumn where Value: SpacetimeType {
    /// The rows whose column it is: those of a table (``TableRow``), of a join (``Joined``), or groups (``Grouped``).
    associatedtype Row
    var _place: _ColumnPlace { get }
}

/// Where in a row a condition finds a value.
public struct _ColumnPlace: Hashable, Sendable {
    /// In the rows of a join the column's number has the table in its upper bits, see ``QuerySlot``.
    let path: FieldPath
    /// True if the path leads to what an optional wraps instead of to a stored optional.
    let isUnwrapped: Bool

    /// The place of what an optional wraps.
    var unwrapped: FieldPath { isUnwrapped ? path : FieldPath(path.column, path.steps + [.payload(0)]) }
}

/// A column in a condition: `$0.room` in `Message.where { $0.room == "lobby" }`. See ``ColumnExpression``.
///
/// The fields of a struct are columns themselves: `$0.position.x`.
@dynamicMemberLookup
public struct Column<Row, Value: SpacetimeType>: ColumnExpression {
    @usableFromInline let _position: Int
    @usableFromInline let _fields: [Int]?

    /// The column at a place of the row. For generated code.
    @inlinable
    public init(_ position: Int) {
        _position = position
        _fields = nil
    }

    init(_ position: Int, fields: [Int]) {
        _position = position
        _fields = fields
    }

    public var _place: _ColumnPlace {
        _ColumnPlace(
            path: FieldPath(ColumnID(_position), (_fields ?? []).map(FieldPath.Step.field)), isUnwrapped: false)
    }
}

extension Column where Value: FieldedType {
    /// A field of a struct.
    public subscript<Field>(dynamicMember path: KeyPath<Value._SpacetimeFields, _Field<Field>>) -> Column<Row, Field> {
        Column<Row, Field>(_position, fields: (_fields ?? []) + [Value._fields[keyPath: path].position])
    }

    /// The payload of an enum's case; nil for rows with another case.
    public subscript<Payload>(
        dynamicMember path: KeyPath<Value._SpacetimeFields, _Payload<Payload>>
    ) -> OptionalColumn<Row, Payload> {
        OptionalColumn(_place.path, .payload(Value._fields[keyPath: path].tag))
    }

    /// The payloads of an enum's case; nil for rows with another case.
    public subscript<Fields>(
        dynamicMember path: KeyPath<Value._SpacetimeFields, _Payloads<Fields>>
    ) -> PayloadColumns<Row, Fields> {
        let payloads = Value._fields[keyPath: path]
        return PayloadColumns(_place.path, payloads)
    }
}

extension Column where Value: _OptionalColumnValue, Value._Wrapped: FieldedType {
    /// A field of an optional struct; nil where the struct is.
    public subscript<Field>(
        dynamicMember path: KeyPath<Value._Wrapped._SpacetimeFields, _Field<Field>>
    ) -> OptionalColumn<Row, Field> {
        OptionalColumn(_place.unwrapped, .field(Value._Wrapped._fields[keyPath: path].position))
    }

    /// An optional field of an optional struct.
    public subscript<Field>(
        dynamicMember path: KeyPath<Value._Wrapped._SpacetimeFields, _Field<Field?>>
    ) -> OptionalColumn<Row, Field> {
        OptionalColumn(_place.unwrapped, .field(Value._Wrapped._fields[keyPath: path].position), .payload(0))
    }

    /// The payload of the case of an optional enum.
    public subscript<Payload>(
        dynamicMember path: KeyPath<Value._Wrapped._SpacetimeFields, _Payload<Payload>>
    ) -> OptionalColumn<Row, Payload> {
        OptionalColumn(_place.unwrapped, .payload(Value._Wrapped._fields[keyPath: path].tag))
    }

    /// The payloads of the case of an optional enum.
    public subscript<Fields>(
        dynamicMember path: KeyPath<Value._Wrapped._SpacetimeFields, _Payloads<Fields>>
    ) -> PayloadColumns<Row, Fields> {
        PayloadColumns(_place.unwrapped, Value._Wrapped._fields[keyPath: path])
    }
}

/// What some rows have: the payload of an enum's case, or something inside of an optional. In a condition it is nil for
/// the others. See ``ColumnExpression``.
@dynamicMemberLookup
public struct OptionalColumn<Row, Wrapped: SpacetimeType>: ColumnExpression {
    /// Nil for the rows that do not have it.
    public typealias Value = Wrapped?

    private let path: FieldPath

    init(_ path: FieldPath, _ steps: FieldPath.Step...) {
        self.path = FieldPath(path.column, path.steps + steps)
    }

    public var _place: _ColumnPlace { _ColumnPlace(path: path, isUnwrapped: true) }
}

extension OptionalColumn where Wrapped: FieldedType {
    /// A field of the struct.
    public subscript<Field>(
        dynamicMember field: KeyPath<Wrapped._SpacetimeFields, _Field<Field>>
    ) -> OptionalColumn<Row, Field> {
        OptionalColumn<Row, Field>(path, .field(Wrapped._fields[keyPath: field].position))
    }

    /// An optional field of the struct.
    public subscript<Field>(
        dynamicMember field: KeyPath<Wrapped._SpacetimeFields, _Field<Field?>>
    ) -> OptionalColumn<Row, Field> {
        OptionalColumn<Row, Field>(path, .field(Wrapped._fields[keyPath: field].position), .payload(0))
    }

    /// The payload of the enum's case.
    public subscript<Payload>(
        dynamicMember payload: KeyPath<Wrapped._SpacetimeFields, _Payload<Payload>>
    ) -> OptionalColumn<Row, Payload> {
        OptionalColumn<Row, Payload>(path, .payload(Wrapped._fields[keyPath: payload].tag))
    }

    /// The payloads of the enum's case.
    public subscript<Fields>(
        dynamicMember payloads: KeyPath<Wrapped._SpacetimeFields, _Payloads<Fields>>
    ) -> PayloadColumns<Row, Fields> {
        PayloadColumns(path, Wrapped._fields[keyPath: payloads])
    }
}

/// The payloads of an enum's case with several, or with labels: `$0.weapon.bow.arrows > 3`, and `$0.weapon.bow != nil`
/// for the rows that have the case. Payloads without a label are called `value0`, `value1` and so on.
@dynamicMemberLookup
public struct PayloadColumns<Row, Fields: Sendable>: Sendable {
    private let path: FieldPath
    private let payloads: _Payloads<Fields>

    init(_ path: FieldPath, _ payloads: _Payloads<Fields>) {
        self.path = FieldPath(path.column, path.steps + [.payload(payloads.tag)])
        self.payloads = payloads
    }

    /// One of the payloads; nil for rows with another case.
    public subscript<Field>(dynamicMember field: KeyPath<Fields, _Field<Field>>) -> OptionalColumn<Row, Field> {
        OptionalColumn(path, .field(payloads.fields[keyPath: field].position))
    }

    /// An optional payload; nil for rows with another case, too.
    public subscript<Field>(dynamicMember field: KeyPath<Fields, _Field<Field?>>) -> OptionalColumn<Row, Field> {
        OptionalColumn(path, .field(payloads.fields[keyPath: field].position), .payload(0))
    }

    /// The rows with another case.
    public static func == (payloads: PayloadColumns, _: _OptionalNilComparisonType) -> Condition<Row> {
        Condition(.not(RowPredicate(.isPresent(payloads.path))))
    }

    /// The rows with this case.
    public static func != (payloads: PayloadColumns, _: _OptionalNilComparisonType) -> Condition<Row> {
        Condition(RowPredicate(.isPresent(payloads.path)))
    }
}
