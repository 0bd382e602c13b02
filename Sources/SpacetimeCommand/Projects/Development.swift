import ArgumentParser
import Logging
import SpacetimeDurability
import SpacetimeHost
import SpacetimeServer
import SpacetimeWASM

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Builds a package, serves what it is built to, and does both again when a source changes: it runs the program of a package in
/// Swift, and publishes the module of one in Rust to a server of its own.
struct Development: Sendable {
    let package: ModulePackage
    let port: Int
    /// The folder for the data.
    let data: String
    let session: CommandSession

    /// Goes on until the task is cancelled; then what was started has ended, too.
    ///
    /// - Throws: if there is no package that could be built.
    func run() async throws {
        if package.isRust { try await publish() } else { try await runProgram() }
    }

    // MARK: Swift

    private func runProgram() async throws {
        let product = try await package.executable()
        let arguments = ["--port", "\(port)", "--data", data]
        var server: ChildProgram?
        do {
            while true {
                let sources = SourceWatch(package.path)
                if let program = try await built({ try await package.built(product) }) {
                    if let server { await stop(server) }
                    server = try ChildProgram(program, arguments, output: .lines(show), hasOwnGroup: true)
                    await generate(with: program)
                }
                try await wait(sources, server)
            }
        } catch {
            if let server { await stop(server) }
            // Whoever interrupts it wants just that.
            if !(error is CancellationError) { throw error }
        }
    }

    private var show: @Sendable (String) -> Void {
        // Who does not look any more is noticed elsewhere.
        { [session] line in try? session.print(DisplayText.escapedLines(line)) }
    }

    /// Asks a program to end, and makes it end if it does not.
    private func stop(_ server: ChildProgram) async {
        server.send(SIGTERM)
        // Also when this task was cancelled: the program tells its clients, and brings to disk what it promised.
        await Task { _ = await server.finished(within: .seconds(10)) }.value
    }

    // MARK: Rust

    /// Serves databases that are published, and publishes the module.
    private func publish() async throws {
        var options = ServerOptions(host: "127.0.0.1", port: port)
        options.publishing.runtime = .webAssembly()
        options.publishing.directory = data
        options.tokens.keys = try TokenKeys(directory: data + "/keys")
        var logger = Logger(label: "spacetimekit") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        let server = SpacetimeServer(options: options, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            do {
                let address = "http://127.0.0.1:\(try await server.waitUntilListening())"
                try session.print(address)
                try await publish(to: address)
            } catch is CancellationError {}
        }
    }

    private func publish(to address: String) async throws {
        var log: Task<Void, Never>?
        defer { log?.cancel() }
        while true {
            let sources = SourceWatch(package.path)
            if let module = try await built({ try await package.built() }) {
                let database = try databaseName(of: module)
                if await publish(module, as: database, to: address) {
                    if log == nil { log = Task { await follow(database, at: address) } }
                    await generate(with: module)
                }
            }
            try await wait(sources, nil)
        }
    }

    /// Whether it is the module of the database now. Why not is shown.
    private func publish(_ module: String, as database: String, to address: String) async -> Bool {
        do {
            try await PublishCommand.parse(["--server", address, "--yes", module, database]).run()
            return true
        } catch {
            try? session.note(session.style(of: .errors).red("not published: ") + CommandFailure(any: error).message)
            return false
        }
    }

    /// Shows what the module logs.
    private func follow(_ database: String, at address: String) async {
        try? await LogsCommand.parse(["--server", address, "--follow", database]).run()
    }

    /// What the configuration says, else what the module is called.
    private func databaseName(of module: String) throws -> String {
        if let name = try ProjectConfiguration.read(in: package.path)?.database { return name }
        let file = module.split(separator: "/").last ?? ""
        return String(file.prefix { $0 != "." }.replacing("_", with: "-"))
    }

    // MARK: Both

    /// The path of what was built, or nil if it does not compile, which is shown.
    private func built(_ build: () async throws -> String) async throws -> String? {
        try session.note(session.style(of: .errors).bold("building"))
        let began = ContinuousClock.now
        do {
            let path = try await build()
            let time = ContinuousClock.now - began
            try session.note(session.style(of: .errors).bold("built in \(time.components.seconds) s"))
            return path
        } catch let failure as CommandFailure where failure.status == .refused {
            try Task.checkCancellation()
            try session.note(session.style(of: .errors).red("not built: ") + failure.message)
            return nil
        }
    }

    /// Writes the code that the package asks for.
    private func generate(with module: String) async {
        do {
            guard let configuration = try ProjectConfiguration.read(in: package.path) else { return }
            let command = try GenerateCommand.parse(["--yes"])
            for target in try configuration.targets(of: nil) {
                try await command.generate(target.in(package.path, builtAs: module), session)
            }
        } catch {
            try? session.note(session.style(of: .errors).red("not generated: ") + CommandFailure(any: error).message)
        }
    }

    /// Waits until a source has changed.
    private func wait(_ sources: SourceWatch, _ server: ChildProgram?) async throws {
        let news = server.map { server in
            Task {
                let outcome = await server.finished()
                if Task.isCancelled { return }
                try? session.note("the program has ended (\(outcome.text)); it is started again when a source changes")
            }
        }
        defer { news?.cancel() }
        // Editors write a file in several steps; what was changed in the last moment is waited for.
        while !sources.haveChanged { try await Task.sleep(for: .milliseconds(200)) }
        try await Task.sleep(for: .milliseconds(100))
    }
}

/// The sources of a package as they were at one moment.
struct SourceWatch: Sendable {
    private let path: String
    private let seen: [String: FileMark]

    init(_ path: String) {
        self.path = path
        seen = Self.marks(of: path)
    }

    var haveChanged: Bool { Self.marks(of: path) != seen }

    private static func marks(of path: String) -> [String: FileMark] {
        var marks: [String: FileMark] = [:]
        // Of a package in Swift, and of one in Rust.
        let folders = ["Sources", "src"].flatMap { FolderContents.files(in: "\(path)/\($0)") }
        let files = ["Package.swift", "Cargo.toml", "build.rs", "spacetime.json"].map { "\(path)/\($0)" }
        for file in folders + files { marks[file] = FileMark(file) }
        return marks
    }
}
