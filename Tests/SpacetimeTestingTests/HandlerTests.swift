import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

/// Handlers of HTTP requests, called in process.
@Suite struct HandlerTests {
    private let test: TestDatabase<Workshop>

    init() throws { test = try TestDatabase(Workshop.self) }

    private func status(_ method: HTTP.Method, _ url: String) async -> UInt16 {
        await test.database.handle(HTTP.Request(method, url)).status
    }

    @Test func aRequestReachesTheHandlerOfItsMethodAndPath() async throws {
        let created = await test.database.handle(HTTP.Request(.post, "https://a.example/lines", text: "hello"))
        #expect(created.status == 201)
        #expect(created.headers["X-Sender"] == "true", "a handler acts as the database itself")
        let lines = await test.database.handle(HTTP.Request(.get, "/lines?sorted"))
        #expect(lines.status == 200)
        #expect(lines.text == "hello")
        #expect(lines.headers["Content-Type"] == "text/plain; charset=utf-8")
    }

    @Test func pathsAreComparedStrictly() async throws {
        #expect(await status(.get, "") == 200)
        #expect(await status(.get, "https://a.example") == 200)
        #expect(await status(.get, "/") == 404)
        #expect(await status(.get, "/lines/") == 404)
        #expect(await status(.get, "/Lines") == 404)
        #expect(await status(.get, "/echo") == 404)
        #expect(await status(.get, "/echo/") == 200)
        #expect(await status(.delete, "/lines") == 404)
        #expect(await status(.head, "/lines") == 404)
        let nothing = await test.database.handle(HTTP.Request(.get, "/nowhere"))
        #expect(nothing.text == "no route matches the request\n")
    }

    @Test func anyMethodMeansAny() async throws {
        let response = await test.database.handle(
            HTTP.Request(HTTP.Method("BREW"), "/x/y/echo/?a=b#c", headers: ["x-name": "Ada"], text: "tea"),
            path: "/echo/")
        #expect(response.text == "BREW a=b Ada tea")
    }

    @Test func aHandlerThatThrowsTellsTheClientNothing() async throws {
        let failures = Mutex<[ProcedureFailure]>([])
        var options = DatabaseOptions()
        options.onProcedureFailure = { failure in failures.withLock { $0.append(failure) } }
        let database = try await Database.open(.inMemory, module: Workshop.self, options: options)
        let response = await database.handle(HTTP.Request(.post, "/lines", text: ""))
        #expect(response.status == 500)
        #expect(response.text == "the request could not be answered\n")
        #expect(failures.withLock { $0.map(\.name) } == ["post"])
        #expect(failures.withLock { ($0.first?.error as? SenderError)?.message } == "nothing to write")
        try await database.close()
        #expect(await database.handle(HTTP.Request(.get, "")).status == 503)
    }

    /// Also where no program listens to failures, there is the log.
    @Test func aStatusThatEndsNoRequestIsInTheLog() async throws {
        let database = try await Database.open(
            .inMemory,
            module: Module("routes") {
                Table(Line.self)
                Handler<DynamicModule>("odd", .get, "/odd") { _, _ in HTTP.Response(status: 99) }
            })
        #expect(await database.handle(HTTP.Request(.get, "/odd")).status == 500)
        #expect(database.log.last().contains { $0.level == .error && $0.message.contains("'odd' failed: ") })
    }

    private func open(_ first: (HandlerMethod, String), _ second: (HandlerMethod, String)) throws {
        func handler(_ name: StaticString, _ route: (HandlerMethod, String)) -> Handler<DynamicModule> {
            Handler(name, route.0, route.1) { _, _ in HTTP.Response() }
        }
        _ = try Database.open(
            .inMemory,
            module: Module("routes") {
                Table(Line.self)
                handler("one", first)
                handler("two", second)
            })
    }

    @Test func routesThatOverlapAreRefusedWhenADatabaseIsOpened() throws {
        for (first, second) in [(.get, .get), (.any, .post), (.post, .any), (.any, .any)]
            as [(HandlerMethod, HandlerMethod)]
        {
            let error = #expect(throws: DatabaseError.self) { try open((first, "/a"), (second, "/a")) }
            #expect(error?.code == .invalidModule)
            #expect(error?.message.contains("another route takes the same path and method") == true)
        }
        try open((.get, "/a"), (.post, "/a"))
        try open((.any, "/a"), (.any, "/a/"))
        try open((.any, ""), (.any, "/"))
    }

    @Test(arguments: ["a", "/A", "/a b", "/a?b", "/ä", "/{id}"])
    func pathsOfOtherCharactersAreRefused(_ path: String) {
        let error = #expect(throws: DatabaseError.self) { try open((.get, path), (.get, "/other")) }
        #expect(error?.code == .invalidModule)
    }

    @Test(
        arguments: [
            ("https://a.example/b/c?d#e", "/b/c", "d"), ("https://a.example?d", "", "d"), ("/b?c?d", "/b", "c?d"),
            ("b", "b", nil), ("mailto://x/y", "/y", nil), ("/a:b://c?", "/a:b://c", ""),
        ] as [(String, String, String?)])
    func urlsAreTakenApart(_ url: String, _ path: String, _ query: String?) {
        let request = HTTP.Request(.get, url)
        #expect(request.path == path)
        #expect(request.query == query)
        #expect(!request.urlWithoutQuery.contains("?"))
    }

    @Test func headersDisregardCaseAndKeepOrder() {
        var headers: HTTP.Headers = ["Accept": "a", "accept": "b", "Host": "c"]
        #expect(headers["ACCEPT"] == "a")
        #expect(headers.values("accept") == ["a", "b"])
        headers["accept"] = "d"
        #expect(headers.fields.map(\.name) == ["Host", "accept"])
        headers["HOST"] = nil
        #expect(headers.fields == [.init(name: "accept", value: "d")])
    }
}
