package import SpacetimeDurability

/// What lies in a directory: looked at before anything is read from it as a database, or written to it as one.
///
/// Files that a system puts everywhere (hidden ones, such as `.DS_Store`, and `lost+found`) count as nothing. A database
/// is known by the names of its files, so that one with damaged files is still one; beside them there may be others.
package struct DatabaseDirectory {
    package enum Content: Equatable, Sendable {
        case absent
        /// Nothing, or what an interrupted creation or backup left.
        case vacant
        case database
        /// Something else; the text names some of it.
        case other(String)
    }

    private let path: String
    private let disk: any Disk

    private static let log = "log"
    private static let snapshots = "snapshots"
    private static let manifest = log + LogManifest.suffix
    private static let programs = "programs"
    /// Earlier versions locked a file of this name.
    private static let oldLock = "lock"

    package static func log(of directory: String) -> String { directory + "/" + log }
    package static func snapshots(of directory: String) -> String { directory + "/" + snapshots }
    package static func programs(of directory: String) -> String { directory + "/" + programs }
    package static func moduleLog(of directory: String) -> String { directory + "/module-log" }

    /// - Throws: `notPossible` if the path is empty or names no directory, `storageFailure` if it cannot be listed.
    package static func content(of path: String, on disk: any Disk) throws(DatabaseError) -> Content {
        try requirePath(path)
        do throws(DiskError) { return try DatabaseDirectory(path: path, disk: disk).content() } catch {
            guard error.code == .notADirectory else { throw DatabaseError(any: error) }
            throw DatabaseError(
                .notPossible, "'\(path)' is no directory, and a database is one; choose another path", cause: error)
        }
    }

    /// - Throws: `notPossible` unless a database can be opened or made there.
    package static func requireOpenable(_ path: String, on disk: any Disk) throws(DatabaseError) -> Content {
        let content = try content(of: path, on: disk)
        if case .other(let names) = content {
            throw DatabaseError(
                .notPossible,
                "'\(path)' holds \(names) and no database; name the directory of a database, an empty one, or one to be "
                    + "made")
        }
        return content
    }

    /// - Throws: `notPossible` unless there is a database to be read.
    package static func requireDatabase(_ path: String, on disk: any Disk) throws(DatabaseError) {
        switch try content(of: path, on: disk) {
        case .database: return
        case .absent: throw DatabaseError(.notPossible, "there is no directory '\(path)'; check the path")
        case .vacant: throw none(in: path)
        case .other(let names):
            throw DatabaseError(.notPossible, "there is no database in '\(path)', which holds \(names); check the path")
        }
    }

    package static func none(in path: String) -> DatabaseError {
        DatabaseError(.notPossible, "there is no database in '\(path)', which is empty; check the path")
    }

    /// - Throws: `notPossible` unless a database can be written there that disturbs nothing.
    package static func requireVacant(_ path: String, on disk: any Disk) throws(DatabaseError) {
        switch try content(of: path, on: disk) {
        case .absent, .vacant: return
        case .database:
            throw DatabaseError(
                .notPossible, "'\(path)' holds a database already; choose an empty directory, or one to be made")
        case .other(let names):
            throw DatabaseError(
                .notPossible, "'\(path)' is not empty: it holds \(names); choose an empty directory, or one to be made")
        }
    }

    /// - Throws: `notPossible` if the path is none.
    package static func requirePath(_ path: String) throws(DatabaseError) {
        if path.isEmpty { throw DatabaseError(.notPossible, "the path is empty; say where the files are to be") }
        // The system would take the path to end there.
        if path.utf8.contains(0) {
            throw DatabaseError(.notPossible, "the path '\(path)' contains a zero byte; choose another one")
        }
    }

    /// A path that a file is to be written to, replacing one that is there.
    ///
    /// - Throws: `notPossible` if the path is none, names a directory, or lies in a directory that is not there.
    package static func requireFilePath(_ path: String, on disk: any Disk) throws(DatabaseError) {
        try requirePath(path)
        let parent = parentDirectory(of: path)
        do throws(DiskError) { _ = try disk.list(parent) } catch  where error.code == .notFound {
            throw DatabaseError(
                .notPossible, "'\(path)' cannot be written: there is no directory '\(parent)'; make it first",
                cause: error)
        } catch  where error.code == .notADirectory {
            throw DatabaseError(
                .notPossible, "'\(path)' cannot be written: '\(parent)' is no directory; choose another path",
                cause: error)
        } catch {
            // A directory that cannot be listed may still be written to; the attempt will show.
        }
        do throws(DiskError) { try disk.open(path, .read).close() } catch  where error.code == .notAFile {
            throw DatabaseError(
                .notPossible, "'\(path)' cannot be written: \(error.reason); name a file", cause: error)
        } catch {}
    }

    // MARK: Looking

    private func content() throws(DiskError) -> Content {
        guard let names = try visibleNames(path) else { return .absent }
        if names.contains(Self.manifest) { return .database }
        var foreign: [String] = []
        for name in names
        where ![Self.oldLock, Self.programs, Self.manifest + SnapshotFile.partialSuffix].contains(name) {
            guard let suffix = [Self.log: LogReader.suffix, Self.snapshots: SnapshotFile.suffix][name] else {
                foreign.append(name)
                continue
            }
            let parts = try partNames(name) ?? [name]
            if parts.contains(where: { FileName.offset($0, suffix) != nil }) { return .database }
            foreign += parts.filter { !Self.isLeftover($0) }.map { $0 == name ? name : "\(name)/\($0)" }
        }
        return foreign.isEmpty ? .vacant : .other(Self.text(foreign))
    }

    /// What is in one of the two directories of a database; nil if it is none.
    private func partNames(_ name: String) throws(DiskError) -> [String]? {
        do throws(DiskError) { return try visibleNames(path + "/" + name) ?? [] } catch
            where error.code == .notADirectory
        {
            return nil
        }
    }

    private func visibleNames(_ path: String) throws(DiskError) -> [String]? {
        do throws(DiskError) {
            return try disk.list(path).filter { $0.utf8.first != UInt8(ascii: ".") && $0 != "lost+found" }
        } catch  where error.code == .notFound {
            return nil
        }
    }

    private static func isLeftover(_ name: String) -> Bool {
        SnapshotFile.isLeftover(name) || FileName.offset(name, LogReader.indexSuffix) != nil
    }

    private static func text(_ names: [String]) -> String {
        let some = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 3 ? "\(some) and \(names.count - 3) more" : some
    }
}
