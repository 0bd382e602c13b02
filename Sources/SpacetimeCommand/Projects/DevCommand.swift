import ArgumentParser
import UnixSignals

/// `spacetimekit dev`
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Build and serve a package, and again whenever a source changes.",
        discussion: """
            spacetimekit dev
                the package in this folder, on port 3000
            spacetimekit dev --path talk --port 8080

            The program of the package is started with --port and --data. When a source
            changes it is built, stopped and started again, with its data; clients connect
            again by themselves. What does not compile is shown, and the program before goes
            on. The code that spacetime.json asks for is generated after each build. What
            the program prints, its log among it, is shown. Control-C ends both.

            A package in Rust is built with cargo, and its module is published to a server
            that this command is: as the database that spacetime.json names, else under
            the name of the package. What the module logs is shown.
            """)

    @Option(help: ArgumentHelp("The package, as 'spacetimekit init' makes them.", valueName: "dir")) var path = "."
    @Option(name: [.short, .long], help: "The port that the program listens on.") var port = 3000
    @Option(help: ArgumentHelp("The folder for the data, in that of the package.", valueName: "dir")) var data = "data"

    func validate() throws {
        if !(0...65_535 ~= port) { throw ValidationError("a port is a number from 0 to 65535") }
    }

    func run() async throws {
        let session = CommandSession.current
        let development = Development(
            package: ModulePackage(path, in: session), port: port,
            data: data.hasPrefix("/") ? data : "\(path)/\(data)", session: session)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask { try await development.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
