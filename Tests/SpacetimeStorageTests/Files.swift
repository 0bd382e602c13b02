import SpacetimeDurability
import SpacetimeKit
import SpacetimeTesting

/// All files under a directory with their bytes, and the directories, which have none: to be compared before and after.
func files(_ directory: String, on disk: any Disk) throws -> [String: [UInt8]?] {
    var found: [String: [UInt8]?] = [:]
    guard let names = try? disk.list(directory) else { return found }
    for name in names {
        let path = directory + "/" + name
        do throws(DiskError) { found[path] = .some(try disk.readAll(path)) } catch {
            guard error.code == .notAFile else { throw error }
            found[path] = .some(nil)
            found.merge(try files(path, on: disk)) { first, _ in first }
        }
    }
    return found
}

extension StorageOptions {
    /// Small log files on any disk: with the large ones that a program has, looking through reserved space takes long in
    /// a debug build.
    static func small(_ disk: any Disk) -> StorageOptions {
        var options = StorageOptions(disk: disk)
        options.segmentByteCount = 8 << 10
        return options
    }
}

/// Writes such files to another disk, under another directory.
func write(_ files: [String: [UInt8]?], of directory: String, to target: String, on disk: any Disk) throws {
    try disk.createDirectory(target)
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
        let path = target + path.dropFirst(directory.count)
        guard let bytes else {
            try disk.createDirectory(path)
            continue
        }
        try disk.createDirectory(parentDirectory(of: path))
        let file = try disk.open(path, .create)
        defer { file.close() }
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    }
}
