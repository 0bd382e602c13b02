/// Why the files of a database could not be read or written.
public struct StorageError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Hashable, Sendable {
        /// Bytes are not what was written.
        case damaged
        /// The format is newer than this version knows.
        case newerFormat
        /// The file is another database's.
        case otherDatabase
        /// The disk refused.
        case disk
        /// One transaction is larger than the log takes.
        case tooLarge
        /// The log was closed, or failed before.
        case closed
        /// The offset asked for is not in the files.
        case noSuchOffset
    }

    /// What to tell failures apart by.
    public let code: Code
    /// The file, if it is about one.
    public let file: String?
    /// The place in the file.
    public let byteOffset: UInt64?
    /// What is wrong, for people.
    public let message: String
    /// What the disk said, if it was the disk.
    public let cause: DiskError?

    /// For the code that reads and writes files.
    public init(
        _ code: Code, file: String? = nil, byteOffset: UInt64? = nil, _ message: String, cause: DiskError? = nil
    ) {
        self.code = code
        self.file = file
        self.byteOffset = byteOffset
        self.message = message
        self.cause = cause
    }

    package init(from error: DiskError) { self.init(.disk, file: error.path, "\(error)", cause: error) }

    public var description: String {
        var place = ""
        if let file { place = file + (byteOffset.map { " at byte \($0)" } ?? "") + ": " }
        return cause == nil ? place + message : message
    }
}

/// Runs file operations whose errors become those of the storage.
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(StorageError) -> Result {
    do { return try body() } catch { throw StorageError(from: error) }
}
