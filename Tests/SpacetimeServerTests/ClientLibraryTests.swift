import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// The files of the client for JavaScript as they leave the server. What they do is tested in `Tests/Peers`.
struct ClientLibraryTests {
    private func withServer(
        handsOut: Bool = true, _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        var options = ServerOptions.test()
        options.clientLibrary = handsOut
        let router = Router()
        router.add(middleware: SpacetimeMiddleware(SpacetimeServer(options: options)))
        router.get("/client.js") { _, _ in "mine" }
        try await Application(router: router).test(.router) { client in try await body(client) }
    }

    @Test func anyPageMayLoadTheFiles() async throws {
        try await withServer { client in
            for file in ClientLibrary.files {
                try await client.execute(uri: "/\(file.name)", method: .get) { response in
                    #expect(response.status == .ok)
                    #expect(response.headers[.contentType] == file.type)
                    #expect(response.headers[.accessControlAllowOrigin] == "*")
                    #expect(Array(buffer: response.body) == file.bytes)
                }
                try await client.execute(uri: "/\(file.name)", method: .head) { response in
                    #expect(response.status == .ok)
                    #expect(response.body.readableBytes == 0)
                }
                try await client.execute(uri: "/\(file.name)", method: .post) { response in
                    #expect(response.status == .methodNotAllowed)
                }
            }
        }
    }

    @Test func switchedOffThePathsAreTheApplications() async throws {
        try await withServer(handsOut: false) { client in
            try await client.execute(uri: "/client.js", method: .get) { response in
                #expect(String(buffer: response.body) == "mine")
            }
            try await client.execute(uri: "/react.js", method: .get) { #expect($0.status == .notFound) }
        }
    }

    @Test func nothingIsMadeFromTextAtRunTime() {
        for file in ClientLibrary.files where file.name.hasSuffix(".js") {
            let text = String(decoding: file.bytes, as: UTF8.self)
            // Pages that forbid it could not use the client. The word in a comment is not followed by a parenthesis.
            #expect(!text.contains("eval(") && !text.contains("new Function"), "\(file.name)")
        }
    }
}
