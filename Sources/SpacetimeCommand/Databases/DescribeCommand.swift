import ArgumentParser
import SpacetimeSATS

/// `spacetimekit describe`
struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show the tables and functions of a database.",
        discussion: """
            spacetimekit describe chat
            spacetimekit describe chat message   one table, view or function
            spacetimekit describe chat --mermaid > er.mmd
                a diagram of tables
            spacetimekit describe chat --json | jq .
                the schema, as servers tell it
            spacetimekit describe chat --module-def > chat.json
                what the original's 'generate --module-def' reads
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "The schema as JSON, as the server tells it.") var json = false
    @Flag(help: "An entity-relationship diagram for Mermaid.") var mermaid = false
    @Flag(help: "The schema as a module definition, for programs that generate code.") var moduleDef = false
    @Option(help: "Which version of the schema --json prints: 9 or 10.") var schemaVersion = 10
    @Argument(help: "The database: a name, or an identity.") var database: String
    @Argument(help: "The one table, view or function to show.") var part: String?

    func validate() throws {
        if [json, mermaid, moduleDef].filter(\.self).count > 1 {
            throw ValidationError("say one of --json, --mermaid and --module-def")
        }
        if schemaVersion != 9, schemaVersion != 10 { throw ValidationError("there are versions 9 and 10 of schemas") }
    }

    func run() async throws {
        let session = CommandSession.current
        try await connection.withServer(in: session) { server in
            let raw = try await server.schemaJSON(of: database, version: json ? schemaVersion : 10)
            if json { return try session.print(raw.description) }
            if moduleDef { return try session.print(JSON.object([.init("V10", raw)]).description) }
            let schema = try DatabaseSchema(json: raw)
            let text: String
            if mermaid {
                text = SchemaDiagram.mermaid(schema.module)
            } else {
                let description = SchemaText(schema, style: session.style(of: .output))
                if let part {
                    guard let found = description.part(part) else {
                        let near = Spelling.nearest(to: part, among: description.names)
                        throw CommandFailure(
                            .usage,
                            "'\(database)' has nothing named '\(part)'" + (near.map { "; '\($0)' is there" } ?? ""))
                    }
                    text = found
                } else {
                    text = description.text
                }
            }
            try session.print(text)
        }
    }
}
