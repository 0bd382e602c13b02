import ArgumentParser
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSQLiteExport
import SpacetimeSchema

/// `spacetimekit export`
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the tables of a database that does not run as SQLite, CSV or JSON.",
        discussion: """
            spacetimekit export data/chat chat.sqlite
                one file, because of its name
            spacetimekit export data/chat tables --format csv
                a file for each table, in a directory
            spacetimekit export data/chat message.jsonl --format json --table message
            spacetimekit export data/chat --format csv --table message | head

            The module is not needed: how rows are to be read is in the files. Private
            tables are written, too.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case sqlite, csv, json

        /// By the end of a file's name.
        init?(of path: String) {
            switch path.split(separator: ".").last?.lowercased() {
            case "sqlite", "sqlite3", "db": self = .sqlite
            case "csv": self = .csv
            case "json", "jsonl": self = .json
            default: return nil
            }
        }

        var exchange: ExchangeFormat { self == .csv ? .csv : .jsonLines }
    }

    @Option(help: "sqlite, csv or json (an object on each line); by default what the name of the file says.")
    var format: Format?
    @Option(help: "The one table to write.") var table: String?
    @Option(help: "The commit after which the rows are wanted; by default the last.") var asOf: UInt64?
    @Flag(help: "Replace a file that is there.") var force = false
    @Argument(help: "The directory of the database.") var database: String
    @Argument(help: "The file or, for the tables as CSV or JSON, the directory. Without it, the standard output.")
    var output: String?

    func validate() throws {
        if asOf == .max { throw ValidationError("there is no such commit") }
        guard format ?? output.flatMap(Format.init(of:)) != nil else {
            throw ValidationError("say --format sqlite, csv or json")
        }
        if output == nil, table == nil { throw ValidationError("name a file, or say which --table is to be printed") }
        if output == nil, chosen == .sqlite { throw ValidationError("SQLite is written to a file; name one") }
        if table != nil, chosen == .sqlite { throw ValidationError("SQLite files hold all tables; leave --table out") }
    }

    private var chosen: Format { format ?? output.flatMap(Format.init(of:)) ?? .json }

    func run() async throws {
        let session = CommandSession.current
        let (database, asOf, chosen, table, force) = (database, asOf, chosen, table, force)
        guard let output else {
            // Straight to the pipe: rows may be more than fit in memory twice.
            let export = try await ProgressLine.show("reading", in: session) { _ in
                try DatabaseFolder(path: database).whileLocked {
                    FolderExport(try DatabaseFolder(path: database).recovered(upTo: asOf))
                }
            }
            _ = try export.write(try export.table(table ?? ""), chosen.exchange) {
                try session.terminal.write($0, to: .output)
            }
            return
        }
        let report = try await ProgressLine.show("exporting", in: session) { progress in
            try DatabaseFolder(path: database).whileLocked {
                let export = FolderExport(try DatabaseFolder(path: database).recovered(upTo: asOf))
                switch chosen {
                case .sqlite: return try export.writeSQLite(to: output, replacing: force)
                case .csv, .json:
                    if let table {
                        return try export.write(
                            [try export.table(table)], as: chosen.exchange, replacing: force, progress
                        ) { _ in output }
                    }
                    do throws(DiskError) { try SystemDisk().createDirectory(output) } catch {
                        throw CommandFailure(.refused, "'\(output)' cannot be made a directory: \(error)")
                    }
                    return try export.write(export.tables, as: chosen.exchange, replacing: force, progress) {
                        "\(output)/\($0).\(chosen.exchange.fileExtension)"
                    }
                }
            }
        }
        try session.note(report)
    }
}

/// Writes the tables that were found in a directory.
private struct FolderExport: Sendable {
    private let frozen: DatastoreSnapshot
    private let identity: Identity
    private let offset: TxOffset
    private let disk = SystemDisk()

    init(_ recovered: RecoveredDatabase) {
        frozen = recovered.datastore.snapshot()
        identity = recovered.schema.identity
        offset = TxOffset(recovered.nextOffset &- 1)
    }

    var tables: [(id: TableID, schema: TableSchema)] { DatabaseFolder.tables(of: frozen) }

    func table(_ name: String) throws(CommandFailure) -> (id: TableID, schema: TableSchema) {
        if let found = tables.first(where: { $0.schema.name == name }) { return found }
        let names = tables.map(\.schema.name).joined(separator: ", ")
        throw CommandFailure(
            .usage, "there is no table '\(name)'; there \(names.isEmpty ? "is none at all" : "are \(names)")")
    }

    func write(
        _ table: (id: TableID, schema: TableSchema), _ format: ExchangeFormat, _ sink: ([UInt8]) throws -> Void
    ) throws -> Int {
        try DatabaseCore.exportRows(table.id, of: frozen, as: format, to: sink)
    }

    /// Each table to a file of its own, which is there when it is whole.
    func write(
        _ tables: [(id: TableID, schema: TableSchema)], as format: ExchangeFormat, replacing: Bool,
        _ progress: ProgressLine, path: (String) -> String
    ) throws -> String {
        for table in tables { try requireNew(path(table.schema.name), replacing) }
        var count = 0
        for (position, table) in tables.enumerated() {
            progress.show(position, of: tables.count)
            let file = try WholeFile(path(table.schema.name), on: disk)
            count += try file.write {
                let output = try disk.open(file.partialPath, .create)
                defer { output.close() }
                var place: UInt64 = 0
                return try write(table, format) { piece in
                    try piece.withUnsafeBytes { try output.write($0, at: place) }
                    place += UInt64(piece.count)
                }
            }
        }
        return "\(count) rows of \(tables.count) tables as of commit \(offset)"
    }

    func writeSQLite(to path: String, replacing: Bool) throws -> String {
        try requireNew(path, replacing)
        let file = try WholeFile(path, on: disk)
        let report = try file.write {
            try SQLiteFile.write(frozen, offset: offset, identity: identity.hex, to: file.partialPath)
        }
        return report.description
    }

    private func requireNew(_ path: String, _ replacing: Bool) throws(CommandFailure) {
        guard !replacing, let present = try? disk.open(path, .read) else { return }
        present.close()
        throw CommandFailure(.refused, "'\(path)' exists; choose another name, or say --force to replace it")
    }
}
