import SpacetimeSATS
import SpacetimeSchema

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder with the sources of a module, in Swift or in Rust.
struct ModulePackage {
    let path: String
    /// The programs that build, which variables may name: those of another toolchain.
    private let swift: String
    private let cargo: String

    init(_ path: String, in session: CommandSession) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        swift = session.variable("SPACETIMEKIT_SWIFT") ?? "swift"
        cargo = session.variable("SPACETIMEKIT_CARGO") ?? "cargo"
    }

    private func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// Whether its module is one in Rust.
    var isRust: Bool { !has("Package.swift") && has("Cargo.toml") }

    /// Builds it, and asks what the module defines.
    func definition() async throws -> RawModuleDefV10 { try await ModuleFile(try await built()).definition() }

    /// Builds it.
    ///
    /// - Returns: the path of the program or of the module in WebAssembly.
    func built() async throws -> String {
        if has("Package.swift") { return try await built(try await executable()) }
        if isRust { return try await builtRust() }
        throw CommandFailure(
            .usage,
            "'\(path)' has neither a Package.swift nor a Cargo.toml; of another module name the file with --bin-path")
    }

    // MARK: Swift

    /// Builds one program of the package.
    ///
    /// - Returns: the path of the program.
    func built(_ product: String) async throws -> String {
        try await run(swift, ["build", "--package-path", path, "--product", product])
        let folder = try await output(swift, ["build", "--package-path", path, "--show-bin-path"])
        return folder.trimmed + "/" + product
    }

    /// The one program of the package.
    func executable() async throws -> String {
        let text = try await output(swift, ["package", "--package-path", path, "describe", "--type", "json"])
        guard let start = text.firstIndex(of: "{"), let json = try? JSON(parsing: String(text[start...])) else {
            throw CommandFailure(.refused, "'swift package describe' cannot be understood")
        }
        let programs = (json["products"]?.arrayValue ?? []).filter { $0["type"]?["executable"] != nil }
            .compactMap { $0["name"]?.stringValue }
        guard let program = programs.first else {
            throw CommandFailure(
                .usage, "the package in '\(path)' has no program that could tell what its module defines")
        }
        guard programs.count == 1 else {
            throw CommandFailure(
                .usage,
                "the package in '\(path)' has several programs (\(programs.joined(separator: ", "))); build it, and name the one with the "
                    + "module with --bin-path")
        }
        return program
    }

    // MARK: Rust

    private func builtRust() async throws -> String {
        let arguments = [
            "build", "--release", "--target", "wasm32-unknown-unknown", "--manifest-path", "\(path)/Cargo.toml",
        ]
        let lines = try await output(cargo, arguments + ["--message-format", "json"]).split(separator: "\n")
        for line in lines.reversed() {
            guard let message = try? JSON(parsing: String(line)), let files = message["filenames"]?.arrayValue else {
                continue
            }
            if let module = files.compactMap(\.stringValue).first(where: { $0.hasSuffix(".wasm") }) { return module }
        }
        throw CommandFailure(
            .refused, "'\(path)' was built, and has no module in WebAssembly; its Cargo.toml needs crate-type cdylib")
    }

    // MARK: Tools

    private func run(_ tool: String, _ arguments: [String]) async throws {
        try check(tool, try await Self.run(tool, arguments, .asNotes))
    }

    private func output(_ tool: String, _ arguments: [String]) async throws -> String {
        let outcome = try await Self.run(tool, arguments, .collected)
        try check(tool, outcome)
        return String(decoding: outcome.output, as: UTF8.self)
    }

    private static func run(
        _ tool: String, _ arguments: [String], _ output: ChildProgram.Output
    ) async throws -> ChildProgram.Outcome {
        // There are packages that take a day.
        try await ChildProgram(tool, arguments, output: output).finished(within: .seconds(24 * 3_600))
    }

    private func check(_ tool: String, _ outcome: ChildProgram.Outcome) throws {
        if outcome.status == 0 { return }
        throw CommandFailure(.refused, "'\(path)' could not be built by \(tool): \(outcome.text)")
    }
}
