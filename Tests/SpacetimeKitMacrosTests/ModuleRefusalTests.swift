import Testing

@testable import SpacetimeKitMacros

@Suite struct ModuleRefusalTests {
    @Test(arguments: [
        Refusal(
            "@Module »struct M { static let tables = Tables() }", .moduleNeedsEnum(found: "a struct"),
            fixIt: "Replace 'struct' by 'enum'", fixed: "@Module enum M { static let tables = Tables() }"),
        Refusal(
            "@Module »class M { static let tables = Tables() }", .moduleNeedsEnum(found: "a class"),
            fixIt: "Replace 'class' by 'enum'", fixed: "@Module enum M { static let tables = Tables() }"),
        Refusal("@Module »actor M { static let tables = Tables() }", .moduleNeedsEnum(found: "an actor")),
        Refusal("@Module enum M»<T> { static let tables = Tables() }", .genericType(macro: "Module")),
        Refusal(
            "@Module enum »M {\n}", .noTables, fixIt: "Add 'static let tables = Tables()'",
            fixed: "@Module enum M {\n    static let tables = Tables()\n}"),
        Refusal("@Module enum M { static let »tables = [A.self] }", .unreadableTables),
        Refusal("@Module enum M { static let »tables: Tables<A> = .init(A.self) }", .unreadableTables),
        Refusal("@Module enum M { static var »tables: Tables<A> { Tables(A.self) } }", .unreadableTables),
        Refusal("@Module enum M { let »tables = Tables(A.self) }", .unreadableTables),
        Refusal("@Module enum M { static let tables = Tables(»A) }", .notATableType),
        Refusal("@Module enum M { static let tables = Tables(A.self, »[B].self) }", .notATableType),
        Refusal("@Module enum M { static let tables = Tables(A.self, »X.A.self) }", .duplicateTable("a")),
        Refusal(
            "@Module enum M { static let tables = Tables(A.self, also: »Table(B.self, name: \"a\")) }",
            .duplicateTable("a")),
        Refusal("@Module enum M { static let tables = Tables(A.self, also: »A.self) }", .notANamedTable),
        Refusal("@Module enum M { static let tables = Tables(also: »Table(A.self)) }", .notANamedTable),
        Refusal(
            "@Module enum M { static let tables = Tables(also: Table(A.self, name: »\"b c\")) }", .invalidName("b c")),
        Refusal("@Module(name: »\"a b\") enum M { static let tables = Tables() }", .invalidName("a b")),
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            @Reducer static func a(_ context: borrowing Context) {}
            @Reducer static func »a(_ context: borrowing Context, b: Int32) {} }
            """, .duplicateReducer("a")),
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            @Reducer static func a(_ context: borrowing Context) {}
            @Reducer(name: "a") static func »b(_ context: borrowing Context) {} }
            """, .duplicateReducer("a")),
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            @Reducer(.initialize) static func a(_ context: borrowing Context) {}
            »@Reducer(.initialize) static func b(_ context: borrowing Context) {} }
            """, .duplicateLifecycle("initialize")),
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            #if X
            @Reducer static func a(_ context: borrowing Context) {}
            #endif
            @Reducer static func »a(_ context: borrowing Context, b: Int32) {} }
            """, .duplicateReducer("a")),
        Refusal(
            "@Module enum M {\n»#if X\nstatic let tables = Tables()\n#else\nstatic let tables = Tables(A.self)\n#endif\n}",
            .conditionalTables),
        Refusal(
            "@Module »@MainActor enum M { static let tables = Tables() }",
            .isolatedType(macro: "Module", actor: "MainActor")),
        Refusal("@Module enum M { static let tables = Tables(); static let »reducers = [A.self] }", .unreadableGroups),
        Refusal("@Module enum M { static let tables = Tables(); static let reducers = Reducers(»A) }", .notAGroupType),
        Refusal(
            "@Module enum M { static let tables = Tables(); static let reducers = Reducers(A.self, »A.self) }",
            .duplicateGroup("A")),
        Refusal(
            "@Reducers(of: M.self) »struct A {}", .groupNeedsEnum(found: "a struct"),
            fixIt: "Replace 'struct' by 'enum'",
            fixed: "@Reducers(of: M.self) enum A {}"),
        Refusal("»@Reducers(of: M) enum A {}", .groupWithoutModule),
        Refusal("@Reducers(of: M.self) enum A»<T> {}", .genericType(macro: "Reducers")),
        Refusal(
            """
            @Reducers(of: M.self) enum A {
            @Reducer static func a(_ context: borrowing Context) {}
            @Reducer static func »a(_ context: borrowing Context, b: Int32) {} }
            """, .duplicateReducer("a")),
        Refusal(
            """
            @Module enum M { static let tables = Tables(A.self)
            @Table struct A { @PrimaryKey var id: UInt64; var »at: ScheduleAt } }
            """, .scheduleWithoutReducer(row: "A")),
        Refusal(
            """
            @Module enum M { static let tables = Tables(A.self)
            @Table struct A { @PrimaryKey var id: UInt64; var at: Timestamp }
            @Reducer(.scheduled) static func »due(_ context: borrowing Context, row: A) {} }
            """, .scheduledRowWithoutTime(row: "A")),
    ])
    func enumsThatAreNoModules(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        """
        @Module enum M { static let tables = Tables(A.self)
        @Table struct A { @PrimaryKey var id: UInt64; var at: Moment }
        @Reducer(.scheduled) static func due(_ context: borrowing Context, row: A) {} }
        """,
        """
        @Module enum M { static let tables = Tables(A.self)
        @Table(.unscheduled) struct A { @PrimaryKey var id: UInt64; var at: ScheduleAt } }
        """,
        """
        @Module enum M { static let tables = Tables(A.self)
        @Table struct A { @PrimaryKey var id: UInt64; var at: ScheduleAt }
        #if X
        @Reducer(.scheduled) static func due(_ context: borrowing Context, row: A) {}
        #endif
        }
        """,
        """
        @Module enum M { static let tables = Tables()
        #if X
        @Reducer static func a(_ context: borrowing Context) {}
        #endif
        #if !X
        @Reducer static func a(_ context: borrowing Context) {}
        #endif
        }
        """,
        """
        @Module enum M { static let tables = Tables(A.self); static let reducers = Reducers(B.self)
        @Table struct A { @PrimaryKey var id: UInt64; var at: ScheduleAt } }
        """,
    ])
    func modulesThatMayBeRight(_ source: String) { expectNoRefusal(source) }
}

@Suite struct ReducerRefusalTests {
    /// Stands around each function here.
    private static func inModule(_ function: String) -> String {
        "@Module enum M {\n    static let tables = Tables()\n    \(function)\n}"
    }

    private static func refuse(
        _ function: String, _ problem: MacroDiagnostic, fixIt: String? = nil, fixed: String? = nil
    ) -> Refusal {
        Refusal(inModule(function), problem, fixIt: fixIt, fixed: fixed.map(inModule))
    }

    @Test(arguments: [
        refuse(
            "@Reducer func »a(_ context: borrowing Context) {}", .reducerNotStatic, fixIt: "Add 'static'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: borrowing Context) »async {}", .reducerIsAsync, fixIt: "Remove 'async'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: borrowing Context) »async throws {}", .reducerIsAsync,
            fixIt: "Remove 'async'", fixed: "@Reducer static func a(_ context: borrowing Context) throws {}"),
        refuse(
            "@Reducer static func a(_ context: borrowing Context) »-> Int32 { 1 }", .reducerReturns,
            fixIt: "Remove '-> Int32'", fixed: "@Reducer static func a(_ context: borrowing Context) { 1 }"),
        refuse("@Reducer static func a»<T>(_ context: borrowing Context, b: T) {}", .reducerIsGeneric),
        refuse("@Reducer static func a(_ context: borrowing Context, b: »some Equatable) {}", .reducerIsGeneric),
        refuse("@Reducer static func »tables(_ context: borrowing Context) {}", .reducerName("tables")),
        refuse("@Reducer static func »+(_ context: borrowing Context, b: Int32) {}", .reducerName("+")),
        refuse(
            "@Reducer »@MainActor static func a(_ context: borrowing Context) {}",
            .reducerIsIsolated(actor: "MainActor")),
        refuse(
            "»@My.DatabaseActor @Reducer static func a(_ context: borrowing Context) {}",
            .reducerIsIsolated(actor: "DatabaseActor")),
    ])
    func functionsThatAreNoReducers(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        refuse(
            "@Reducer static func a»() {}", .contextMissing, fixIt: "Add '_ context: borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a»(b: Int32) {}", .contextMissing, fixIt: "Add '_ context: borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context, b: Int32) {}"),
        refuse(
            "@Reducer static func a(_ context: »Context) {}", .contextNotBorrowed, fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »inout Context) {}", .contextNotBorrowed, fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »consuming M.Context) {}", .contextNotBorrowed,
            fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing M.Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »borrowing ReducerContext) {}",
            .otherContext("borrowing ReducerContext"), fixIt: "Write 'borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »Context<M>) {}", .otherContext("Context<M>"),
            fixIt: "Write 'borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
    ])
    func contextsThatCouldEscape(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        refuse(
            "@Reducer static func a(_ context: borrowing Context, »b: inout Int32) {}", .inoutParameter("b"),
            fixIt: "Remove 'inout'", fixed: "@Reducer static func a(_ context: borrowing Context, b: Int32) {}"),
        refuse("@Reducer static func a(_ context: borrowing Context, b: Int32»...) {}", .variadicParameter("b")),
        refuse("@Reducer static func a(_ context: borrowing Context, b: Int32 »= 1) {}", .defaultParameter("b")),
        refuse(
            "@Reducer static func a(_ context: borrowing Context, b: »Int) {}",
            .unsupportedType("Int", advice: "its width depends on the machine; use 'Int64'"),
            fixIt: "Replace 'Int' by 'Int64'",
            fixed: "@Reducer static func a(_ context: borrowing Context, b: Int64) {}"),
        refuse(
            "@Reducer(.clientConnected) static func a(_ context: borrowing Context, »b: Int32) {}",
            .lifecycleWithParameters("clientConnected")),
        refuse("@Reducer(.scheduled) static func a»(_ context: borrowing Context) {}", .scheduledWithoutRow),
        refuse(
            "@Reducer(.scheduled) static func a»(_ context: borrowing Context, b: B, c: C) {}", .scheduledWithoutRow),
        refuse(
            "@Reducer(.scheduled) static func a(_ context: borrowing Context, »id: UInt64) {}", .scheduledWithoutRow),
        refuse(
            "@Reducer(.scheduled) static func a(_ context: borrowing Context, »rows: [B]) {}", .scheduledWithoutRow),
        refuse("@Reducer(».started) static func a(_ context: borrowing Context) {}", .unknownLifecycle(".started")),
        refuse(
            "@Reducer(».public) private static func a(_ context: borrowing Context) {}",
            .publicReducerIsHidden("private")),
        refuse(
            "@Reducer(».public) fileprivate static func a(_ context: borrowing Context) {}",
            .publicReducerIsHidden("fileprivate")),
        refuse(
            "@Reducer(name: »\"a b\") static func a(_ context: borrowing Context) {}", .invalidName("a b")),
    ])
    func argumentsThatClientsCannotGive(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        Refusal("enum M { »@Reducer static func a(_ context: borrowing Context) {} }", .reducerOutsideModule),
        Refusal("»@Reducer func a(_ context: borrowing Context) {}", .reducerOutsideModule),
        Refusal("extension M { »@Reducer static func a(_ context: borrowing Context) {} }", .reducerInExtension),
    ])
    func placesThatModulesDoNotSee(_ refusal: Refusal) { refusal.check() }
}
