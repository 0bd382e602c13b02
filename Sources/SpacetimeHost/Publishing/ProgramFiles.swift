package import SpacetimeDurability

/// The programs of a published database, in a directory of its own, each in a file that is named by its hash.
///
/// Which of them is the module's is said by the database itself (``StoredSchema/program``). A program is there before a commit
/// names it, and goes when a later one is on disk: so a crash at any moment leaves the one that is named, and at most one more.
package struct ProgramFiles: Sendable {
    private let disk: any Disk
    private let directory: String
    private static let suffix = ".wasm"

    /// - Parameter directory: the database's.
    package init(_ disk: any Disk, of directory: String) {
        self.disk = disk
        self.directory = DatabaseDirectory.programs(of: directory)
    }

    private func path(_ hash: [UInt8]) -> String { "\(directory)/\(hash.hexText)\(Self.suffix)" }

    /// Writes a program. It is on disk when this returns.
    package func keep(_ program: ModuleProgram) throws(DatabaseError) {
        if (try? read(StoredProgram(program))) != nil { return }
        do throws(DiskError) { try disk.createDirectory(directory) } catch { throw DatabaseError(any: error) }
        let file = try WholeFile(path(program.hash), on: disk)
        try file.write {
            let output = try disk.open(file.partialPath, .create)
            defer { output.close() }
            try program.bytes.withUnsafeBytes { try output.write($0, at: 0) }
        }
    }

    /// - Throws: `damaged` if the program is not there, or is another one than its name says.
    package func read(_ stored: StoredProgram) throws(DatabaseError) -> ModuleProgram {
        let path = path(stored.hash)
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readAll(path) } catch {
            throw DatabaseError(
                .damaged, "the module's program cannot be read; put it back, or publish it again: \(error)",
                cause: error)
        }
        let program = ModuleProgram(stored.kind, bytes)
        guard program.hash == stored.hash else {
            throw DatabaseError(
                .damaged, "'\(path)' is not the program that its name says; put that back, or publish it again")
        }
        return program
    }

    /// Removes all programs but one. What cannot be removed stays, and is tried again the next time.
    package func removeOthers(than stored: StoredProgram) {
        guard let names = try? disk.list(directory) else { return }
        let kept = path(stored.hash)
        for name in names where "\(directory)/\(name)" != kept { try? disk.remove("\(directory)/\(name)") }
        try? disk.syncDirectory(directory)
    }
}
