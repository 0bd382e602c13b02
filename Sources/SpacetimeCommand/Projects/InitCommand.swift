import ArgumentParser
import SpacetimeBindings

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `spacetimekit init`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Begin a package with a database, a server and a page.",
        discussion: """
            spacetimekit init --template chat talk
            cd talk
            spacetimekit dev

            Templates: chat (who is here, and what is said), game (players on a field pick
            up coins), tracker (what has to be done, and who does it), empty (one table).
            Each has tests: swift test.
            """)

    @Option(name: [.short, .long], help: "What to begin with: chat, game, tracker or empty.") var template =
        ProjectTemplate.empty
    @Option(
        help: ArgumentHelp(
            "Where SpacetimeKit comes from: the address of its repository, or a folder. By default the folder that this command was "
                + "built from.", valueName: "url|dir"))
    var kit: String?
    @Argument(help: "The name of the package, and the folder that is made for it.") var name: String

    func validate() throws {
        guard let first = name.first, first.isASCII, first.isLetter,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }), name.count <= 60
        else { throw ValidationError("a name has letters, digits, - and _, and begins with a letter") }
    }

    func run() async throws {
        let session = CommandSession.current
        let package = ProjectPackage(name: name, template: template, kit: try KitLocation(kit))
        if let other = package.dependencies.first(where: { $0.lowercased() == name.lowercased() }) {
            throw CommandFailure(
                .refused, "the package needs one that is called '\(other)', and cannot have its name; take another one")
        }
        if access(name, F_OK) == 0 {
            throw CommandFailure(.refused, "there is something named '\(name)' already; take another name, or move it")
        }
        for file in package.files {
            let path = "\(name)/\(file.path)"
            try UserFile.makeDirectory(of: path, mode: 0o755)
            try UserFile.write(Array(file.text.utf8), to: path, mode: 0o644)
            try session.print(path)
        }
        try session.note(
            """
            next:
              cd \(name)
              spacetimekit dev      builds, serves, and builds again when a source changes
              swift test            the tests of the database
            """)
    }
}

/// Where the package finds SpacetimeKit.
struct KitLocation: Equatable {
    /// The entry of the manifest.
    let dependency: String
    /// What the package manager calls it.
    let identity: String

    /// - Throws: `CommandFailure` if it is neither an address nor a folder with a package.
    init(_ text: String?) throws(CommandFailure) {
        if let text, text.contains("://") || text.hasPrefix("git@") {
            dependency = ".package(url: \(Self.quoted(text)), branch: \"main\")"
            let last = text.split(separator: "/").last.map(String.init) ?? text
            identity = last.hasSuffix(".git") ? String(last.dropLast(4)) : last
            return
        }
        // This file is in Sources/SpacetimeCommand/Projects.
        let built = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let folder = text ?? built
        guard access("\(folder)/Package.swift", F_OK) == 0, let path = realpath(folder, nil) else {
            throw CommandFailure(
                .usage,
                text == nil
                    ? "the sources that this command was built from are gone; say --kit with the address of SpacetimeKit's repository, or "
                        + "with a folder that it is in" : "there is no package in '\(folder)'")
        }
        defer { free(path) }
        let absolute = String(cString: path)
        dependency = ".package(path: \(Self.quoted(absolute)))"
        identity = absolute.split(separator: "/").last.map(String.init) ?? absolute
    }

    /// A text as a manifest in Swift has it.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
