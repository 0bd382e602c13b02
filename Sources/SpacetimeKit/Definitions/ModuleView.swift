public import SpacetimeHost
public import SpacetimeSATS

/// Rows that a module makes out of its tables for clients to look at, as a value: what `@View` makes of a static function, and
/// what is subscribed to.
///
/// In a module built at run time it is made from a closure, whose context says whether the rows depend on who looks:
///
/// ```swift
/// ModuleView("all_scores") { (context: borrowing AnonymousViewContext<DynamicModule>) in
///     Array(context.table(Score.self).rows)
/// }
/// ```
///
/// See <doc:UsingViews>.
public struct ModuleView<Definition: ModuleDefinition, Row: TableRow>: Sendable {
    /// The name by which clients know it.
    public let name: StaticString
    private let isAnonymous: Bool
    private let isQuery: Bool
    private let run: @Sendable (TransactionReference) throws -> _ViewOutput

    /// Makes a view whose rows depend on who looks: it is called for each identity.
    ///
    /// - Parameters:
    ///   - name: the name by which clients know it. No table and no other function may have the same.
    ///   - body: reads, and returns rows or a query for them; see ``View(name:)``.
    @inlinable
    public init<Result: ViewResult<Row>>(
        _ name: StaticString, _ body: @escaping @Sendable (borrowing ViewContext<Definition>) throws -> Result
    ) {
        self.init(name, isAnonymous: false, isQuery: Result._isQuery) { transaction in
            var output = _ViewOutput()
            try body(ViewContext(transaction))._write(to: &output)
            return output
        }
    }

    /// Makes a view that is the same for all: it is called once.
    @inlinable
    public init<Result: ViewResult<Row>>(
        _ name: StaticString, _ body: @escaping @Sendable (borrowing AnonymousViewContext<Definition>) throws -> Result
    ) {
        self.init(name, isAnonymous: true, isQuery: Result._isQuery) { transaction in
            var output = _ViewOutput()
            try body(AnonymousViewContext(transaction))._write(to: &output)
            return output
        }
    }

    @usableFromInline
    init(
        _ name: StaticString, isAnonymous: Bool, isQuery: Bool,
        run: @escaping @Sendable (TransactionReference) throws -> _ViewOutput
    ) {
        self.name = name
        self.isAnonymous = isAnonymous
        self.isQuery = isQuery
        self.run = run
    }

    var description: ViewDescription {
        let run = run
        return ViewDescription(
            Row.self, name: name, isAnonymous: isAnonymous, isQuery: isQuery, parameterNames: [],
            parameterTypes: { _ in [] }
        ) { transaction, bytes in
            try ArgumentBytes.requireEnd(bytes, at: 0)
            return try run(transaction)
        }
    }

    /// A query for the rows, to be narrowed: `db.subscribe(League.own().where { $0.points > 10 })`.
    public func callAsFunction() -> Query<Row> { Query(_QueryDraft(Row.self, of: ViewCall(name: "\(name)"))) }
}

extension ModuleView: QueryConvertible {
    public typealias Output = Row
    public var _draft: _QueryDraft { callAsFunction()._draft }
    public var _decode: @Sendable (UnsafeRawBufferPointer) -> Row { callAsFunction()._decode }
}

/// A view that is called with arguments: the rows are those of one call. What `@View` makes of a static function with parameters.
///
/// ```swift
/// let good = try ada.subscribe(League.above(50))
/// ```
public struct ParameterizedModuleView<Definition: ModuleDefinition, Row: TableRow, each Argument: SpacetimeType>:
    Sendable
{
    /// The name by which clients know it.
    public let name: StaticString
    private let parameters: @Sendable () -> [String]
    private let isAnonymous: Bool
    private let isQuery: Bool
    private let run: @Sendable (TransactionReference, repeat each Argument) throws -> _ViewOutput

    /// Makes a view whose rows depend on who looks.
    ///
    /// - Parameters:
    ///   - name: the name by which clients know it. No table and no other function may have the same.
    ///   - parameters: the names of the arguments for clients; any that are missing are called `arg0`, `arg1` and so on.
    ///   - body: reads, and returns rows or a query for them; see ``View(name:)``.
    @inlinable
    public init<Result: ViewResult<Row>>(
        _ name: StaticString, parameters: @autoclosure @escaping @Sendable () -> [String] = [],
        _ body: @escaping @Sendable (borrowing ViewContext<Definition>, repeat each Argument) throws -> Result
    ) {
        self.init(name, parameters, isAnonymous: false, isQuery: Result._isQuery) {
            (transaction: TransactionReference, arguments: repeat each Argument) in
            var output = _ViewOutput()
            try body(ViewContext(transaction), repeat each arguments)._write(to: &output)
            return output
        }
    }

    /// Makes a view that is the same for all who call it with the same arguments.
    @inlinable
    public init<Result: ViewResult<Row>>(
        _ name: StaticString, parameters: @autoclosure @escaping @Sendable () -> [String] = [],
        _ body: @escaping @Sendable (borrowing AnonymousViewContext<Definition>, repeat each Argument) throws -> Result
    ) {
        self.init(name, parameters, isAnonymous: true, isQuery: Result._isQuery) {
            (transaction: TransactionReference, arguments: repeat each Argument) in
            var output = _ViewOutput()
            try body(AnonymousViewContext(transaction), repeat each arguments)._write(to: &output)
            return output
        }
    }

    @usableFromInline
    init(
        _ name: StaticString, _ parameters: @escaping @Sendable () -> [String], isAnonymous: Bool, isQuery: Bool,
        run: @escaping @Sendable (TransactionReference, repeat each Argument) throws -> _ViewOutput
    ) {
        self.name = name
        self.parameters = parameters
        self.isAnonymous = isAnonymous
        self.isQuery = isQuery
        self.run = run
    }

    var description: ViewDescription {
        let run = run
        var count = 0
        repeat count += ArgumentBytes.one((each Argument).self)
        return ViewDescription(
            Row.self, name: name, isAnonymous: isAnonymous, isQuery: isQuery,
            parameterNames: ArgumentBytes.names(parameters(), count: count),
            parameterTypes: { types in
                var list: [AlgebraicType] = []
                repeat list.append((each Argument).algebraicType(in: &types))
                return list
            }
        ) { transaction, bytes in
            var position = 0
            let arguments = (repeat try ArgumentBytes.decode((each Argument).self, bytes, &position))
            try ArgumentBytes.requireEnd(bytes, at: position)
            return try run(transaction, repeat each arguments)
        }
    }

    /// A query for the rows of one call.
    public func callAsFunction(_ arguments: repeat each Argument) -> Query<Row> {
        var call = ViewCall(name: "\(name)")
        repeat call.add(each arguments)
        return Query(_QueryDraft(Row.self, of: call))
    }
}

/// A view and what it is called with.
struct ViewCall: Hashable, Sendable {
    let name: String
    /// In BSATN.
    private(set) var arguments: [[UInt8]] = []
    /// Of the arguments, without references.
    private(set) var types: [AlgebraicType] = []

    init(name: String) { self.name = name }

    mutating func add<Argument: SpacetimeType>(_ argument: Argument) {
        arguments.append(argument.bsatn())
        var builder = TypespaceBuilder()
        let type = Argument.algebraicType(in: &builder)
        // One that contains itself has no literal either way.
        types.append((try? builder.typespace.resolved(type)) ?? type)
    }
}

/// Everything about a view that the database needs to call it.
struct ViewDescription: Sendable {
    let name: String
    let isAnonymous: Bool
    let isQuery: Bool
    /// The name of the rows' primary key; nil if they have none, or one of several columns.
    let primaryKey: String?
    let rowType: @Sendable (inout TypespaceBuilder) -> AlgebraicType
    let parameterNames: [String]
    let parameterTypes: @Sendable (inout TypespaceBuilder) -> [AlgebraicType]
    let run: @Sendable (TransactionReference, UnsafeRawBufferPointer) throws -> _ViewOutput

    init<Row: TableRow>(
        _ row: Row.Type, name: StaticString, isAnonymous: Bool, isQuery: Bool, parameterNames: [String],
        parameterTypes: @escaping @Sendable (inout TypespaceBuilder) -> [AlgebraicType],
        run: @escaping @Sendable (TransactionReference, UnsafeRawBufferPointer) throws -> _ViewOutput
    ) {
        self.name = name.description
        self.isAnonymous = isAnonymous
        self.isQuery = isQuery
        let table = Row.tableDefinition
        primaryKey = table.primaryKey.count == 1 ? table.columns[table.primaryKey[0]].name : nil
        rowType = { Row.algebraicType(in: &$0) }
        self.parameterNames = parameterNames
        self.parameterTypes = parameterTypes
        self.run = run
    }
}
