import SpacetimeDurability
import SpacetimeHost
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Lets one backup be made at a time: each takes as much room as its database.
final class BackupTurns: Sendable {
    private let isTaken = Mutex(false)

    /// The right to make a backup until nobody holds it any more; nil if somebody has it.
    func turn() -> Turn? {
        let isFree = isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
        return isFree ? Turn(self) : nil
    }

    final class Turn: Sendable {
        private let turns: BackupTurns

        fileprivate init(_ turns: BackupTurns) { self.turns = turns }

        deinit { turns.isTaken.withLock { $0 = false } }
    }
}

/// A backup in a folder of its own, which is gone when nobody holds this any more.
final class BackupFiles: Sendable {
    struct File: Sendable {
        let path: String
        let entry: TarEntry
        let header: [UInt8]
    }

    let offset: TxOffset
    let list: [File]
    private let folder: TemporaryFolder
    private let turn: BackupTurns.Turn

    init(of core: DatabaseCore, _ turn: BackupTurns.Turn) throws(DatabaseError) {
        folder = try TemporaryFolder()
        self.turn = turn
        let disk = SystemDisk()
        offset = try core.backUp(to: folder.path, on: disk).offset
        do throws(DiskError) { list = try Self.files(in: folder.path, as: "", disk) } catch {
            throw DatabaseError(any: error)
        }
    }

    private static func files(in folder: String, as prefix: String, _ disk: SystemDisk) throws(DiskError) -> [File] {
        var files: [File] = []
        for name in try disk.list(folder) {
            let path = folder + "/" + name
            do throws(DiskError) {
                let file = try disk.open(path, .read)
                defer { file.close() }
                let entry = TarEntry(path: prefix + name, byteCount: try file.size())
                guard let header = entry.header else {
                    throw DiskError(.unsupported, operation: "archive", path: path, reason: "it is too large")
                }
                files.append(File(path: path, entry: entry, header: header))
            } catch  where error.code == .notAFile {
                files += try Self.files(in: path, as: prefix + name + "/", disk)
            }
        }
        return files
    }

    /// The next bytes of a file, of which there are some.
    func read(_ file: File, from place: UInt64) throws -> [UInt8] {
        let open = try SystemDisk().open(file.path, .read)
        defer { open.close() }
        let wanted = Int(min(file.entry.byteCount - place, 1 << 20))
        var bytes = [UInt8](repeating: 0, count: wanted)
        let count = try bytes.withUnsafeMutableBytes { try open.read(at: place, into: $0) }
        guard count == wanted else {
            throw DiskError(.inputOutput, operation: "read", path: file.path, reason: "it has become shorter")
        }
        return bytes
    }
}

/// A folder for temporary files.
private final class TemporaryFolder: Sendable {
    let path: String

    init() throws(DatabaseError) {
        let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var pattern = Array("\(place)/spacetimekit-backup-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else {
            throw DatabaseError(
                .storageFailure, "no folder can be made in '\(place)': \(String(cString: strerror(errno)))")
        }
        path = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path, SystemDisk()) }

    private static func remove(_ folder: String, _ disk: SystemDisk) {
        for name in (try? disk.list(folder)) ?? [] {
            let path = folder + "/" + name
            do { try disk.remove(path) } catch { remove(path, disk) }
        }
        try? disk.removeDirectory(folder)
    }
}
