public import SpacetimeHost
public import SpacetimeKit
public import SpacetimeSATS

/// A database for unit tests: the real engine in memory, a clock that stands still, and a fixed seed.
///
/// ```swift
/// let test = try TestDatabase(Chat.self)
/// let alice = try test.connect(as: "alice")
/// let lobby = try alice.subscribe(Message.where { $0.room == "lobby" })
/// try alice.call(Chat.send, "lobby", "hello")
/// #expect(lobby.rows.map(\.text) == ["hello"])
/// ```
///
/// There is no disk, no port and no waiting: when a call returns, its changes are in every ``LiveRows``. Two runs with
/// the same seed and the same calls give the same rows, ids and random numbers. Opening one costs some tens of
/// microseconds.
public final class TestDatabase<Definition: ModuleDefinition>: Sendable {
    /// The database under test, with everything that its public interface offers.
    public let database: Database<Definition>
    /// The time that reducers see. It moves only when told to, and makes the scheduled calls on the way.
    public let clock: VirtualClock

    /// Opens a database with the module's tables and runs its `.initialize` reducer.
    ///
    /// - Parameters:
    ///   - module: the module under test.
    ///   - seed: what everything random in the database follows from.
    ///   - start: the first time on the clock.
    ///   - http: answers the requests of procedures, as a ``StubHTTP``.
    /// - Throws: what `Database.open(_:module:options:)` throws.
    public init(
        _ module: Definition.Type, seed: UInt64 = 0, start: Timestamp = .testStart, http: (any HTTPExecutor)? = nil
    ) throws {
        clock = VirtualClock(start: start)
        database = try Database.open(
            .inMemory, module: module, options: Self.options(seed: seed, clock: clock, http: http))
    }

    private init(opened database: Database<Definition>, clock: VirtualClock) {
        self.database = database
        self.clock = clock
    }

    private static func options(
        seed: UInt64, clock: VirtualClock, http: (any HTTPExecutor)?
    ) -> DatabaseOptions {
        var options = DatabaseOptions()
        options.http = http
        options.seed = seed
        options.clock = clock
        return options
    }

    /// Connects a client. The same name gives the same identity each time, in every test.
    ///
    /// - Throws: what the module's `.clientConnected` reducer threw to refuse it.
    public func connect(as name: String) throws -> TestClient<Definition> {
        TestClient(try database.connect(as: name))
    }

    /// Connects a client with an identity of your choice.
    public func connect(_ identity: Identity) throws -> TestClient<Definition> {
        TestClient(try database.connect(identity))
    }

    /// Runs a reducer on behalf of the database's owner.
    ///
    /// - Throws: what the reducer threw.
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) throws {
        try database.call(reducer, repeat each arguments)
    }

    /// Reads tables, private ones included, in one consistent state.
    public func read<Result>(_ body: (Definition.TableHandles) throws -> Result) throws -> Result {
        try database.read(body)
    }

    /// All rows of a table, private or not, copied.
    public func rows<Row: TableRow>(of row: Row.Type) throws -> [Row] {
        try database.read { Array($0.table(row).rows) }
    }

    /// The rows of a query's result, private tables included.
    public func rows<Output>(_ query: some QueryConvertible<Output>) throws -> [Output] {
        try database.snapshot().rows(query)
    }

    /// The value of a query for one, private tables included.
    public func value<Value>(_ query: ValueQuery<Value>) throws -> Value { try database.snapshot().value(query) }
}

extension TestDatabase where Definition == DynamicModule {
    /// Opens a database with a module that was put together at run time.
    public convenience init(
        _ module: Module, seed: UInt64 = 0, start: Timestamp = .testStart, http: (any HTTPExecutor)? = nil
    ) throws {
        let clock = VirtualClock(start: start)
        self.init(
            opened: try Database.open(
                .inMemory, module: module, options: Self.options(seed: seed, clock: clock, http: http)),
            clock: clock)
    }
}

extension Timestamp {
    /// 2026-01-01T00:00:00Z, where the clock of a test stands at first.
    public static var testStart: Timestamp { Timestamp(microsecondsSinceUnixEpoch: 1_767_225_600_000_000) }
}
