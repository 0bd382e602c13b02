import AsyncHTTPClient
import Hummingbird
import HummingbirdTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import SpacetimeHost
import SpacetimeKit
import Testing

@testable import SpacetimeServer

/// Those who follow a log over HTTP, and go.
@Suite(.timeLimit(.minutes(10))) struct LogFollowerTests {
    @Test func aFollowerThatWentIsLetGo() async throws {
        let server = try TestServer()
        server.arena.core.log.append(.info, "hello")
        let service = HTTPService(server: server.server)
        let (ended, signal) = AsyncStream<Void>.makeStream()
        let responder = CallbackResponder { (request: Request, context: BasicRequestContext) in
            var response = try await service.respond(to: request, from: nil) ?? Response(status: .notFound)
            let answer = response.body
            response.body = ResponseBody { writer in
                defer { signal.finish() }
                try await answer.write(writer)
            }
            return response
        }
        let application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)))
        let token = server.owner
        try await application.test(.live) { client in
            let address = "http://127.0.0.1:\(try #require(client.port))/v1/database/arena/logs?follow=true&num_lines=1"
            var request = HTTPClientRequest(url: address)
            request.headers.add(name: "authorization", value: "Bearer \(token)")
            let http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            let answer = try await http.execute(request, timeout: .seconds(30))
            // The client closes the connection when nobody wants the rest.
            for try await part in answer.body {
                #expect(String(buffer: part).contains("hello"))
                break
            }
            for await _ in ended {}
            try await http.shutdown()
        }
    }
}
