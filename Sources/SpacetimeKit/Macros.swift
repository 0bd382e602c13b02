/// Makes a struct into the row of a table.
///
/// Each stored property is a column, in the order written; computed and static properties are not stored. A property
/// needs a written type, and the type must conform to ``SpacetimeType``.
///
/// ```swift
/// @Table(.public, .index("byRoomSent", \.room, \.sent))
/// struct Message {
///     @PrimaryKey @AutoIncrement var id: UInt64
///     var sender: Identity
///     @Indexed var room: String
///     var sent: Timestamp
///     var text: String
/// }
/// ```
///
/// The struct gets a nested `Columns` type for predicates (`Message.where { $0.room == "lobby" }`) and a nested
/// `Handle`, which is what `context.db.message` returns: `context.db.message.id` is the unique index over `id`.
///
/// If the struct and its properties are `public`, or `package`, it gets a memberwise initialiser that is so, too, with the
/// default values that Swift's own would have, unless one is written that takes the same.
///
/// The struct belongs to no actor, also where the default isolation is the main actor.
///
/// - Parameters:
///   - options: who may see the table, whether it keeps its rows, and indexes over several columns.
///   - name: the table's name for clients, a string literal; by default the name of the struct.
@attached(
    member,
    names: named(tableDefinition), named(algebraicType), named(bsatnFixedSize), named(encode), named(init),
    named(_spacetimeInitial), named(Columns), named(Handle), named(PrimaryKey), named(_spacetimePrimaryKeyIndex),
    named(_spacetimeHasGeneratedColumns))
@attached(extension, conformances: TableRow, KeyedTableRow, names: named(init))
public macro Table(_ options: TableOption..., name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "TableMacro")

/// Makes a struct or an enum into a value that columns, fields and arguments can have.
///
/// ```swift
/// @SpacetimeType struct Position { var x: Float; var y: Float }
/// @SpacetimeType enum Shape { case circle(Double), square(w: UInt16, h: UInt16), point }
/// ```
///
/// A case with several values, or with labels, is seen by clients as a type of its own, named after enum and case.
/// Values without a label are named `value0`, `value1` and so on there.
///
/// A struct gets a memberwise initialiser as with ``Table(_:name:)``.
///
/// - Parameter name: the type's name for clients, a string literal; by default the name of the declaration.
@attached(
    member,
    names: named(algebraicType), named(bsatnFixedSize), named(encode), named(init), named(_spacetimeInitial),
    named(_SpacetimePayloads), named(_SpacetimeFields))
@attached(extension, conformances: SpacetimeType, FieldedType, names: named(init), named(_spacetimePayloads))
public macro SpacetimeType(name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "SpacetimeTypeMacro")

/// Makes an enum into a module: the tables and reducers of one database.
///
/// ```swift
/// @Module enum Chat {
///     static let tables = Tables(Message.self, User.self)
///
///     @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
///         guard !text.isEmpty else { throw SenderError("a message needs text") }
///         try context.db.message.insert(
///             Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
///     }
/// }
/// ```
///
/// `Context` is the context of this module's reducers; its `db` has one property per listed table, named after the
/// struct with a small first letter. Reducers must stand in the body of the enum, not in an extension, or in the enums that
/// it lists as ``Reducers``; those inside `#if` are there in the builds in which the condition holds. Tables are the same in
/// every build.
///
/// The enum and its reducers belong to no actor, also where the default isolation is the main actor. Functions outside of
/// it that reducers call need `nonisolated` there.
///
/// - Parameter name: the module's name, a string literal; by default the name of the enum.
@attached(
    member, names: named(Context), named(ProcedureContext), named(ViewContext), named(AnonymousViewContext),
    named(TableHandles), named(moduleContent), named(_spacetimeLists))
@attached(extension, conformances: ModuleDefinition)
public macro Module(name: String? = nil) = #externalMacro(module: "SpacetimeKitMacros", type: "ModuleMacro")

/// Makes an enum into a group of reducers of a module that is declared elsewhere, in another file for instance.
///
/// ```swift
/// @Module enum Game {
///     static let tables = Tables(Player.self, Monster.self)
///     static let reducers = Reducers(Combat.self)
/// }
///
/// @Reducers(of: Game.self) enum Combat {
///     @Reducer static func attack(_ context: borrowing Context, monster: UInt64) throws {
///         try context.db.monster.id.delete(monster)
///     }
/// }
/// ```
///
/// ```swift
/// try db.call(Combat.attack, 7)
/// ```
///
/// The module must list the group, or the group does not compile. To clients there are no groups: a reducer has the name of
/// its function, which must differ from that of all others in the module. See <doc:SplittingAModule>.
///
/// - Parameter module: the module that the reducers belong to, as its type.
@attached(
    member, names: named(Context), named(ProcedureContext), named(ViewContext), named(AnonymousViewContext),
    named(_spacetimeFunctions))
@attached(extension, conformances: ReducerGroup)
public macro Reducers<Definition: ModuleDefinition>(of module: Definition.Type) =
    #externalMacro(module: "SpacetimeKitMacros", type: "ReducersMacro")

/// Makes a static function of a ``Module(name:)``, or of a group of ``Reducers(of:)``, into a reducer, which clients call by
/// name and which runs as one transaction: if the call throws, nothing has happened.
///
/// Called as a plain function by another reducer it is part of that one's transaction. Who catches its error there keeps
/// what it wrote, unless the call stands in a ``Context/savepoint(_:)``.
///
/// The first parameter is `_ context: borrowing Context`; the others are the arguments, each of a type that conforms to
/// ``SpacetimeType``. A reducer returns nothing and cannot suspend. `Chat.send` is then also a value, as in
/// `try await db.call(Chat.send, "lobby", "hello")`.
///
/// A `private` or `fileprivate` function is no part of what clients can call: the owner of the database may, by name, and
/// the module itself. `@Reducer(.private)` says the same of a function that other files use. `@Reducer(.scheduled)` and the
/// other cases of ``ReducerLifecycle`` are called by the database.
///
/// - Parameter name: the reducer's name for clients, a string literal; by default the name of the function.
// Several macros instead of one with optional parameters: over `.init` for an optional the compiler fails without saying
// why.
@attached(peer, names: overloaded)
public macro Reducer(name: String? = nil) = #externalMacro(module: "SpacetimeKitMacros", type: "ReducerMacro")

/// Makes a static function of a ``Module(name:)`` into a reducer that the database calls itself; see ``Reducer(name:)``.
///
/// - Parameters:
///   - lifecycle: the event at which it is called; such a reducer takes only the context, and a `.scheduled` one the row
///     that is due.
///   - name: the reducer's name, a string literal; by default the name of the function.
@attached(peer, names: overloaded)
public macro Reducer(_ lifecycle: ReducerLifecycle, name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "ReducerMacro")

/// Makes a static function of a ``Module(name:)`` into a reducer, and says who may call it; see ``Reducer(name:)``.
///
/// ```swift
/// @Reducer(.private) static func settle(_ context: borrowing Context, day: UInt32) throws {
///     try context.db.score.delete { $0.day == day }
/// }
/// ```
///
/// To clients a private reducer does not exist: whichever way they call it, the error is that of an unknown name. The
/// owner of the database may call it, as `db.call` does, and other reducers, as the function that it is.
///
/// - Parameters:
///   - access: who may call the reducer. A `private` or `fileprivate` function is private in any case.
///   - name: the reducer's name for callers, a string literal; by default the name of the function.
@attached(peer, names: overloaded)
public macro Reducer(_ access: ReducerAccess, name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "ReducerMacro")

/// Makes a static function of a ``Module(name:)`` into a reducer that no client may call more often than this; see
/// ``Reducer(name:)``.
///
/// ```swift
/// @Reducer(rate: .perSecond(2, burst: 10)) static func suggest(_ context: borrowing Context, title: String) throws {
///     try context.db.book.insert(Book(id: 0, title: title, shelf: "wishes", borrower: nil))
/// }
/// ```
///
/// A server counts the calls of each identity, whether they come over WebSocket connections, of which it may have several,
/// or over HTTP. A call too many is not run, and its caller is told how long to wait. HTTP requests without a token have no
/// identity of their own; all of those from one address count together. The owner of the database is not held to it, nor is
/// whoever the server's options trust; and calls that the program itself makes are not counted.
///
/// - Parameters:
///   - rate: how often a client may call it.
///   - name: the reducer's name for clients, a string literal; by default the name of the function.
@attached(peer, names: overloaded)
public macro Reducer(rate: RateLimit, name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "ReducerMacro")

/// Makes a static function of a ``Module(name:)``, or of a group of ``Reducers(of:)``, into a procedure, which clients
/// call by name: it runs outside of transactions, may wait, and returns a value to its caller.
///
/// ```swift
/// @Procedure static func roll(_ context: ProcedureContext, sides: UInt32) async throws -> UInt32 {
///     let result = UInt32.random(in: 1...sides, using: &context.random)
///     try await context.withTransaction { try $0.db.roll.insert(Roll(id: 0, who: $0.sender, result: result)) }
///     return result
/// }
/// ```
///
/// The first parameter is `_ context: ProcedureContext`; the others are the arguments, and they and the result are of
/// types that conform to ``SpacetimeType``. `Game.roll` is then also a value, as in `try await db.call(Game.roll, 6)`.
/// See <doc:Procedures>.
///
/// A `private` or `fileprivate` function is private, as `@Procedure(.private)` is.
///
/// - Parameters:
///   - options: `.durable` for a call that outlives a crash, `.scheduled` for what a row's time calls, `.private`.
///   - name: the procedure's name for callers, a string literal; by default the name of the function.
@attached(peer, names: overloaded)
public macro Procedure(_ options: ProcedureOption..., name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "ProcedureMacro")

/// Makes a static function of a ``Module(name:)``, or of a group of ``Reducers(of:)``, into a view: rows for clients to look at,
/// which are watched like those of a table and kept up to date.
///
/// ```swift
/// @View static func best(_ context: borrowing AnonymousViewContext) -> QueryWindow<Score> {
///     Score.all.orderBy { $0.points.descending }.limit(10)
/// }
/// @View static func own(_ context: borrowing ViewContext) -> Score? {
///     context.db.score.player.find(context.sender)
/// }
/// @View static func above(_ context: borrowing AnonymousViewContext, points: UInt32) -> Query<Score> {
///     Score.where { $0.points > points }
/// }
/// ```
///
/// The first parameter says who the rows are for: with `_ context: borrowing AnonymousViewContext` all see the same, and the view is
/// called once; with `_ context: borrowing ViewContext` it is called for each identity that looks, which is `context.sender`. The other
/// parameters are arguments of types that conform to ``SpacetimeType``, without floating-point numbers; each list of arguments has
/// rows of its own.
///
/// It returns rows, `[Score]` or `Score?`, or a query for rows: ``Query``, ``QueryWindow``, ``RowQuery``. The row type has
/// `@Table`, whether the module lists its table or not; if it has a primary key of one column, so has the view. A view only reads,
/// private tables too.
///
/// `League.own` is then also a value, as in `db.subscribe(League.own)`, and `League.above(10)` is what is subscribed to of a view
/// with parameters. In SQL it is named like a table: `SELECT * FROM own`, `SELECT * FROM above(10)`. See <doc:UsingViews>.
///
/// - Parameter name: the view's name for clients, a string literal; by default the name of the function. No table may have the same.
@attached(peer, names: overloaded)
public macro View(name: String? = nil) = #externalMacro(module: "SpacetimeKitMacros", type: "ViewMacro")

/// Makes a static function of a ``Module(name:)``, or of a group of ``Reducers(of:)``, into the handler of HTTP
/// requests for one path.
///
/// ```swift
/// @Handler(.get, "/score") static func score(
///     _ context: ProcedureContext, _ request: HTTP.Request
/// ) async throws -> HTTP.Response {
///     let count = try await context.withTransaction { $0.db.roll.count }
///     return HTTP.Response(text: "\(count) rolls")
/// }
/// ```
///
/// It has no sender, and nobody has checked who sent the request: whatever stands in its headers is for the handler to
/// judge. Requests come from ``Database/handle(_:path:)``, which a server calls.
///
/// - Parameters:
///   - method: which requests it answers.
///   - path: as it stands in the URL, a string literal: compared byte by byte, without parameters. It consists of
///     `a`-`z`, `0`-`9`, `-`, `_`, `~` and `/`, and begins with `/` or is empty. Two handlers for the same path and
///     method are refused when a database is opened.
///   - name: what tells it from other functions, a string literal; by default the name of the function.
@attached(peer, names: overloaded)
public macro Handler(_ method: HandlerMethod, _ path: String, name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "HandlerMacro")

/// Marks the column that identifies a row, for clients too: an update is a change of the row with the same key.
///
/// The column is unique and has a hash index, unless `@Indexed` on the same column asks for another one.
///
/// - Parameter name: what the database calls the index, a string literal; by default a name made of table and column.
@attached(peer)
public macro PrimaryKey(name: String? = nil) = #externalMacro(module: "SpacetimeKitMacros", type: "PrimaryKeyMacro")

/// Marks a column in which no two rows have the same value. In an optional column any number of rows may have `nil`.
///
/// The column has a hash index, unless `@Indexed` on the same column asks for another one.
///
/// - Parameter name: what the database calls the index, a string literal; by default a name made of table and column.
@attached(peer)
public macro Unique(name: String? = nil) = #externalMacro(module: "SpacetimeKitMacros", type: "UniqueMacro")

/// Marks an integer column whose zero is replaced by the next number of a sequence when a row is inserted: 1, 2, 3 and on.
///
/// A row that brings a number of its own keeps it, and the sequence goes on behind the largest. Numbers are not given out
/// twice, not even after an error, so there may be gaps; when the column can hold no further one, inserting throws
/// ``DatabaseError/Code/limitReached``. Only a number that nothing but failed calls have drawn since the last commit may
/// come again after a restart.
@attached(peer)
public macro AutoIncrement() = #externalMacro(module: "SpacetimeKitMacros", type: "AutoIncrementMacro")

/// Gives a column an index.
///
/// - Parameters:
///   - algorithm: what the index can do and cost; by default one that also finds ranges.
///   - name: what the database calls the index, a string literal; by default a name made of table and column.
@attached(peer)
public macro Indexed(_ algorithm: IndexAlgorithm = .btree, name: String? = nil) =
    #externalMacro(module: "SpacetimeKitMacros", type: "IndexedMacro")

@available(*, unavailable, renamed: "Indexed")
@attached(peer)
public macro Index(_ algorithm: IndexAlgorithm = .btree) =
    #externalMacro(module: "SpacetimeKitMacros", type: "IndexedMacro")

/// The value that existing rows get when this column is added to a table that has rows already.
///
/// Not for columns that are a key, unique or auto-incremented. A value that could be of several types needs to say
/// which one it is: `@Default(Color.red)`, `@Default(["a"] as [String])`. `@Default(nil)` and `@Default([])` need not.
@attached(peer)
public macro Default<Value>(_ value: Value) = #externalMacro(module: "SpacetimeKitMacros", type: "DefaultMacro")

/// The value of existing rows for an optional column or an array: `@Default(nil)`, `@Default([])`.
@attached(peer)
public macro Default(_ value: EmptyLiteral) = #externalMacro(module: "SpacetimeKitMacros", type: "DefaultMacro")

/// What `nil` and `[]` are to `@Default`, which reads them from the source.
public struct EmptyLiteral: ExpressibleByNilLiteral, ExpressibleByArrayLiteral {
    public init(nilLiteral: ()) {}
    public init(arrayLiteral elements: Never...) {}
}

/// An argument of ``Table(_:name:)``.
///
/// The macro reads the options from the source; at run time they carry nothing.
public struct TableOption: Sendable {
    /// Every client may read the table.
    public static var `public`: TableOption { TableOption() }

    /// Only reducers may read the table. This is the default.
    public static var `private`: TableOption { TableOption() }

    /// Rows are sent to subscribers when the transaction commits and are not kept.
    public static var event: TableOption { TableOption() }

    /// Columns of type ``ScheduleAt`` are values like any other: nothing is called when a row is due. Without this option a
    /// table with such a column needs a reducer that is `.scheduled` and takes its rows.
    public static var unscheduled: TableOption { TableOption() }

    /// An ordered index over several columns, for look-ups by all of them, or by the first ones and a range of the next.
    ///
    /// - Parameters:
    ///   - property: the property of the table's handle, a string literal: `context.db.message.byRoomSent`.
    ///   - columns: the columns in order, as `\.room, \.sent`.
    ///   - name: what the database calls the index, a string literal; by default a name made of table and columns.
    public static func index(
        _ property: String, _ columns: KeyPath<ColumnNames, ColumnName>..., name: String? = nil
    ) -> TableOption { TableOption() }

    /// Several columns in which no two rows have the same values, and an index over them.
    ///
    /// - Parameters:
    ///   - property: the property of the table's handle, a string literal.
    ///   - columns: the columns in order, as `\.room, \.name`.
    ///   - name: what the database calls the index, a string literal; by default a name made of table and columns.
    public static func unique(
        _ property: String, _ columns: KeyPath<ColumnNames, ColumnName>..., name: String? = nil
    ) -> TableOption { TableOption() }

    @available(*, unavailable, message: "name the index first, as in .index(\"byRoomSent\", \\.room, \\.sent)")
    public static func index(_ columns: KeyPath<ColumnNames, ColumnName>...) -> TableOption { TableOption() }

    @available(*, unavailable, message: "name the index first, as in .unique(\"onePerRoom\", \\.room, \\.name)")
    public static func unique(_ columns: KeyPath<ColumnNames, ColumnName>...) -> TableOption { TableOption() }

    /// A primary key of several columns. The table's handle has it as `primaryKey`.
    ///
    /// - Parameters:
    ///   - columns: the columns in order, as `\.room, \.user`.
    ///   - name: what the database calls the index, a string literal; by default a name made of table and columns.
    public static func primaryKey(
        _ columns: KeyPath<ColumnNames, ColumnName>..., name: String? = nil
    ) -> TableOption { TableOption() }

    /// Stands for the columns of the table: any name is accepted here, and checked by ``Table(_:name:)``.
    ///
    /// The struct's own key paths cannot be used in its own attribute, because its members are not known by then.
    @dynamicMemberLookup
    public struct ColumnNames: Sendable {
        /// The column called `name`.
        public subscript(dynamicMember name: String) -> ColumnName { ColumnName() }
    }

    /// Stands for one column of the table.
    public struct ColumnName: Sendable {}
}

/// What an index can do, and what that costs.
public enum IndexAlgorithm: Hashable, Sendable {
    /// Ordered: finds values, ranges and, over several columns, prefixes. O(log n).
    case btree
    /// Finds exact values only. O(1).
    case hash
    /// An array addressed by the value, for unsigned integers up to 64 bits and plain enums whose values are small and
    /// dense. O(1), with the least work of all; memory grows with the largest value.
    case direct
}

/// Who may call a reducer.
public enum ReducerAccess: Hashable, Sendable {
    /// Every client.
    case `public`
    /// The owner of the database, and the module itself. To clients there is no such reducer.
    case `private`
}

/// An event at which the engine calls a reducer by itself.
public enum ReducerLifecycle: Hashable, Sendable {
    /// The database was created. If the reducer throws, it is not.
    case initialize
    /// A client connected. If the reducer throws, the connection is refused.
    case clientConnected
    /// A client disconnected, in whatever way. It stays disconnected if the reducer throws.
    case clientDisconnected
    /// A row of a schedule table is due. The reducer's one argument is the row, as it is by then, and the table of the
    /// module whose rows have that type is the schedule table. It needs a primary key of type `UInt64` and one column of type
    /// ``ScheduleAt``. If the reducer throws, its changes are undone and the schedule goes on. Clients cannot call it; the
    /// owner can, with a row of his own making.
    case scheduled
    /// The reducer goes through a table: it is called for each row, one call after the other, spread over a time, and then
    /// again from the beginning. Its one argument is the row, as it is by then; the table needs a primary key of one column.
    /// See <doc:Schedules>. Clients cannot call it.
    case sliced(within: TimeDuration)

    /// Cannot be called. It is what the compiler names when it finds `@Reducer(.init)`, as SpacetimeDB spells it.
    public init(writeInitializeInstead never: Never) { switch never {} }
}
