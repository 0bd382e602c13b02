import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS

/// The file in which a server keeps what it knows of its databases, in a directory that is the server's alone.
///
/// ```
/// <directory>/registry.json            names, owners, locks, and where databases are
/// <directory>/databases/<identity>-<number>/   the files of a database
/// ```
///
/// The file is written anew, as a whole, and takes its name in one step once it is on disk: so a crash leaves the old one or the
/// new one. It is small, and publishing is rare. Directories that it does not name are those of publications that were
/// interrupted, and go at the next start.
final class RegistryFile: Sendable {
    let disk: any Disk
    let directory: String
    private let lock: any DiskLock
    private var path: String { directory + "/registry.json" }

    /// Makes the directory if there is none, and locks it.
    ///
    /// - Throws: `inUse` if another server has it.
    init(in directory: String, on disk: any Disk) throws(DatabaseError) {
        try DatabaseDirectory.requirePath(directory)
        self.disk = disk
        self.directory = directory
        do throws(DiskError) {
            try disk.createDirectory(directory + "/databases")
            lock = try disk.lock(directory)
        } catch {
            guard error.code == .locked else { throw DatabaseError(any: error) }
            throw DatabaseError(
                .inUse, "another server has its databases in '\(directory)'; stop it, or choose another directory",
                cause: error)
        }
    }

    /// - Throws: `damaged` if the file cannot be read.
    func load() throws(DatabaseError) -> RegistryRecords {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readAll(path) } catch {
            if error.code == .notFound { return RegistryRecords() }
            throw DatabaseError(any: error)
        }
        do { return try RegistryRecords(JSON(parsing: bytes)) } catch {
            throw DatabaseError(
                .damaged,
                "'\(path)' cannot be read: \(error); put it back from a backup, or mend it by hand: it names the databases",
                cause: error)
        }
    }

    /// Returns when the records are on disk.
    func save(_ records: RegistryRecords) throws(DatabaseError) {
        let bytes = records.json.utf8
        let file = try WholeFile(path, on: disk)
        try file.write {
            let output = try disk.open(file.partialPath, .create)
            defer { output.close() }
            try bytes.withUnsafeBytes { try output.write($0, at: 0) }
        }
    }

    /// Gives the directory to others.
    func close() { lock.release() }

    // MARK: Directories of databases

    func path(of directory: String) -> String { "\(self.directory)/databases/\(directory)" }

    /// The name of a directory that is not there yet.
    func newDirectory(for identity: Identity) throws(DatabaseError) -> String {
        let numbers = try directories().compactMap { name in
            name.hasPrefix(identity.hex + "-") ? Int(name.dropFirst(identity.hex.utf8.count + 1)) : nil
        }
        return "\(identity.hex)-\((numbers.max() ?? 0) + 1)"
    }

    private func directories() throws(DatabaseError) -> [String] {
        do throws(DiskError) { return try disk.list(directory + "/databases") } catch {
            throw DatabaseError(any: error)
        }
    }

    /// Removes the files of databases that the records do not name.
    func removeOthers(than records: RegistryRecords) throws(DatabaseError) {
        let known = Set(records.published.values.map(\.directory))
        for name in try directories() where !known.contains(name) && Self.isOwn(name) { remove(name) }
    }

    /// Whether a directory was made here: what somebody else put beside stays.
    private static func isOwn(_ name: String) -> Bool {
        let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].utf8.count == 64 && Identity(hex: String(parts[0])) != nil
            && Int(parts[1]) != nil
    }

    /// Removes the files of a database. What cannot be removed is tried again at the next start.
    func remove(_ directory: String) { removeTree(path(of: directory)) }

    private func removeTree(_ path: String) {
        guard let names = try? disk.list(path) else {
            try? disk.remove(path)
            return
        }
        for name in names { removeTree("\(path)/\(name)") }
        try? disk.removeDirectory(path)
    }
}
