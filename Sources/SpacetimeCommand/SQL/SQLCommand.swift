import ArgumentParser
import NIOHTTP1
import SpacetimeSATS

/// `spacetimekit sql`
struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask a database, or change its rows, in SQL.",
        discussion: """
            spacetimekit sql chat "SELECT * FROM message WHERE room = 1"
            spacetimekit sql chat                a prompt; \\? there tells more
            spacetimekit sql chat < report.sql   statements with semicolons behind them
            spacetimekit sql chat --csv "SELECT * FROM message" > messages.csv

            Tables fit the terminal: what is too wide is cut. In a pipe, and as CSV and
            JSON, nothing is.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Rows as CSV, with the names of the columns in the first line.") var csv = false
    @Flag(help: "Rows as an array of JSON objects.") var json = false
    @Flag(name: [.customShort("x"), .long], help: "Each row as a block of lines.") var expanded = false
    @Flag(help: "Do not wait until a change is on disk.") var unconfirmed = false
    @Argument(help: "The database: a name, or an identity.") var database: String
    @Argument(help: "One statement. Without one, they are read from the input.") var statement: String?

    func validate() throws {
        if [csv, json, expanded].filter(\.self).count > 1 {
            throw ValidationError("say one of --csv, --json and --expanded")
        }
    }

    func run() async throws {
        let session = CommandSession.current
        let format: RowFormat = csv ? .csv : json ? .json : expanded ? .expanded : .table
        let printer = SQLPrinter(session: session, format: format)
        try await connection.withServer(in: session) { server in
            let runner = SQLRunner(server: server, database: database, isConfirmed: !unconfirmed)
            if let statement {
                try printer.print(try await runner.run(statement))
            } else if session.terminal.isTerminal(.input), session.terminal.isTerminal(.output) {
                var shell = SQLShell(runner: runner, printer: printer, session: session)
                try await shell.run()
            } else {
                try await Self.runAll(runner, printer, session)
            }
        }
    }

    /// Runs the statements in the input, up to the first that fails.
    private static func runAll(_ runner: SQLRunner, _ printer: SQLPrinter, _ session: CommandSession) async throws {
        let input = InputLines(session.terminal)
        var splitter = StatementSplitter()
        while let line = await input.next() {
            for statement in splitter.append(line + "\n") { try printer.print(try await runner.run(statement)) }
        }
        if let statement = splitter.finish() { try printer.print(try await runner.run(statement)) }
    }
}

/// Sends statements to a database.
struct SQLRunner {
    let server: ServerConnection
    let database: String
    /// Whether changes are waited for until they are on disk.
    let isConfirmed: Bool

    func run(_ statement: String) async throws -> SQLAnswer {
        let query = isConfirmed ? [] : [("confirmed", "false")]
        let reply = try await server.send(.POST, ["database", database, "sql"], query: query, .text(statement))
        return try SQLAnswer(json: try reply.ofDatabase(database).json())
    }
}
