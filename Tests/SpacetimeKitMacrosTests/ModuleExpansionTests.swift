import Testing

/// What @Module and @Reducer become, literally.
@Suite struct ModuleExpansionTests {
    @Test func proceduresAndHandlersBecomeValues() {
        expectExpansion(
            """
            @Reducers(of: Shop.self)
            public enum Orders {
                @Procedure public static func pay(_ context: ProcedureContext, order: UInt64) async throws -> String {
                }
                @Procedure(.durable, .private, name: "fulfil_all") static func fulfil(context: ProcedureContext) async {
                }
                @Reducer(.sliced(within: .hours(1))) static func age(_ context: borrowing Context, order: Order) {
                }
                @Reducer(rate: .perSecond(2, burst: limit), name: "knock") static func rap(_ context: borrowing Context) {
                }
                @Procedure private static func now(_ context: ProcedureContext) -> Timestamp {
                }
                @Handler(.post, "/pay") static func hook(_ context: ProcedureContext, request: HTTP.Request) async throws -> HTTP.Response {
                }
            }
            """,
            """

            public enum Orders {
                public static func pay(_ context: ProcedureContext, order: UInt64) async throws -> String {
                }

                public nonisolated static var pay: SpacetimeKit.Procedure<Shop, String, UInt64> {
                    .init("pay", parameters: ["order"]) {
                        (context: SpacetimeKit.ProcedureContext<Shop>, a0: UInt64) async throws -> String in
                        return try await Self.pay(context, order: a0)
                    }
                }
                static func fulfil(context: ProcedureContext) async {
                }

                nonisolated static var fulfil: SpacetimeKit.Procedure<Shop, SpacetimeKit.NoValue> {
                    .init("fulfil_all", parameters: [], .durable, .private) {
                        (context: SpacetimeKit.ProcedureContext<Shop>) async throws -> SpacetimeKit.NoValue in
                        await Self.fulfil(context: context)
                        return SpacetimeKit.NoValue()
                    }
                }
                static func age(_ context: borrowing Context, order: Order) {
                }

                nonisolated static var age: SpacetimeKit.Reducer<Shop, Order> {
                    .init("age", parameters: ["order"], lifecycle: .sliced(within: .hours(1))) {
                        (context: borrowing SpacetimeKit.Context<Shop>, a0: Order) throws in
                        Self.age(context, order: a0)
                    }
                }
                static func rap(_ context: borrowing Context) {
                }

                nonisolated static var rap: SpacetimeKit.Reducer<Shop> {
                    .init("knock", parameters: [], rate: .perSecond(2, burst: limit)) {
                        (context: borrowing SpacetimeKit.Context<Shop>) throws in
                        Self.rap(context)
                    }
                }
                private static func now(_ context: ProcedureContext) -> Timestamp {
                }

                private nonisolated static var now: SpacetimeKit.Procedure<Shop, Timestamp> {
                    .init("now", parameters: [], .private) {
                        (context: SpacetimeKit.ProcedureContext<Shop>) async throws -> Timestamp in
                        return Self.now(context)
                    }
                }
                static func hook(_ context: ProcedureContext, request: HTTP.Request) async throws -> HTTP.Response {
                }

                nonisolated static var hook: SpacetimeKit.Handler<Shop> {
                    .init("hook", .post, "/pay") {
                        (context: SpacetimeKit.ProcedureContext<Shop>, a0: SpacetimeKit.HTTP.Request) async throws -> SpacetimeKit.HTTP.Response in
                        return try await Self.hook(context, request: a0)
                    }
                }

                public typealias Context = SpacetimeKit.Context<Shop>

                public typealias ProcedureContext = SpacetimeKit.ProcedureContext<Shop>

                public typealias ViewContext = SpacetimeKit.ViewContext<Shop>

                public typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Shop>

                public nonisolated static var _spacetimeFunctions: [SpacetimeKit.AnyFunction<Shop>] {
                    Shop._spacetimeLists(Self.self)
                    return [
                        SpacetimeKit._spacetimeErased(Self.pay),
                        SpacetimeKit._spacetimeErased(Self.fulfil),
                        SpacetimeKit._spacetimeErased(Self.age),
                        SpacetimeKit._spacetimeErased(Self.rap),
                        SpacetimeKit._spacetimeErased(Self.now),
                        SpacetimeKit._spacetimeErased(Self.hook),
                    ] as [SpacetimeKit.AnyFunction<Shop>]
                }
            }

            nonisolated extension Orders: SpacetimeKit.ReducerGroup {
            }
            """)
    }

    @Test func aModuleListsTablesAndReducers() {
        expectExpansion(
            """
            @Module
            enum Chat {
                static let tables = Tables(Message.self, Outer.URLEntry.self, Class.self)

                @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
                }
                @Reducer(.initialize) static func setUp(_ context: borrowing Context) {
                }
                @Reducer(.private) static func settle(_ context: borrowing Context) {
                }
                @Reducer(name: "custom") private static func `repeat`(context: borrowing Chat.Context, _ a: UInt8, for b: [String]?) throws {
                }
                static func helper() {
                }
            }
            """,
            """

            enum Chat {
                static let tables = Tables(Message.self, Outer.URLEntry.self, Class.self)

                static func send(_ context: borrowing Context, room: String, text: String) throws {
                }

                nonisolated static var send: SpacetimeKit.Reducer<Self, String, String> {
                    .init("send", parameters: ["room", "text"]) {
                        (context: borrowing SpacetimeKit.Context<Self>, a0: String, a1: String) throws in
                        try Self.send(context, room: a0, text: a1)
                    }
                }
                static func setUp(_ context: borrowing Context) {
                }

                nonisolated static var setUp: SpacetimeKit.Reducer<Self> {
                    .init("setUp", parameters: [], lifecycle: .initialize) {
                        (context: borrowing SpacetimeKit.Context<Self>) throws in
                        Self.setUp(context)
                    }
                }
                static func settle(_ context: borrowing Context) {
                }

                nonisolated static var settle: SpacetimeKit.Reducer<Self> {
                    .init("settle", parameters: [], access: .private) {
                        (context: borrowing SpacetimeKit.Context<Self>) throws in
                        Self.settle(context)
                    }
                }
                private static func `repeat`(context: borrowing Chat.Context, _ a: UInt8, for b: [String]?) throws {
                }

                private nonisolated static var `repeat`: SpacetimeKit.Reducer<Self, UInt8, [String]?> {
                    .init("custom", parameters: ["a", "b"], access: .private) {
                        (context: borrowing SpacetimeKit.Context<Self>, a0: UInt8, a1: [String]?) throws in
                        try Self.`repeat`(context: context, a0, for: a1)
                    }
                }
                static func helper() {
                }

                typealias Context = SpacetimeKit.Context<Chat>

                typealias ProcedureContext = SpacetimeKit.ProcedureContext<Chat>

                typealias ViewContext = SpacetimeKit.ViewContext<Chat>

                typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Chat>

                nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                    let _spacetimeTransaction: SpacetimeKit.TransactionReference
                    init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                        self._spacetimeTransaction = transaction
                    }
                    var message: Message.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0))
                    }
                    var urlEntry: Outer.URLEntry.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 1))
                    }
                    var `class`: Class.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 2))
                    }
                }

                nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                    .init(
                        name: "Chat",
                        tables: Self.tables,
                        functions: [
                            SpacetimeKit._spacetimeErased(Self.send),
                            SpacetimeKit._spacetimeErased(Self.setUp),
                            SpacetimeKit._spacetimeErased(Self.settle),
                            SpacetimeKit._spacetimeErased(Self.`repeat`),
                        ] as [SpacetimeKit.AnyFunction<Self>])
                }
            }

            nonisolated extension Chat: SpacetimeKit.ModuleDefinition {
            }
            """)
    }

    @Test func aPublicModuleOverPrivateTablesHidesThem() {
        expectExpansion(
            """
            @Module(name: "shop")
            public enum Store {
                static let tables = Tables(Item.self)

                @Reducer public static func buy(_ context: borrowing Context, item: UInt32) {
                }
            }
            """,
            """

            public enum Store {
                static let tables = Tables(Item.self)

                public static func buy(_ context: borrowing Context, item: UInt32) {
                }

                public nonisolated static var buy: SpacetimeKit.Reducer<Self, UInt32> {
                    .init("buy", parameters: ["item"]) {
                        (context: borrowing SpacetimeKit.Context<Self>, a0: UInt32) throws in
                        Self.buy(context, item: a0)
                    }
                }

                public typealias Context = SpacetimeKit.Context<Store>

                public typealias ProcedureContext = SpacetimeKit.ProcedureContext<Store>

                public typealias ViewContext = SpacetimeKit.ViewContext<Store>

                public typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Store>

                public nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                    public let _spacetimeTransaction: SpacetimeKit.TransactionReference
                    public init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                        self._spacetimeTransaction = transaction
                    }
                    var item: Item.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0))
                    }
                }

                public nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                    .init(
                        name: "shop",
                        tables: Self.tables,
                        functions: [
                            SpacetimeKit._spacetimeErased(Self.buy),
                        ] as [SpacetimeKit.AnyFunction<Self>])
                }
            }

            nonisolated extension Store: SpacetimeKit.ModuleDefinition {
            }
            """)
    }

    @Test func aModuleOverPublicTablesShowsThem() {
        expectExpansion(
            """
            @Module
            public enum Store {
                public static let tables = Tables(Item.self, also: Table(Item.self, name: "sold"))
            }
            """,
            """

            public enum Store {
                public static let tables = Tables(Item.self, also: Table(Item.self, name: "sold"))

                public typealias Context = SpacetimeKit.Context<Store>

                public typealias ProcedureContext = SpacetimeKit.ProcedureContext<Store>

                public typealias ViewContext = SpacetimeKit.ViewContext<Store>

                public typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Store>

                public nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                    public let _spacetimeTransaction: SpacetimeKit.TransactionReference
                    public init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                        self._spacetimeTransaction = transaction
                    }
                    public var item: Item.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0))
                    }
                    public var sold: Item.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 1))
                    }
                }

                public nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                    .init(
                        name: "Store",
                        tables: Self.tables,
                        functions: [
                        ] as [SpacetimeKit.AnyFunction<Self>])
                }
            }

            nonisolated extension Store: SpacetimeKit.ModuleDefinition {
            }
            """)
    }

    @Test func reducersInAnIfAreListedInOne() {
        expectExpansion(
            """
            @Module
            enum Shop {
                static let tables = Tables(Item.self)

                @Reducer static func buy(_ context: borrowing Context) {
                }
                #if DEBUG
                @Reducer static func cheat(_ context: borrowing Context) {
                }
                #if TRACE && os(Linux)
                @Reducer static func trace(_ context: borrowing Context) {
                }
                #endif
                #else
                @Reducer(name: "cheat") static func complain(_ context: borrowing Context) {
                }
                #endif
                #if HELPERS
                static func help() {
                }
                #endif
            }
            """,
            """

            enum Shop {
                static let tables = Tables(Item.self)

                static func buy(_ context: borrowing Context) {
                }

                nonisolated static var buy: SpacetimeKit.Reducer<Self> {
                    .init("buy", parameters: []) {
                        (context: borrowing SpacetimeKit.Context<Self>) throws in
                        Self.buy(context)
                    }
                }
                #if DEBUG
                static func cheat(_ context: borrowing Context) {
                }
                #if TRACE && os(Linux)
                static func trace(_ context: borrowing Context) {
                }
                #endif
                #else
                static func complain(_ context: borrowing Context) {
                }
                #endif
                #if HELPERS
                static func help() {
                }
                #endif

                typealias Context = SpacetimeKit.Context<Shop>

                typealias ProcedureContext = SpacetimeKit.ProcedureContext<Shop>

                typealias ViewContext = SpacetimeKit.ViewContext<Shop>

                typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Shop>

                nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                    let _spacetimeTransaction: SpacetimeKit.TransactionReference
                    init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                        self._spacetimeTransaction = transaction
                    }
                    var item: Item.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0))
                    }
                }

                nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                    var functions = [
                        SpacetimeKit._spacetimeErased(Self.buy),
                    ] as [SpacetimeKit.AnyFunction<Self>]
                    #if DEBUG
                    functions.append(SpacetimeKit._spacetimeErased(Self.cheat))
                    #if TRACE && os(Linux)
                    functions.append(SpacetimeKit._spacetimeErased(Self.trace))
                    #endif
                    #else
                    functions.append(SpacetimeKit._spacetimeErased(Self.complain))
                    #endif
                    return .init(
                        name: "Shop",
                        tables: Self.tables,
                        functions: functions)
                }
            }

            nonisolated extension Shop: SpacetimeKit.ModuleDefinition {
            }
            """)
    }

    @Test func aModuleTakesTheReducersOfItsGroups() {
        expectExpansion(
            """
            @Module
            enum Game {
                static let tables = Tables(Player.self)
                static let reducers = Reducers(Combat.self, Town.Trade.self)
            }

            @Reducers(of: Game.self)
            public enum Combat {
                @Reducer static func attack(_ context: borrowing Context, monster: UInt64) throws {
                }
                #if DEBUG
                @Reducer static func win(_ context: borrowing Context) {
                }
                #endif
            }
            """,
            """

            enum Game {
                static let tables = Tables(Player.self)
                static let reducers = Reducers(Combat.self, Town.Trade.self)

                typealias Context = SpacetimeKit.Context<Game>

                typealias ProcedureContext = SpacetimeKit.ProcedureContext<Game>

                typealias ViewContext = SpacetimeKit.ViewContext<Game>

                typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Game>

                nonisolated struct TableHandles: SpacetimeKit.TableHandles {
                    let _spacetimeTransaction: SpacetimeKit.TransactionReference
                    init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
                        self._spacetimeTransaction = transaction
                    }
                    var player: Player.Handle {
                        .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0))
                    }
                }

                nonisolated static var moduleContent: SpacetimeKit.ModuleContent {
                    var functions = [
                    ] as [SpacetimeKit.AnyFunction<Self>]
                    functions += Combat._spacetimeFunctions
                    functions += Town.Trade._spacetimeFunctions
                    return .init(
                        name: "Game",
                        tables: Self.tables,
                        functions: functions)
                }

                nonisolated static func _spacetimeLists(_ group: Combat.Type) {
                }

                nonisolated static func _spacetimeLists(_ group: Town.Trade.Type) {
                }
            }
            public enum Combat {
                static func attack(_ context: borrowing Context, monster: UInt64) throws {
                }

                nonisolated static var attack: SpacetimeKit.Reducer<Game, UInt64> {
                    .init("attack", parameters: ["monster"]) {
                        (context: borrowing SpacetimeKit.Context<Game>, a0: UInt64) throws in
                        try Self.attack(context, monster: a0)
                    }
                }
                #if DEBUG
                static func win(_ context: borrowing Context) {
                }
                #endif

                public typealias Context = SpacetimeKit.Context<Game>

                public typealias ProcedureContext = SpacetimeKit.ProcedureContext<Game>

                public typealias ViewContext = SpacetimeKit.ViewContext<Game>

                public typealias AnonymousViewContext = SpacetimeKit.AnonymousViewContext<Game>

                public nonisolated static var _spacetimeFunctions: [SpacetimeKit.AnyFunction<Game>] {
                    Game._spacetimeLists(Self.self)
                    var functions = [
                        SpacetimeKit._spacetimeErased(Self.attack),
                    ] as [SpacetimeKit.AnyFunction<Game>]
                    #if DEBUG
                    functions.append(SpacetimeKit._spacetimeErased(Self.win))
                    #endif
                    return functions
                }
            }

            nonisolated extension Game: SpacetimeKit.ModuleDefinition {
            }

            nonisolated extension Combat: SpacetimeKit.ReducerGroup {
            }
            """)
    }
}
