import ArgumentParser
import SpacetimeDurability

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Builds a package, runs its program, and does both again when a source changes.
struct Development: Sendable {
    let package: ModulePackage
    let arguments: [String]
    let session: CommandSession

    /// Goes on until the task is cancelled; then the program has ended, too.
    ///
    /// - Throws: if there is no package that could be built.
    func run() async throws {
        let product = try await package.executable()
        var server: ChildProgram?
        do {
            while true {
                let sources = SourceWatch(package.path)
                if let program = try await built(product) {
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

    /// The path of the program, or nil if it does not compile, which is shown.
    private func built(_ product: String) async throws -> String? {
        try session.note(session.style(of: .errors).bold("building"))
        let began = ContinuousClock.now
        do {
            let program = try await package.built(product)
            let time = ContinuousClock.now - began
            try session.note(session.style(of: .errors).bold("built in \(time.components.seconds) s"))
            return program
        } catch let failure as CommandFailure where failure.status == .refused {
            try Task.checkCancellation()
            try session.note(session.style(of: .errors).red("not built: ") + failure.message)
            return nil
        }
    }

    private var show: @Sendable (String) -> Void {
        // Who does not look any more is noticed elsewhere.
        { [session] line in try? session.print(DisplayText.escapedLines(line)) }
    }

    /// Writes the code that the package asks for.
    private func generate(with program: String) async {
        do {
            guard let configuration = try ProjectConfiguration.read(in: package.path) else { return }
            let command = try GenerateCommand.parse(["--yes"])
            for target in try configuration.targets(of: nil) {
                try await command.generate(target.in(package.path, builtAs: program), session)
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

    /// Asks a program to end, and makes it end if it does not.
    private func stop(_ server: ChildProgram) async {
        server.send(SIGTERM)
        // Also when this task was cancelled: the program tells its clients, and brings to disk what it promised.
        await Task { _ = await server.finished(within: .seconds(10)) }.value
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
        let files = FolderContents.files(in: path + "/Sources") + [path + "/Package.swift", path + "/spacetime.json"]
        for file in files { marks[file] = FileMark(file) }
        return marks
    }
}
