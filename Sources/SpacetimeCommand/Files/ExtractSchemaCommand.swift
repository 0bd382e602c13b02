import ArgumentParser
import SpacetimeSATS
import SpacetimeSchema

/// `spacetimekit extract-schema`
struct ExtractSchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract-schema", abstract: "Print what a module defines, for programs that generate code.",
        discussion: """
            spacetimekit extract-schema chat.wasm > chat.json
            spacetime generate --lang typescript --module-def chat.json \\
              --out-dir src/module_bindings

            spacetimekit extract-schema .build/debug/chat-server > chat.json
                a program with a module in Swift, which answers 'extract-schema' itself

            SPACETIMEDB_SCHEMA_EXTRACTOR names this command to the original one, which
            then generates code without its own server program. The schema of a database
            that runs is printed by 'describe --module-def'.
            """)

    @Flag(help: "As a tree for people.") var text = false
    @Option(help: "Taken from the original's command; only wasm is known.") var hostType: String?
    @Argument(help: "The module: a file in WebAssembly, a program in Swift, or a module definition in JSON.") var file:
        String

    func validate() throws {
        if let hostType, hostType.lowercased() != "wasm" {
            throw ValidationError("modules are in WebAssembly (wasm), not in '\(hostType)'")
        }
    }

    func run() async throws {
        let session = CommandSession.current
        let definition = try await ModuleFile(file).definition()
        guard text else {
            return try session.print(JSON.object([.init("V10", definition.json)]).description)
        }
        let schema: ModuleSchema
        do { schema = try ModuleSchema(validating: definition) } catch {
            throw CommandFailure(.refused, "the module's definition breaks rules: \(error)")
        }
        try session.print(SchemaText(DatabaseSchema(schema), style: session.style(of: .output)).text)
    }
}
