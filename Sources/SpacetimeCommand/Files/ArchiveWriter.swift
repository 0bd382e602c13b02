import SpacetimeDurability
import SpacetimeServer

/// Writes the files of an archive into a folder, as its bytes arrive.
///
/// An archive comes from a server: a path in it that leads elsewhere, or anything but files, is refused.
struct ArchiveWriter {
    private let folder: String
    private let disk: SystemDisk
    private var pending: [UInt8] = []
    private var file: (any DiskFile)?
    /// What is still to come of the file, and then of its padding.
    private var rest: UInt64 = 0
    private var padding = 0
    private var place: UInt64 = 0
    private(set) var byteCount: UInt64 = 0
    /// Whether the end of the archive was seen.
    private(set) var isWhole = false

    init(into folder: String, on disk: SystemDisk) {
        self.folder = folder
        self.disk = disk
    }

    /// Takes bytes in.
    ///
    /// - Throws: `CommandFailure` if it is no archive, `DiskError` if a file cannot be written.
    mutating func append(_ bytes: [UInt8]) throws {
        byteCount += UInt64(bytes.count)
        pending += bytes
        var start = 0
        defer { pending.removeFirst(start) }
        while start < pending.count, !isWhole {
            if rest > 0 {
                let count = Int(min(rest, UInt64(pending.count - start)))
                try write(pending[start..<start + count])
                start += count
                rest -= UInt64(count)
                if rest == 0 { try close() }
            } else if padding > 0 {
                let count = min(padding, pending.count - start)
                start += count
                padding -= count
            } else {
                guard pending.count - start >= TarEntry.blockByteCount else { return }
                try begin(Array(pending[start..<start + TarEntry.blockByteCount]))
                start += TarEntry.blockByteCount
            }
        }
    }

    private mutating func begin(_ header: [UInt8]) throws {
        if header.allSatisfy({ $0 == 0 }) {
            isWhole = true
            return
        }
        guard let entry = TarEntry(header: header) else {
            throw CommandFailure(.refused, "what the server sends is no backup")
        }
        guard Self.staysInside(entry.path) else {
            throw CommandFailure(.refused, "the backup has a file that leads out of it: '\(entry.path)'")
        }
        let path = folder + "/" + entry.path
        try disk.createDirectory(parentDirectory(of: path))
        file = try disk.open(path, .create)
        (rest, padding, place) = (entry.byteCount, entry.padding, 0)
        if rest == 0 { try close() }
    }

    /// Whether a path leads to a file below the folder that it begins in. By bytes, as the system reads it: a slash with an accent
    /// behind it is one character that is no slash.
    static func staysInside(_ path: String) -> Bool {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return !path.utf8.contains(0)
            && parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { try file?.write($0, at: place) }
        place += UInt64(bytes.count)
    }

    private mutating func close() throws {
        try file?.sync()
        file?.close()
        file = nil
    }
}
