import Logging
package import SpacetimeServer

/// Runs a server on a free port of this machine while `body` runs, and ends it then.
///
/// - Parameter prepare: hosts databases, before anybody can connect.
package func serving(
    _ prepare: (SpacetimeServer) throws -> Void, _ body: @escaping @Sendable (_ port: Int) async throws -> Void
) async throws {
    let server = SpacetimeServer(
        options: .test(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try prepare(server)
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            do { try await server.run() } catch is CancellationError {}
            return false
        }
        group.addTask {
            try await body(server.waitUntilListening())
            return true
        }
        defer { group.cancelAll() }
        while let isDone = try await group.next() { if isDone { return } }
    }
}
