import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SpacetimeKit
import SpacetimeSATS
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// The files of the inspector as they leave the server. What they do is tested in a browser, in `Tests/Peers`.
struct InspectorTests {
    @Module
    fileprivate enum Nothing {
        static let tables = Tables()
    }

    private func withServer(
        inspector: Bool, _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        try await withServer(inspector: inspector) { client, _ in try await body(client) }
    }

    private func withServer(
        inspector: Bool, _ body: @escaping @Sendable (any TestClientProtocol, SpacetimeServer) async throws -> Void
    ) async throws {
        var options = ServerOptions.test()
        options.inspector = inspector
        let server = SpacetimeServer(options: options)
        try server.host(try await Database.open(.inMemory, module: Nothing.self), as: "nothing")
        let router = Router()
        router.add(middleware: SpacetimeMiddleware(server))
        router.get("/own") { _, _ in "mine" }
        try await Application(router: router).test(.router) { client in try await body(client, server) }
    }

    @Test func everyFileThatThePageAsksForIsThere() async throws {
        try await withServer(inspector: true) { client in
            var waiting = ["/inspect"]
            var seen: Set<String> = []
            while let path = waiting.popLast() {
                guard seen.insert(path).inserted else { continue }
                let text = try await client.execute(uri: path, method: .get) { response in
                    #expect(response.status == .ok, "\(path)")
                    #expect(response.headers[.contentSecurityPolicy]?.contains("frame-ancestors 'none'") == true)
                    #expect(response.headers[.contentType]?.isEmpty == false)
                    return String(buffer: response.body)
                }
                waiting += text.matches(of: /(?:href|src)="(\/[^"]+)"/).map { String($0.output.1) }
                waiting += text.matches(of: /from "\.\/([^"]+)"/).map { "/inspect/" + $0.output.1 }
            }
            #expect(seen.count == 15)
        }
    }

    @Test func switchedOffThereIsNoPage() async throws {
        #expect(ServerOptions().inspector == false)
        try await withServer(inspector: false) { client in
            for path in ["/inspect", "/inspect/inspector.js"] {
                try await client.execute(uri: path, method: .get) { #expect($0.status == .notFound) }
            }
        }
    }

    @Test func thePageIsReadAndNotWritten() async throws {
        try await withServer(inspector: true) { client in
            try await client.execute(uri: "/inspect", method: .post) { response in
                #expect(response.status == .methodNotAllowed)
                #expect(response.headers[.allow] == "GET, HEAD")
            }
        }
    }

    @Test(arguments: [true, false]) func requestsOfOthersArePassedOn(inspector: Bool) async throws {
        try await withServer(inspector: inspector) { client in
            try await client.execute(uri: "/own", method: .get) { #expect(String(buffer: $0.body) == "mine") }
            try await client.execute(uri: "/v1/ping", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/inspector", method: .get) { #expect($0.status == .notFound) }
        }
    }

    @Test func reportsAreTheOwners() async throws {
        try await withServer(inspector: true) { client, server in
            func report(_ token: String?, of name: String = "nothing") async throws -> TestResponse {
                let headers: HTTPFields = token.map { [.authorization: "Bearer \($0)"] } ?? [:]
                return try await client.execute(uri: "/inspect/report/\(name)", method: .get, headers: headers)
            }
            #expect(try await report(nil).status == .forbidden)
            #expect(try await report(server.token(for: "somebody")).status == .forbidden)
            #expect(try await report("nonsense").status == .unauthorized)
            let owner = server.token(for: "owner")
            #expect(try await report(owner, of: "nobody").status == .notFound)
            #expect(try await report(owner, of: "No Name").status == .badRequest)
            let answer = try await report(owner)
            #expect(answer.status == .ok)
            guard case .object(let members) = try JSON(parsing: String(buffer: answer.body)) else {
                Issue.record("the report is no object")
                return
            }
            #expect(members.map(\.key) == ["bytes", "tables", "schedules", "queries", "views"])
        }
    }

    @Test func switchedOffThereAreNoReports() async throws {
        try await withServer(inspector: false) { client, server in
            let headers: HTTPFields = [.authorization: "Bearer \(server.token(for: "owner"))"]
            let answer = try await client.execute(uri: "/inspect/report/nothing", method: .get, headers: headers)
            #expect(answer.status == .notFound)
        }
    }
}
