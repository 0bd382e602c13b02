import ArgumentParser
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeWASM

/// `spacetimekit replay`
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run the call of a commit again, and compare what it changes.",
        discussion: """
            spacetimekit replay data/chat 4711
                with the program that the database keeps
            spacetimekit replay data/chat 4711 --module chat.wasm
                with another one

            Nothing is written. Ends with code 1 if the call changes other rows than it
            did, or fails.
            """)

    @Option(help: "The module, a file in WebAssembly; by default the program that the database keeps.") var module:
        String?
    @Flag(help: "Print what came of it as JSON.") var json = false
    @Argument(help: "The directory of a database that does not run.") var database: String
    @Argument(help: "The offset of the commit.") var offset: UInt64

    func validate() throws { if offset == .max { throw ValidationError("there is no such commit") } }

    func run() async throws {
        let session = CommandSession.current
        let (database, module, offset) = (database, module, TxOffset(offset))
        let bytes = try module.map { try PublishCommand.module($0) }
        let report = try await ProgressLine.show("replaying", in: session) { _ in
            try DatabaseFolder(path: database).whileLocked {
                let program = try Self.program(of: database, bytes)
                let host = try ModuleRuntime.webAssembly().loader.load(program)
                return try DatabaseCore.replay(offset, of: database, module: host, on: SystemDisk())
            }
        }
        try session.print(json ? Self.json(report).description : report.description)
        if report.failure != nil || !report.differences.isEmpty {
            throw CommandFailure(.refused, "the call does not do what it did")
        }
    }

    private static func program(of database: String, _ bytes: [UInt8]?) throws -> ModuleProgram {
        if let bytes { return ModuleProgram(.webAssembly, bytes) }
        guard let stored = try DatabaseFolder(path: database).recovered().schema.program else {
            throw CommandFailure(
                .usage,
                "'\(database)' keeps no program: its module is in Swift, whose own program replays it (Database.replay); or say "
                    + "--module")
        }
        return try ProgramFiles(SystemDisk(), of: database).read(stored)
    }

    private static func json(_ report: ReplayReport) -> JSON {
        let differences = report.differences.map { difference in
            JSON.object([
                .init("run", .string(difference.run.rawValue)), .init("table", .string(difference.table)),
                .init("change", .string(difference.change)), .init("row", .string(difference.row)),
            ])
        }
        return .object([
            .init("offset", .integer(report.offset.rawValue)), .init("reducer", .string(report.reducer)),
            .init("caller", .string(report.caller.hex)), .init("timestamp", .string("\(report.timestamp)")),
            .init("failure", report.failure.map { .string("\($0)") } ?? .null),
            .init("differences", .array(differences)),
        ])
    }
}
