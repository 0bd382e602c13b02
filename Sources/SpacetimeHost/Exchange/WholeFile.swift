package import SpacetimeDurability

/// A file that appears under its name only when it is whole, and replaces the file of that name only then.
package struct WholeFile {
    package let path: String
    /// Where the file is while it is being written.
    package let partialPath: String
    private let disk: any Disk

    /// Removes what an earlier attempt left.
    ///
    /// - Throws: `notPossible` if no file can be written there.
    package init(_ path: String, on disk: any Disk) throws(DatabaseError) {
        try DatabaseDirectory.requireFilePath(path, on: disk)
        self.path = path
        partialPath = path + ".partial"
        self.disk = disk
        try? disk.remove(partialPath)
    }

    /// Runs `body`, which makes the file at ``partialPath``, then syncs it and gives it its name. If anything fails, what
    /// was written is removed, and a file of that name stays as it was.
    package func write<Value>(_ body: () throws -> Value) throws(DatabaseError) -> Value {
        do {
            let value = try body()
            let file = try disk.open(partialPath, .update)
            defer { file.close() }
            try file.sync()
            try disk.rename(partialPath, to: path)
            try disk.syncDirectory(parentDirectory(of: path))
            return value
        } catch {
            try? disk.remove(partialPath)
            throw DatabaseError(any: error)
        }
    }
}
