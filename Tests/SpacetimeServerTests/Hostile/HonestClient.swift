import SpacetimeServer
import SpacetimeServerTestSupport
import Testing

/// Serves the arena with an honest client beside, who has to be served before and after; and so has who comes afterwards.
func withHonestClient(
    options: ServerOptions = .test(), _ body: @escaping @Sendable (RunningServer) async throws -> Void
) async throws {
    try await withServer(try arena(), options: options) { server in
        let honest = try await server.greeted()
        try await honest.send(Say.call(1, "tick"))
        try await honest.expectAnswer(to: 1)
        try await body(server)
        try await honest.send(Say.call(2, "tick"))
        try await honest.expectAnswer(to: 2)
        let newcomer = try await server.greeted()
        try await newcomer.send(Say.call(3, "tick"))
        try await newcomer.expectAnswer(to: 3)
    }
}

extension RawClient {
    /// The next message is the answer to this call.
    func expectAnswer(to request: UInt8, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let answer = try await message()
        #expect(Array(answer.prefix(6)) == [0, 6, request, 0, 0, 0], sourceLocation: sourceLocation)
    }

    /// The server closes with a code and says why, answers the client's close frame by ending the connection.
    ///
    /// - Parameter messages: so many may arrive before.
    func expectClose(
        _ code: UInt16, after messages: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for _ in 0...messages {
            switch try await next() {
            case .binary where messages > 0: continue
            case .close(let found, let reason):
                #expect(found == code, sourceLocation: sourceLocation)
                #expect(!reason.isEmpty && reason.utf8.count <= 123, sourceLocation: sourceLocation)
                // On a busy machine the server may have stopped waiting for it by now.
                try? await sendClose(found)
                #expect(try await next() == .ended, sourceLocation: sourceLocation)
                return
            case let other: throw Unexpected(event: other)
            }
        }
        Issue.record("no close frame came", sourceLocation: sourceLocation)
    }
}
