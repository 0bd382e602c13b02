import ArgumentParser
import NIOHTTP1
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// `spacetimekit call`
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call a reducer or a procedure.",
        discussion: """
            spacetimekit call chat send_message "Hello there"
            spacetimekit call game move 17 '{"x": 1.5, "y": -2}' null
            spacetimekit call game set_deadline 2026-01-01T00:00:00Z

            An argument is JSON, or, where its type allows, the value as tables show it: a
            text without quotes, a time, the name of a case, an identity. null is nothing.
            Nothing is printed for a reducer; for a procedure, its result.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Print what came of it as JSON.") var json = false
    @Argument(help: "The database: a name, or an identity.") var database: String
    @Argument(help: "The reducer or procedure.") var function: String
    @Argument(parsing: .allUnrecognized, help: "A value for each parameter.") var arguments: [String] = []

    func run() async throws {
        let session = CommandSession.current
        try await connection.withServer(in: session) { server in
            let schema = try await server.schema(of: database)
            let function = try schema.function(named: function, in: database)
            let arguments = try CallArguments.json(arguments, for: function)
            let reply = try await server.send(.POST, ["database", database, "call", function.name], .json(arguments))
            // The module's own error, rather than one of the server's.
            if reply.status == 530 {
                throw CommandFailure(
                    .refused, "\(function.name) failed: \(reply.text.trimmed)")
            }
            _ = try reply.ofDatabase(database)
            try report(reply, function, session)
        }
    }

    private func report(_ reply: Reply, _ function: DatabaseSchema.Function, _ session: CommandSession) throws {
        let micros = reply.headers.first(name: "spacetime-execution-duration-micros").flatMap { Int64($0) }
        switch function {
        case .reducer:
            if json {
                let duration = micros.map { JSON.integer($0) } ?? .null
                return try session.print(JSON.object([.init("duration_micros", duration)]).description)
            }
            guard session.terminal.isTerminal(.errors) else { return }
            let time = micros.map { " (\(DurationText.short(microseconds: $0)))" } ?? ""
            try session.note(session.style(of: .errors).dim("\(function.name) is done\(time)"))
        case .procedure(let procedure):
            let result = try reply.json()
            if json { return try session.print(result.description) }
            guard !procedure.returnType.isUnit else { return }
            // What a later version returns is shown as it is.
            let value = try? AlgebraicValue(json: result, type: procedure.returnType)
            let text = value.map { (try? ColumnText(procedure.returnType).text($0)) ?? "null" } ?? result.description
            try session.print(session.terminal.isTerminal(.output) ? DisplayText.escapedLines(text) : text)
        }
    }
}
