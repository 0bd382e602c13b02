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
            """, .duplicateFunction("a")),
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            @Reducer static func a(_ context: borrowing Context) {}
            @Reducer(name: "a") static func »b(_ context: borrowing Context) {} }
            """, .duplicateFunction("a")),
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
            """, .duplicateFunction("a")),
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
            """, .duplicateFunction("a")),
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
            "@Reducer func »a(_ context: borrowing Context) {}", .notStatic(.reducer), fixIt: "Add 'static'",
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
        refuse("@Reducer static func a»<T>(_ context: borrowing Context, b: T) {}", .isGeneric(.reducer)),
        refuse("@Reducer static func a(_ context: borrowing Context, b: »some Equatable) {}", .isGeneric(.reducer)),
        refuse("@Reducer static func »tables(_ context: borrowing Context) {}", .functionName(.reducer, "tables")),
        refuse("@Reducer static func »+(_ context: borrowing Context, b: Int32) {}", .functionName(.reducer, "+")),
        refuse(
            "@Reducer »@MainActor static func a(_ context: borrowing Context) {}",
            .isIsolated(.reducer, actor: "MainActor")),
        refuse(
            "»@My.DatabaseActor @Reducer static func a(_ context: borrowing Context) {}",
            .isIsolated(.reducer, actor: "DatabaseActor")),
    ])
    func functionsThatAreNoReducers(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        refuse(
            "@Reducer static func a»() {}", .contextMissing(.reducer), fixIt: "Add '_ context: borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a»(b: Int32) {}", .contextMissing(.reducer),
            fixIt: "Add '_ context: borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context, b: Int32) {}"),
        refuse(
            "@Reducer static func a(_ context: »Context) {}", .contextNotBorrowed("Context"),
            fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »inout Context) {}", .contextNotBorrowed("Context"),
            fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »consuming M.Context) {}", .contextNotBorrowed("M.Context"),
            fixIt: "Write 'borrowing'",
            fixed: "@Reducer static func a(_ context: borrowing M.Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »borrowing ReducerContext) {}",
            .otherContext(.reducer, "borrowing ReducerContext"), fixIt: "Write 'borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
        refuse(
            "@Reducer static func a(_ context: »Context<M>) {}", .otherContext(.reducer, "Context<M>"),
            fixIt: "Write 'borrowing Context'",
            fixed: "@Reducer static func a(_ context: borrowing Context) {}"),
    ])
    func contextsThatCouldEscape(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        refuse(
            "@Reducer static func a(_ context: borrowing Context, »b: inout Int32) {}", .inoutParameter(.reducer, "b"),
            fixIt: "Remove 'inout'", fixed: "@Reducer static func a(_ context: borrowing Context, b: Int32) {}"),
        refuse(
            "@Reducer static func a(_ context: borrowing Context, b: Int32»...) {}", .variadicParameter(.reducer, "b")),
        refuse(
            "@Reducer static func a(_ context: borrowing Context, b: Int32 »= 1) {}", .defaultParameter(.reducer, "b")),
        refuse(
            "@Reducer static func a(_ context: borrowing Context, b: »Int) {}",
            .unsupportedType("Int", advice: "its width depends on the machine; use 'Int64'"),
            fixIt: "Replace 'Int' by 'Int64'",
            fixed: "@Reducer static func a(_ context: borrowing Context, b: Int64) {}"),
        refuse(
            "@Reducer(.clientConnected) static func a(_ context: borrowing Context, »b: Int32) {}",
            .lifecycleWithParameters("clientConnected")),
        refuse("@Reducer(.scheduled) static func a»(_ context: borrowing Context) {}", .scheduledWithoutRow(.reducer)),
        refuse(
            "@Reducer(.scheduled) static func a»(_ context: borrowing Context, b: B, c: C) {}",
            .scheduledWithoutRow(.reducer)),
        refuse(
            "@Reducer(.scheduled) static func a(_ context: borrowing Context, »id: UInt64) {}",
            .scheduledWithoutRow(.reducer)),
        refuse(
            "@Reducer(.scheduled) static func a(_ context: borrowing Context, »rows: [B]) {}",
            .scheduledWithoutRow(.reducer)),
        refuse(
            "@Reducer(.sliced(within: .hours(1))) static func a»(_ context: borrowing Context) {}", .slicedWithoutRow),
        refuse(
            "@Reducer(.sliced(within: .hours(1))) static func a(_ context: borrowing Context, »id: UInt64) {}",
            .slicedWithoutRow),
        refuse("@Reducer(».started) static func a(_ context: borrowing Context) {}", .unknownLifecycle(".started")),
        refuse(
            "@Reducer(».public) private static func a(_ context: borrowing Context) {}",
            .publicIsHidden("private")),
        refuse(
            "@Reducer(».public) fileprivate static func a(_ context: borrowing Context) {}",
            .publicIsHidden("fileprivate")),
        refuse(
            "@Reducer(name: »\"a b\") static func a(_ context: borrowing Context) {}", .invalidName("a b")),
    ])
    func argumentsThatClientsCannotGive(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        Refusal("enum M { »@Reducer static func a(_ context: borrowing Context) {} }", .outsideModule(.reducer)),
        Refusal("»@Reducer func a(_ context: borrowing Context) {}", .outsideModule(.reducer)),
        Refusal("extension M { »@Reducer static func a(_ context: borrowing Context) {} }", .inExtension(.reducer)),
    ])
    func placesThatModulesDoNotSee(_ refusal: Refusal) { refusal.check() }
}

@Suite struct ViewRefusalTests {
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
            "@View static func a(_ context: borrowing ViewContext) »async -> [Row] { [] }", .viewIsAsync,
            fixIt: "Remove 'async'", fixed: "@View static func a(_ context: borrowing ViewContext) -> [Row] { [] }"),
        refuse("@View static func a»(_ context: borrowing ViewContext) {}", .viewReturnsNothing),
        refuse(
            "@View static func a(_ context: borrowing ViewContext) -> »Row { row }", .viewResult("Row"),
            fixIt: "Return '[Row]'", fixed: "@View static func a(_ context: borrowing ViewContext) -> [Row] { row }"),
        refuse("@View static func a(_ context: borrowing ViewContext) -> »UInt64 { 1 }", .viewResult("UInt64")),
        refuse(
            "@View static func a(_ context: borrowing ViewContext) -> »some QueryConvertible<Row> { Row.all }",
            .viewResult("some QueryConvertible<Row>")),
        refuse("@View static func a(_ context: borrowing ViewContext) -> »Query { Row.all }", .viewResult("Query")),
        refuse(
            "@View »private static func a(_ context: borrowing ViewContext) -> [Row] { [] }", .hiddenView("private")),
        refuse(
            "@View static func a(_ context: borrowing ViewContext, x: »Float) -> [Row] { [] }",
            .floatArgument("x", "Float")),
        refuse(
            "@View static func a(_ context: borrowing ViewContext, x: »Int) -> [Row] { [] }",
            .unsupportedType("Int", advice: "its width depends on the machine; use 'Int64'"),
            fixIt: "Replace 'Int' by 'Int64'",
            fixed: "@View static func a(_ context: borrowing ViewContext, x: Int64) -> [Row] { [] }"),
        refuse(
            "@View static func a(_ context: »ViewContext) -> [Row] { [] }", .contextNotBorrowed("ViewContext"),
            fixIt: "Write 'borrowing'", fixed: "@View static func a(_ context: borrowing ViewContext) -> [Row] { [] }"),
        refuse(
            "@View static func a(_ context: »AnonymousViewContext) -> [Row] { [] }",
            .contextNotBorrowed("AnonymousViewContext"), fixIt: "Write 'borrowing'",
            fixed: "@View static func a(_ context: borrowing AnonymousViewContext) -> [Row] { [] }"),
        refuse(
            "@View static func a(_ context: »borrowing Context) -> [Row] { [] }",
            .otherContext(.view, "borrowing Context"), fixIt: "Write 'borrowing ViewContext'",
            fixed: "@View static func a(_ context: borrowing ViewContext) -> [Row] { [] }"),
        refuse(
            "@View static func a»() -> [Row] { [] }", .contextMissing(.view),
            fixIt: "Add '_ context: borrowing ViewContext'",
            fixed: "@View static func a(_ context: borrowing ViewContext) -> [Row] { [] }"),
        refuse(
            "@View »@MainActor static func a(_ context: borrowing ViewContext) -> [Row] { [] }",
            .isIsolated(.view, actor: "MainActor")),
        refuse(
            "@View(name: »\"a b\") static func a(_ context: borrowing ViewContext) -> [Row] { [] }", .invalidName("a b")
        ),
        refuse(
            "@Reducer static func a(_ context: borrowing Context) {}\n"
                + "    @View static func »a(_ context: borrowing ViewContext) -> [Row] { [] }",
            .duplicateFunction("a")),
        Refusal("»@View func a(_ context: borrowing ViewContext) -> [Row] { [] }", .outsideModule(.view)),
    ])
    func functionsThatAreNoViews(_ refusal: Refusal) { refusal.check() }
}

@Suite struct ProcedureRefusalTests {
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
            "@Procedure func »a(_ context: ProcedureContext) async {}", .notStatic(.procedure), fixIt: "Add 'static'",
            fixed: "@Procedure static func a(_ context: ProcedureContext) async {}"),
        refuse("@Procedure static func a»<T>(_ context: ProcedureContext, b: T) {}", .isGeneric(.procedure)),
        refuse("@Procedure static func »tables(_ context: ProcedureContext) {}", .functionName(.procedure, "tables")),
        refuse(
            "@Procedure »@MainActor static func a(_ context: ProcedureContext) {}",
            .isIsolated(.procedure, actor: "MainActor")),
        refuse(
            "@Procedure static func a»(b: Int32) async {}", .contextMissing(.procedure),
            fixIt: "Add '_ context: ProcedureContext'",
            fixed: "@Procedure static func a(_ context: ProcedureContext, b: Int32) async {}"),
        refuse(
            "@Procedure static func a(_ context: »borrowing Context) async {}",
            .otherContext(.procedure, "borrowing Context"), fixIt: "Write 'ProcedureContext'",
            fixed: "@Procedure static func a(_ context: ProcedureContext) async {}"),
        refuse(
            "@Procedure static func a(_ context: ProcedureContext) async -> »Int { 1 }",
            .unsupportedType("Int", advice: "its width depends on the machine; use 'Int64'"),
            fixIt: "Replace 'Int' by 'Int64'",
            fixed: "@Procedure static func a(_ context: ProcedureContext) async -> Int64 { 1 }"),
        refuse(
            "@Procedure(.scheduled) static func a»(_ context: ProcedureContext) {}", .scheduledWithoutRow(.procedure)),
        refuse(
            "@Procedure(».reliable) static func a(_ context: ProcedureContext) {}",
            .unknownProcedureOption(".reliable")),
        refuse(
            "@Procedure(».public) private static func a(_ context: ProcedureContext) {}", .publicIsHidden("private")),
    ])
    func functionsThatAreNoProcedures(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        refuse(
            "@Handler(.get, \"/a\") static func a»(_ context: ProcedureContext) async -> HTTP.Response {}",
            .handlerSignature),
        refuse(
            "@Handler(».fetch, \"/a\") static func a(_ context: ProcedureContext, _ r: HTTP.Request) -> HTTP.Response {}",
            .unknownMethod(".fetch")),
        refuse(
            "@Handler(.get, »\"/A\") static func a(_ context: ProcedureContext, _ r: HTTP.Request) -> HTTP.Response {}",
            .invalidPath("/A")),
        refuse(
            "@Handler(.get, »\"a\") static func a(_ context: ProcedureContext, _ r: HTTP.Request) -> HTTP.Response {}",
            .invalidPath("a")),
        refuse(
            "»@Handler(.get) static func a(_ context: ProcedureContext, _ r: HTTP.Request) -> HTTP.Response {}",
            .handlerRoute),
    ])
    func functionsThatAreNoHandlers(_ refusal: Refusal) { refusal.check() }

    @Test func functionsOfAllKindsHaveDifferentNames() {
        Refusal(
            """
            @Module enum M { static let tables = Tables()
            @Reducer static func a(_ context: borrowing Context) {}
            @Procedure(name: "a") static func »b(_ context: ProcedureContext) {}
            }
            """, .duplicateFunction("a")
        ).check()
    }
}
