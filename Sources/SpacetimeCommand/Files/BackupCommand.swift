import ArgumentParser
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS

/// `spacetimekit backup`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a database to another directory.",
        discussion: """
            spacetimekit backup data/chat backup/2026-01-01
                of a database that does not run
            spacetimekit backup --server local chat backup/2026-01-01
                of one that runs on a server, for its owner

            Everything is read and checked on the way. The copy is a database, as small as
            its rows are, without the history of the log. A program that has the database
            open makes a backup of it by Database.backup(to:).
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Print what came of it as JSON.") var json = false
    @Argument(help: "The directory of the database, or with --server its name.") var database: String
    @Argument(help: "The directory for the copy: empty, or one that is not there yet.") var copy: String

    func run() async throws {
        guard connection.server == nil else { return try await download() }
        try await RestoreCommand.copy(database, to: copy, upTo: nil, "backing up", json: json)
    }

    /// Fetches the files of a backup that a server makes, into a folder beside, which gets its name when all of them were checked.
    private func download() async throws {
        let session = CommandSession.current
        let disk = SystemDisk()
        try DatabaseDirectory.requireVacant(copy, on: disk)
        let partial = copy + ".partial"
        // What stands there may be somebody's own.
        try DatabaseDirectory.requireVacant(partial, on: disk)
        do {
            try await connection.withServer(in: session) { server in
                let progress = ProgressLine("backing up", in: session)
                defer { progress.end() }
                var writer = ArchiveWriter(into: partial, on: disk)
                try await server.pieces(["database", database, "backup"], of: database) { bytes in
                    try writer.append(bytes)
                    progress.show("\(writer.byteCount >> 20) MiB")
                }
                guard writer.isWhole else {
                    throw CommandFailure(.unreachable, "the backup was cut short; try again")
                }
            }
            let last = try await ProgressLine.show("checking", in: session) { _ in
                try DatabaseCore.recover(partial, on: disk).nextOffset &- 1
            }
            try disk.rename(partial, to: copy)
            try disk.syncDirectory(parentDirectory(of: copy))
            try RestoreCommand.report(TxOffset(last), copy, json, session)
        } catch {
            FolderContents.remove(partial)
            throw error
        }
    }
}

/// `spacetimekit restore`
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a database out of a backup, or out of another one as it was once.",
        discussion: """
            spacetimekit restore backup/2026-01-01 data/chat
            spacetimekit restore data/chat data/before --up-to 4711
                as it was right after commit 4711
            spacetimekit restore data/chat data/saved --salvage
                what lies before damage

            The source stays as it is.
            """)

    @Option(help: "The last commit to take over. How far back that may be depends on what the log still has.")
    var upTo: UInt64?
    @Flag(help: "Take what can be read in front of damage, and say what was met.") var salvage = false
    @Flag(help: "Print what came of it as JSON.") var json = false
    @Argument(help: "The directory of a backup, or of a database that does not run.") var source: String
    @Argument(help: "The directory for the database: empty, or one that is not there yet.") var database: String

    func validate() throws {
        if salvage, upTo != nil { throw ValidationError("say one of --up-to and --salvage") }
        if upTo == .max { throw ValidationError("there is no such commit") }
    }

    func run() async throws {
        guard salvage else {
            return try await Self.copy(source, to: database, upTo: upTo, "restoring", json: json)
        }
        let session = CommandSession.current
        let (source, database) = (source, database)
        let (offset, problems) = try await ProgressLine.show("salvaging", in: session) { _ in
            try DatabaseFolder(path: source).whileLocked {
                try DatabaseCore.salvage(source, to: database, on: SystemDisk())
            }
        }
        for problem in problems { try session.note(problem) }
        try Self.report(offset, database, json, session)
    }

    static func copy(
        _ source: String, to database: String, upTo offset: UInt64?, _ title: String, json: Bool
    ) async throws {
        let session = CommandSession.current
        let last = try await ProgressLine.show(title, in: session) { _ in
            try DatabaseFolder(path: source).whileLocked {
                try DatabaseCore.restore(
                    from: source, to: database, before: offset.map { $0 + 1 } ?? .max, on: SystemDisk())
            }
        }
        try report(last, database, json, session)
    }

    static func report(
        _ offset: TxOffset, _ database: String, _ json: Bool, _ session: CommandSession
    ) throws {
        guard json else { return try session.print("'\(database)' is as after commit \(offset)") }
        let answer = JSON.object([
            .init("directory", .string(database)), .init("offset", .integer(offset.rawValue)),
        ])
        try session.print(answer.description)
    }
}
