import ArgumentParser
import SpacetimeBindings
import SpacetimeSATS
import SpacetimeSchema

/// `spacetimekit generate`
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write the code by which clients use a database.",
        discussion: """
            spacetimekit generate --lang swift chat
                for SpacetimeClient, of a database that runs
            spacetimekit generate --lang typescript --bin-path chat.wasm
                for the client that servers have at /client.js, of a module
            spacetimekit generate --lang typescript --client stock chat
                for the original's package 'spacetimedb'
            spacetimekit generate --lang rust --module-path ../server
                of a package of a module, which is built first
            spacetimekit generate
                what spacetime.json in this folder asks for

            Files are written if they have changed. Files of generated code that are no
            longer wanted are removed, after a question; nobody else's are touched. What is
            printed is the files that were written.
            """)

    /// Which client TypeScript is written for.
    enum Client: String, ExpressibleByArgument, CaseIterable {
        case own, stock
    }

    @OptionGroup var connection: ConnectionOptions
    @Option(
        name: [.short, .long],
        help: "swift, typescript, csharp or rust. By default what the project in this folder is written in.")
    var lang: String?
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The folder for the code; by default src/module_bindings, in C# module_bindings, in Swift Sources/ModuleBindings.",
            valueName: "dir"))
    var outDir: String?
    @Option(help: "Swift: the type that all code is in. C#: its namespace, by default SpacetimeDB.Types.")
    var namespace: String?
    @Option(help: "TypeScript: for our own client or for the original's package (own, stock).") var client = Client.own
    @Option(help: "TypeScript: what relative imports end with, such as js; by default nothing.") var importExtension:
        String?
    @Flag(help: "Also write what only the owner can use: private tables and functions.") var includePrivate = false
    @Flag(name: [.short, .long], help: "Remove outdated files without asking.") var yes = false
    @Option(
        name: [.customShort("p"), .long],
        help: ArgumentHelp("The package of a module, in Swift or Rust.", valueName: "dir"))
    var modulePath: String?
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "A module: a file in WebAssembly, a program in Swift, or what extract-schema printed.", valueName: "file"))
    var binPath: String?
    @Option(name: [.customShort("j"), .long], help: .hidden) var jsPath: String?
    @Option(help: ArgumentHelp("A module definition; - is the standard input.", valueName: "file"))
    var moduleDef: String?
    @Flag(help: "Pass over spacetime.json.") var noConfig = false
    @Argument(help: "The database on a server, or one of spacetime.json, where * stands for any letters.") var database:
        String?

    func validate() throws {
        if [modulePath, binPath, moduleDef].count(where: { $0 != nil }) + (database == nil ? 0 : 1) > 1 {
            throw ValidationError("say one of a database, --module-path, --bin-path and --module-def")
        }
        if jsPath != nil {
            throw ValidationError("modules in JavaScript cannot be read here; publish it, and name the database")
        }
        if let lang {
            guard let language = BindingLanguage(lang) else {
                throw ValidationError("there is no language '\(lang)', only swift, typescript, csharp and rust")
            }
            try validate(language)
        }
        if let importExtension, importExtension.hasPrefix(".") || importExtension.contains("/") {
            throw ValidationError("--import-extension is a word such as js")
        }
    }

    private func validate(_ language: BindingLanguage) throws {
        if namespace != nil, language != .csharp, language != .swift {
            throw ValidationError("--namespace is for swift and csharp")
        }
        if language != .typescript, client == .stock || importExtension != nil {
            throw ValidationError("--client and --import-extension are for typescript")
        }
    }

    func run() async throws {
        let session = CommandSession.current
        let isFromFile = modulePath == nil && binPath == nil && moduleDef == nil && !noConfig
        if isFromFile, let configuration = try ProjectConfiguration.read(in: "."),
            case let targets = try chosen(configuration.targets(of: database)), !targets.isEmpty
        {
            for target in targets { try await generate(target, session) }
            return
        }
        let language = try self.language()
        let target = GenerationTarget(
            source: try source(), language: language, folder: outDir, namespace: namespace,
            includesPrivate: includePrivate)
        try await generate(target, session)
    }

    /// What is wanted of what `spacetime.json` asks for: the language that was said, and with it all else that was.
    func chosen(_ targets: [GenerationTarget]) throws(CommandFailure) -> [GenerationTarget] {
        let wanted = targets.filter { target in lang.map { BindingLanguage($0) == target.language } ?? true }
        if wanted.count > 1, outDir != nil || namespace != nil {
            throw CommandFailure(
                .usage,
                "'\(ProjectConfiguration.name)' asks for the code of \(wanted.count) targets, which cannot all be in one place; say --lang "
                    + "and a database that mean one of them, or --no-config")
        }
        for target in wanted { do { try validate(target.language) } catch { throw CommandFailure(.usage, "\(error)") } }
        return wanted.map { $0.with(folder: outDir, namespace: namespace, includesPrivate: includePrivate) }
    }

    private func source() throws(CommandFailure) -> GenerationTarget.Source {
        if let modulePath { return .package(modulePath) }
        if let binPath { return .file(binPath) }
        if let moduleDef { return moduleDef == "-" ? .input : .file(moduleDef) }
        if let database { return .database(database) }
        throw CommandFailure(
            .usage,
            "it is not said what the code is for: name a database, or say --module-path, --bin-path or --module-def")
    }

    private func language() throws(CommandFailure) -> BindingLanguage {
        if let lang, let language = BindingLanguage(lang) { return language }
        if let found = BindingLanguage.ofProject(in: ".") { return found }
        throw CommandFailure(
            .usage, "it is not said which language is wanted, and no project is in this folder; say --lang")
    }

    // MARK: One target

    /// Writes the code that one target asks for.
    func generate(_ target: GenerationTarget, _ session: CommandSession) async throws {
        let definition = try await definition(target.source, session)
        let model: BindingModel
        let bindings: Bindings
        do throws(BindingFailure) {
            model = try BindingModel(definition, includesPrivate: target.includesPrivate)
            bindings = try model.bindings(for: self.target(target.language), options(target))
        } catch {
            throw CommandFailure(
                .refused,
                "no code can be written for this module:\n"
                    + error.problems.map { "  \($0)" }.joined(separator: "\n"))
        }
        for table in model.skippedTables { try session.note("table '\(table)' is private, and left out") }
        for warning in bindings.warnings { try session.note("note: \(DisplayText.escapedLines(warning))") }
        let files = bindings.files + (target.language == .typescript && client == .own ? ClientFiles.files : [])
        let folder = GeneratedFolder(path: target.folder ?? target.language.defaultFolder)
        let outcome = try folder.write(files)
        for path in outcome.written { try session.print(path) }
        try await removeOutdated(files, folder, target, session)
        try session.note(
            "\(outcome.written.count) of \(files.count) files written in '\(folder.path)'"
                + (outcome.written.isEmpty ? ", nothing has changed" : ""))
    }

    private func removeOutdated(
        _ files: [BindingFile], _ folder: GeneratedFolder, _ target: GenerationTarget, _ session: CommandSession
    ) async throws {
        // A folder of Swift may hold the code for several databases, each in a file of its own.
        if target.language == .swift { return }
        let outdated = try folder.outdated(files)
        if outdated.isEmpty { return }
        try session.note(
            "generated files that are no longer wanted:\n" + outdated.map { "  \($0)" }.joined(separator: "\n"))
        if !yes { try await session.confirm("Remove them?") }
        try folder.remove(outdated)
    }

    private func target(_ language: BindingLanguage) -> BindingTarget {
        switch language {
        case .swift: .swift
        case .typescript: client == .own ? .typeScript : .stockTypeScript
        case .csharp: .csharp
        case .rust: .rust
        }
    }

    private func options(_ target: GenerationTarget) -> BindingOptions {
        let usual = target.language == .csharp ? "SpacetimeDB.Types" : target.source.name
        return BindingOptions(namespace: target.namespace ?? usual, importExtension: importExtension)
    }

    private func definition(
        _ source: GenerationTarget.Source, _ session: CommandSession
    ) async throws -> RawModuleDefV10 {
        switch source {
        case .file(let path): return try await ModuleFile(path).definition()
        case .package(let path): return try await ModulePackage(path, in: session).definition()
        case .input:
            var bytes: [UInt8] = []
            while case let piece = session.terminal.read(), !piece.isEmpty { bytes += piece }
            return try ModuleFile.definition(json: bytes, of: "the standard input")
        case .database(let name):
            let json = try await connection.withServer(in: session) { try await $0.schemaJSON(of: name) }
            do throws(JSONError) { return try RawModuleDefV10(json: json) } catch {
                throw CommandFailure(.refused, "the schema that the server gave cannot be understood: \(error)")
            }
        }
    }
}
