public import SpacetimeHost
public import SpacetimeSATS

/// A module that is put together at run time, from row types and closures.
///
/// ```swift
/// let module = Module("chat") {
///     Table(Message.self)
///     Reducer("send") { (context: borrowing ReducerContext, room: String, text: String) in
///         try context.table(Message.self).insert(Message(id: 0, room: room, text: text))
///     }
/// }
/// let db = try Database.open(.inMemory, module: module)
/// ```
public struct Module: Sendable {
    let content: ModuleContent

    /// Puts a module together. Whether it obeys the rules is checked when a database is opened with it.
    ///
    /// - Parameters:
    ///   - name: the name of the module.
    ///   - parts: ``Table``, ``Reducer``, ``ModuleView``, ``Procedure``, ``Handler`` and ``RowRules`` values, in any order; `if`,
    ///     `else` and `for` may stand among them.
    public init(_ name: String, @ModuleBuilder _ parts: () -> [ModulePart]) {
        var tables: [TableDescription] = []
        var functions: [FunctionDescription] = []
        var rules: [RowRules] = []
        for part in parts() {
            switch part.kind {
            case .table(let table): tables.append(table)
            case .function(let function): functions.append(function)
            case .rules(let list): rules.append(list)
            }
        }
        content = rules.reduce(ModuleContent(name: name, tables: tables, functions: functions)) { $0.adding($1) }
    }
}

/// A table of a ``Module`` value, or one of several tables of a row type in ``Tables``.
public struct Table: Sendable {
    let description: TableDescription

    /// A table of rows of a type.
    ///
    /// - Parameters:
    ///   - row: the type, which has `@Table`.
    ///   - name: what the table is called, if it is not the row type's own table: one row type may have several.
    public init<Row: TableRow>(_ row: Row.Type, name: String? = nil) {
        description = TableDescription(row, name: name)
    }
}

/// A table, a function or rules of a ``Module`` value.
public struct ModulePart: Sendable {
    enum Kind {
        case table(TableDescription)
        case function(FunctionDescription)
        case rules(RowRules)
    }

    let kind: Kind
}

/// Collects the parts of a ``Module`` value.
@resultBuilder
public enum ModuleBuilder {
    /// A table.
    public static func buildExpression(_ table: Table) -> [ModulePart] { [ModulePart(kind: .table(table.description))] }

    /// A reducer.
    public static func buildExpression<each Argument: SpacetimeType>(
        _ reducer: Reducer<DynamicModule, repeat each Argument>
    ) -> [ModulePart] {
        [ModulePart(kind: .function(.reducer(reducer.description)))]
    }

    /// A procedure.
    public static func buildExpression<Result: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<DynamicModule, Result, repeat each Argument>
    ) -> [ModulePart] {
        [ModulePart(kind: .function(.procedure(procedure.description)))]
    }

    /// A view.
    public static func buildExpression<Row: TableRow>(_ view: ModuleView<DynamicModule, Row>) -> [ModulePart] {
        [ModulePart(kind: .function(.view(view.description)))]
    }

    /// A view with parameters.
    public static func buildExpression<Row: TableRow, each Argument: SpacetimeType>(
        _ view: ParameterizedModuleView<DynamicModule, Row, repeat each Argument>
    ) -> [ModulePart] {
        [ModulePart(kind: .function(.view(view.description)))]
    }

    /// Rules of row-level security.
    public static func buildExpression(_ rules: RowRules) -> [ModulePart] { [ModulePart(kind: .rules(rules))] }

    /// A handler.
    public static func buildExpression(_ handler: Handler<DynamicModule>) -> [ModulePart] {
        [ModulePart(kind: .function(.handler(handler.description)))]
    }

    /// Several parts.
    public static func buildBlock(_ parts: [ModulePart]...) -> [ModulePart] { parts.flatMap { $0 } }
    /// What stands in an `if` without `else`.
    public static func buildOptional(_ parts: [ModulePart]?) -> [ModulePart] { parts ?? [] }
    /// What stands in an `if`.
    public static func buildEither(first parts: [ModulePart]) -> [ModulePart] { parts }
    /// What stands in an `else`.
    public static func buildEither(second parts: [ModulePart]) -> [ModulePart] { parts }
    /// What stands in a loop.
    public static func buildArray(_ parts: [[ModulePart]]) -> [ModulePart] { parts.flatMap { $0 } }
}

/// Stands for the module of a database whose module is a ``Module`` value. Tables are reached by their row types:
/// `context.table(Message.self)`.
public enum DynamicModule: ModuleDefinition {
    /// Tables by their row types: `db.table(Message.self)`.
    public struct TableHandles: SpacetimeKit.TableHandles {
        public let _spacetimeTransaction: TransactionReference

        @inlinable
        public init(_spacetimeTransaction transaction: TransactionReference) {
            _spacetimeTransaction = transaction
        }
    }

    /// Empty: the content is in the value.
    public static var moduleContent: ModuleContent { ModuleContent(name: "", tables: []) }
}

/// The context of reducers in a ``Module`` value.
public typealias ReducerContext = Context<DynamicModule>
