import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM

/// A file that says what a module defines: the module in WebAssembly, a program with a module in Swift, or the definition itself.
struct ModuleFile {
    let path: String

    init(_ path: String) { self.path = path }

    /// What a program with a module in Swift is asked with. It prints one value of JSON.
    static let question = "extract-schema"

    /// - Throws: `CommandFailure` that says what the file is not.
    func definition() async throws -> RawModuleDefV10 {
        guard let bytes = try UserFile.read(path) else { throw CommandFailure(.usage, "there is no file '\(path)'") }
        if bytes.first == UInt8(ascii: "{") { return try Self.definition(json: bytes, of: path) }
        if Self.isProgram(bytes) { return try await answered() }
        let module = try PublishCommand.module(path)
        return try await suspendingAside {
            try ModuleRuntime.webAssembly().loader.load(ModuleProgram(.webAssembly, module)).describe()
        }
    }

    /// Reads a definition, as `extract-schema` and `describe --module-def` print it, or as servers tell it.
    ///
    /// - Parameter origin: for the message.
    static func definition(json bytes: [UInt8], of origin: String) throws(CommandFailure) -> RawModuleDefV10 {
        do throws(JSONError) {
            let json = try JSON(parsing: bytes)
            return try RawModuleDefV10(json: json["V10"] ?? json)
        } catch {
            throw CommandFailure(.usage, "'\(origin)' is no module definition of version 10: \(error)")
        }
    }

    /// Whether a system would start it: ELF, Mach-O for one or several kinds of processors, a script.
    private static func isProgram(_ bytes: [UInt8]) -> Bool {
        [[0x7F, 0x45, 0x4C, 0x46], [0xCF, 0xFA, 0xED, 0xFE], [0xCA, 0xFE, 0xBA, 0xBE], [0x23, 0x21]]
            .contains { bytes.starts(with: $0) }
    }

    private func answered() async throws -> RawModuleDefV10 {
        // Without a slash the system would look for it elsewhere.
        let program = path.contains("/") ? path : "./\(path)"
        let outcome = try await ChildProgram(program, [Self.question], output: .collected).finished(
            within: .seconds(60))
        guard outcome.status == 0, !outcome.output.isEmpty else {
            throw CommandFailure(
                .usage,
                "'\(path)' does not tell what its module defines: \(outcome.text). A program with a module in Swift has to print "
                    + "'Chat.definitionJSON()' when it is started with the argument '\(Self.question)'")
        }
        return try Self.definition(json: outcome.output, of: "the output of \(path) \(Self.question)")
    }
}
