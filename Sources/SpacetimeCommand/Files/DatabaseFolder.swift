import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// The directory of a database that nobody has open.
struct DatabaseFolder: Sendable {
    let path: String
    private let disk = SystemDisk()

    /// Keeps others away while something is done with the files.
    ///
    /// - Throws: if there is no database, or somebody has it open.
    func whileLocked<Value>(_ body: () throws -> Value) throws -> Value {
        try requireDatabase()
        let lock: any DiskLock
        do throws(DiskError) { lock = try disk.lock(path) } catch  where error.code == .locked {
            throw CommandFailure(
                .refused,
                "'\(path)' is open in another process; end that one first, or have it make a backup itself "
                    + "(Database.backup)")
        } catch {
            throw CommandFailure(.refused, "'\(path)' cannot be locked: \(error)")
        }
        defer { lock.release() }
        return try body()
    }

    private func requireDatabase() throws {
        do throws(DatabaseError) { try DatabaseDirectory.requireDatabase(path, on: disk) } catch {
            // A server's directory has the databases further down.
            let below = (try? disk.list(path + "/databases"))?.sorted() ?? []
            guard !below.isEmpty else {
                throw CommandFailure(
                    .refused,
                    error.message
                        + (path.contains("/") ? "" : "; of a database that runs on a server, --server makes a backup"))
            }
            throw CommandFailure(
                .usage,
                "'\(path)' is the directory of a server, not of a database; name one of these:\n"
                    + below.map { "  \(path)/databases/\($0)" }.joined(separator: "\n"))
        }
    }

    /// What the files say the database was after a commit; by default after the last one.
    func recovered(upTo offset: UInt64? = nil) throws -> RecoveredDatabase {
        try DatabaseCore.recover(
            path, before: offset.map { $0 + 1 } ?? .max, on: disk, for: offset.map { TxOffset($0) })
    }

    /// The tables of the module, in their order.
    static func tables(of frozen: DatastoreSnapshot) -> [(id: TableID, schema: TableSchema)] {
        frozen.tableIDs.compactMap { id in
            guard let schema = frozen.schema(of: id), schema.kind == .user, !schema.isEvent else { return nil }
            return (id, schema)
        }
    }
}
