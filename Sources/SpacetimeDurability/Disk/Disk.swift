/// Everything a database asks of a disk. ``SystemDisk`` is the real one; the testing library has a simulated one that
/// loses power, tears sectors and runs full.
///
/// Paths are separated by `/`. What is promised is what a file system promises: a write is in a file once `sync` of the
/// file returned, and a name is in its directory once `syncDirectory` of the directory returned; before that, a crash may
/// leave any of it, in any order.
public protocol Disk: AnyObject, Sendable {
    /// Makes a directory and those above it; fine if it is there. When it returns, what it made would survive a loss of
    /// power.
    ///
    /// - Throws: code `notADirectory` if something else has the name.
    func createDirectory(_ path: String) throws(DiskError)

    /// The names in a directory, of files and of directories, sorted.
    ///
    /// - Throws: code `notFound`, or `notADirectory`.
    func list(_ directory: String) throws(DiskError) -> [String]

    /// Opens a file.
    ///
    /// - Throws: code `notAFile` for a directory or anything else that is no file.
    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile

    /// Gives a file another name, replacing a file that has it, in one step.
    func rename(_ path: String, to newPath: String) throws(DiskError)

    /// Removes a file.
    func remove(_ path: String) throws(DiskError)

    /// Removes a directory that is empty.
    ///
    /// There is an implementation that leaves it, for disks of one's own: empty directories do no harm.
    func removeDirectory(_ path: String) throws(DiskError)

    /// Returns once the names in the directory would survive a loss of power.
    func syncDirectory(_ path: String) throws(DiskError)

    /// Takes an exclusive lock on a directory itself, which other processes, and other holders in this one, see. Nothing is
    /// written for it, and no file beside it or in it can be removed to get round it.
    ///
    /// - Throws: code `locked` if somebody else has it, `notFound`, or `unsupported` where directories cannot be locked.
    func lock(_ directory: String) throws(DiskError) -> any DiskLock
}

/// What a file is opened for.
public enum DiskOpenMode: Sendable {
    /// Reading; it must exist.
    case read
    /// Reading and writing; it must exist.
    case update
    /// Reading and writing; it must not exist.
    case create
}

/// An open file. Offsets are in bytes from its start.
public protocol DiskFile: AnyObject, Sendable {
    /// Fills the buffer from the offset on.
    ///
    /// - Returns: the number of bytes read, less than the buffer's only at the end of the file.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int

    /// Writes all of the bytes, or throws; what then is in the file is unknown.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError)

    /// Returns once what was written would survive a loss of power. After an error nothing is known of what was written
    /// since the last success, even if a later sync succeeds.
    func sync() throws(DiskError)

    /// Reserves space up to that size, where the disk can; the file may become that long, with zeros.
    func preallocate(to size: UInt64) throws(DiskError)

    /// Cuts the file, or lengthens it with zeros.
    func truncate(to size: UInt64) throws(DiskError)

    /// Bytes in the file.
    func size() throws(DiskError) -> UInt64

    /// Gives the file back to the system; nothing else may be called afterwards.
    func close()
}

/// A lock that is held until it is released, dropped, or the process that took it ends.
public protocol DiskLock: AnyObject, Sendable {
    /// Gives the lock up; others may take it at once. Does nothing the second time.
    func release()
}

/// Why a disk refused something.
public struct DiskError: Error, Sendable, CustomStringConvertible {
    /// What kind of refusal it is.
    public enum Code: Hashable, Sendable {
        /// Nothing has the name.
        case notFound
        /// Something has the name already.
        case exists
        /// No space, no quota, or the process may not make files so large.
        case full
        /// Another holder has the lock.
        case locked
        /// The process may not do it.
        case permission
        /// A directory was needed, and something else has the name.
        case notADirectory
        /// A file was needed, and a directory or something else has the name.
        case notAFile
        /// The file system cannot do it.
        case unsupported
        /// Anything else: the device failed, as a rule.
        case inputOutput
    }

    /// What to tell refusals apart by.
    public let code: Code
    /// What was tried: "open", "write", "sync" and so on.
    public let operation: String
    /// The file or directory that it was about.
    public let path: String
    /// What the system said.
    public let reason: String

    /// For disks of one's own.
    public init(_ code: Code, operation: String, path: String, reason: String) {
        self.code = code
        self.operation = operation
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(operation) of '\(path)' failed: \(reason)" }
}

extension Disk {
    public func removeDirectory(_ path: String) throws(DiskError) {}

    /// All bytes of a file.
    package func readAll(_ path: String, limit: UInt64 = 1 << 32) throws(DiskError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        let size = try file.size()
        guard size <= limit else {
            throw DiskError(.inputOutput, operation: "read", path: path, reason: "it has \(size) bytes, too many")
        }
        return try Self.read(file, count: Int(size))
    }

    /// The first bytes of a file, fewer if it has fewer.
    func readStart(_ path: String, count: Int) throws(DiskError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        return try Self.read(file, count: count)
    }

    private static func read(_ file: any DiskFile, count: Int) throws(DiskError) -> [UInt8] {
        var buffer = ByteBuffer(capacity: max(count, 1))
        try file.append(to: &buffer, from: 0, count: count)
        return buffer.bytes.toArray()
    }
}

/// The directory that a path names something in.
package func parentDirectory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
