import HTTPTypes
import HummingbirdCore
import NIOCore
import SpacetimeDurability
import SpacetimeHost

extension HTTPService {
    /// The database as it is now, as the files of a backup in an archive that `tar` reads.
    ///
    /// It is made in a folder for temporary files first, since a database can be larger than memory is free, and whoever reads slowly
    /// must not hold anything up.
    func backup(_ segment: String, _ principal: Principal) async throws(Refusal) -> Response {
        let core = try ownDatabase(segment, principal, "back it up").core
        guard let turn = server.backups.turn() else {
            throw Refusal(429, "another backup is being made; try again when it is done")
        }
        let files: BackupFiles
        do throws(DatabaseError) {
            files = try await suspendingAside { () throws(DatabaseError) in try BackupFiles(of: core, turn) }
        } catch { throw Refusal(500, "the backup could not be made: \(error.message)") }
        var headers: HTTPFields = [.contentType: "application/x-tar", .cacheControl: "no-store"]
        headers[.commitOffset] = "\(files.offset)"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                for file in files.list {
                    try await writer.write(ByteBuffer(bytes: file.header))
                    var place: UInt64 = 0
                    while place < file.entry.byteCount {
                        let from = place
                        let piece = try await suspendingAside { try files.read(file, from: from) }
                        place += UInt64(piece.count)
                        try await writer.write(ByteBuffer(bytes: piece))
                    }
                    try await writer.write(ByteBuffer(repeating: 0, count: file.entry.padding))
                }
                try await writer.write(ByteBuffer(bytes: TarEntry.end))
                try await writer.finish(nil)
            })
    }
}

extension HTTPField.Name {
    /// The last commit that a backup includes.
    static let commitOffset = HTTPField.Name("spacetime-commit-offset")!
}
