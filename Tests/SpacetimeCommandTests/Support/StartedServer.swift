@testable import SpacetimeCommand

/// Runs `start` on a free port while `body` runs, with what the first line of the output says.
func withStartedServer(
    _ arguments: [String], _ body: @escaping @Sendable (String) async throws -> Void
) async throws {
    let screen = try PseudoTerminal(columns: 200)
    let session = CommandSession(terminal: screen.terminal, environment: ["NO_COLOR": "1"])
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = await CommandLineProgram.run(["start", "--port", "0"] + arguments, in: session) }
        defer { group.cancelAll() }
        let line = try await screen.expect("\r\n")
        try await body(line.trimmed)
    }
}
