#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A package with the wide module and a program that opens it, in a directory that goes away afterwards.
struct WidePackage {
    private let directory: String
    private let isRelease: Bool

    struct Build {
        let seconds: Double
        /// The memory of the largest process.
        let megabytes: Double
    }

    init(_ directory: String, release: Bool) throws {
        self.directory = directory
        isRelease = release
        for folder in ["/Sources", "/Sources/wide"] where mkdir(directory + folder, 0o700) != 0 {
            throw BenchError.system("'\(directory)\(folder)' cannot be made")
        }
        try Self.write(Self.manifest, to: directory + "/Package.swift")
        try Self.write(Self.program, to: directory + "/Sources/wide/Program.swift")
    }

    func write(_ files: [WideSources.File]) throws {
        for file in files { try Self.write(file.text, to: directory + "/Sources/wide/" + file.name) }
    }

    /// - Parameter target: the only target to build; nil for the whole program.
    func build(target: String?) throws -> Build {
        var words = ["swift", "build", "--package-path", directory]
        if isRelease { words += ["--configuration", "release"] }
        if let target { words += ["--target", target] }
        return try Self.run(words, output: directory + "/output.txt")
    }

    /// What the program prints: names and numbers.
    func openingFigures() throws -> [(String, Double)] {
        let output = directory + "/output.txt"
        _ = try Self.run([directory + "/.build/\(isRelease ? "release" : "debug")/wide"], output: output)
        return try Self.read(output).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let value = Double(words[1]) else { return nil }
            return (String(words[0]), value)
        }
    }

    // MARK: Sources

    /// This package's own directory: three folders around this file.
    private static let root = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()
    static let sampleDirectory = root + "/Benchmarks/Bench/Wide/Sample"

    private static var manifest: String {
        """
        // swift-tools-version: 6.2
        import PackageDescription

        var settings: [SwiftSetting] = []
        if let plugin = Context.environment["SPACETIME_MACRO_PLUGIN"] {
            settings = [.unsafeFlags(["-load-plugin-executable", "\\(plugin)#SpacetimeKitMacros"])]
        }

        let package = Package(
            name: "Wide",
            platforms: [.macOS(.v26)],
            dependencies: [.package(name: "SpacetimeKit", path: "\(root)")],
            targets: [
                .executableTarget(
                    name: "wide", dependencies: [.product(name: "SpacetimeKit", package: "SpacetimeKit")],
                    swiftSettings: settings)
            ])

        """
    }

    private static let program = """
        import SpacetimeKit

        // What the definition takes is not public.
        #if DEBUG
        @testable import SpacetimeHost
        @testable import SpacetimeKit
        #endif

        @main struct Program {
            static func main() throws {
                var times: [Double] = []
                for _ in 0..<11 {
                    let time = try ContinuousClock().measure { _ = try Database.open(.inMemory, module: Game.self) }
                    times.append(Double(time.components.seconds) * 1_000 + Double(time.components.attoseconds) / 1e15)
                }
                // The first one also pays for what Swift finds out about types once in a process.
                print("first_open_ms \\(times[0])")
                print("open_ms \\(times[1...].sorted()[5])")
                #if DEBUG
                let definition = StoredSchema.bytes(of: try Game.moduleContent.rawDefinition())
                print("definition_bytes \\(definition.count)")
                #endif
            }
        }

        """

    // MARK: Processes and files

    private static func run(_ words: [String], output: String) throws -> Build {
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) } + [nil]
        defer { arguments.forEach { free($0) } }
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)
        var process = pid_t()
        var usage = rusage()
        var status: Int32 = 0
        let time = ContinuousClock().measure {
            if posix_spawnp(&process, words[0], &files, nil, arguments, environ) != 0 { status = -1 }
            // Counts the children of the process, too: the compiler among them.
            if status == 0 { wait4(process, &status, 0, &usage) }
        }
        guard status == 0 else {
            let text = (try? read(output)) ?? ""
            throw BenchError.system("'\(words.joined(separator: " "))' failed:\n\(text)")
        }
        return Build(
            seconds: Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18,
            megabytes: Double(usage.ru_maxrss) * maxrssUnit / 1_048_576)
    }

    /// Linux counts in kilobytes.
    private static var maxrssUnit: Double {
        #if canImport(Darwin)
        1
        #else
        1_024
        #endif
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw BenchError.system("'\(path)' cannot be written") }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw BenchError.system("'\(path)' cannot be written") }
    }

    static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw BenchError.system("'\(path)' cannot be read") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
