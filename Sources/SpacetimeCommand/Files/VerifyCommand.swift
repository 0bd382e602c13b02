import ArgumentParser
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS

/// `spacetimekit verify`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read all files of a database, and check every checksum and index.",
        discussion: """
            spacetimekit verify data/chat

            Takes as much memory as the database itself. Ends with code 1 if something is
            damaged, and says where.
            """)

    @Flag(help: "Print what was found as JSON.") var json = false
    @Argument(help: "The directory of a database that does not run.") var database: String

    func run() async throws {
        let session = CommandSession.current
        let database = database
        let found = try await ProgressLine.show("verifying", in: session) { _ in
            try DatabaseFolder(path: database).whileLocked { try DatabaseCore.verify(database, on: SystemDisk()) }
        }
        if json { return try session.print(JSON.array(found.map { .string($0) }).description) }
        for line in found { try session.print(line) }
    }
}
