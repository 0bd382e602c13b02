import ArgumentParser
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM

/// `spacetimekit extract-schema`
struct ExtractSchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract-schema", abstract: "Print what a module defines, for programs that generate code.",
        discussion: """
            spacetimekit extract-schema chat.wasm > chat.json
            spacetime generate --lang typescript --module-def chat.json \\
              --out-dir src/module_bindings

            SPACETIMEDB_SCHEMA_EXTRACTOR names this command to the original one, which
            then generates code without its own server program. The schema of a database
            that runs is printed by 'describe --module-def'.
            """)

    @Flag(help: "As a tree for people.") var text = false
    @Option(help: "Taken from the original's command; only wasm is known.") var hostType: String?
    @Argument(help: "The module: a file in WebAssembly, or a module definition in JSON.") var file: String

    func validate() throws {
        if let hostType, hostType.lowercased() != "wasm" {
            throw ValidationError("modules are in WebAssembly (wasm), not in '\(hostType)'")
        }
    }

    func run() async throws {
        let session = CommandSession.current
        let definition = try await Self.definition(file)
        guard text else {
            return try session.print(JSON.object([.init("V10", definition.json)]).description)
        }
        let schema: ModuleSchema
        do { schema = try ModuleSchema(validating: definition) } catch {
            throw CommandFailure(.refused, "the module's definition breaks rules: \(error)")
        }
        try session.print(SchemaText(DatabaseSchema(schema), style: session.style(of: .output)).text)
    }

    /// What a file defines.
    private static func definition(_ path: String) async throws -> RawModuleDefV10 {
        guard let bytes = try UserFile.read(path) else { throw CommandFailure(.usage, "there is no file '\(path)'") }
        if bytes.first == UInt8(ascii: "{") {
            do throws(JSONError) {
                let json = try JSON(parsing: bytes)
                return try RawModuleDefV10(json: json["V10"] ?? json)
            } catch {
                throw CommandFailure(.usage, "'\(path)' is no module definition of version 10: \(error)")
            }
        }
        let module = try PublishCommand.module(path)
        return try await suspendingAside {
            try ModuleRuntime.webAssembly().loader.load(ModuleProgram(.webAssembly, module)).describe()
        }
    }
}
