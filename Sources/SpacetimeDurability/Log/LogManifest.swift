/// What is known of a log beside its segments, in a file beside their directory: that a segment exists, and how far the
/// log reached. Without it nothing would tell that the newest segment is gone, or was cut.
///
/// It is written when a segment has been begun, before anything is acknowledged that lies in it, and when the log is
/// closed. So it never promises more than there is, and may know less. `CommitLogFormat` draws it.
package struct LogManifest: Equatable, Sendable {
    package var databaseID: [UInt8]
    /// The first offset of a segment that exists: it, or a later one, must be there.
    package var newestSegment: UInt64
    /// All records below this offset were durable.
    package var end: UInt64

    /// What was found in its place.
    package enum Found: Equatable, Sendable {
        /// Nothing: it is a backup, or was written before there were manifests.
        case none
        case known(LogManifest)
        /// The text says what is wrong with it.
        case damaged(String)
    }

    private static let magic: UInt64 = 0x4E41_4D54_494B_5453  // "STKITMAN"
    private static let version: UInt32 = 1
    private static let byteCount = 72
    package static let suffix = ".manifest"
    private static let partialSuffix = ".partial"

    package static func path(ofLogIn directory: String) -> String { directory + suffix }

    private func encoded() -> [UInt8] {
        precondition(databaseID.count == 32, "the id of a database has 32 bytes")
        var buffer = ByteBuffer(capacity: Self.byteCount)
        buffer.append(Self.magic)
        buffer.append(Self.version)
        buffer.append(0 as UInt32)
        buffer.append(databaseID.rawSpan)
        buffer.append(newestSegment)
        buffer.append(end)
        buffer.append(0 as UInt32)
        buffer.append(crc32c(buffer.bytes))
        return buffer.bytes.toArray()
    }

    private init?(_ bytes: RawSpan, file: String) throws(StorageError) {
        guard bytes.byteCount >= 16, bytes.integer(at: 0, as: UInt64.self) == Self.magic,
            crc32c(bytes.part(0, bytes.byteCount - 4)) == bytes.integer(at: bytes.byteCount - 4, as: UInt32.self)
        else { return nil }
        let version = bytes.integer(at: 8, as: UInt32.self)
        guard version <= Self.version else {
            throw StorageError(
                .newerFormat, file: file,
                "the manifest has format \(version), and this version reads formats up to \(Self.version); use a newer one"
            )
        }
        guard bytes.byteCount == Self.byteCount else { return nil }
        databaseID = bytes.part(16, 32).toArray()
        newestSegment = bytes.integer(at: 48, as: UInt64.self)
        end = bytes.integer(at: 56, as: UInt64.self)
    }

    package init(databaseID: [UInt8], newestSegment: UInt64, end: UInt64) {
        self.databaseID = databaseID
        self.newestSegment = newestSegment
        self.end = end
    }

    /// - Throws: `newerFormat` only. A manifest that cannot be read is no reason to refuse what can.
    package static func read(_ disk: any Disk, ofLogIn directory: String) throws(StorageError) -> Found {
        let path = path(ofLogIn: directory)
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readAll(path, limit: 1 << 16) } catch  where error.code == .notFound {
            return .none
        } catch {
            return .damaged("\(error)")
        }
        let manifest = try LogManifest(bytes.rawSpan, file: path)
        return manifest.map { .known($0) } ?? .damaged("\(path): it fails its checksum")
    }

    /// Replaces the file in one step.
    func write(_ disk: any Disk, ofLogIn directory: String) throws(DiskError) {
        let path = Self.path(ofLogIn: directory)
        let aside = path + Self.partialSuffix
        do throws(DiskError) { try disk.remove(aside) } catch  where error.code == .notFound {}
        let file = try disk.open(aside, .create)
        defer { file.close() }
        try file.write(encoded().rawSpan, at: 0)
        try file.sync()
        try disk.rename(aside, to: path)
        try disk.syncDirectory(parentDirectory(of: path))
    }

    /// Removes it, and what an interrupted writing left. Nothing is promised of the log any more when it returns.
    package static func remove(_ disk: any Disk, ofLogIn directory: String) throws(DiskError) {
        let path = path(ofLogIn: directory)
        for path in [path + partialSuffix, path] {
            do throws(DiskError) { try disk.remove(path) } catch  where error.code == .notFound {}
        }
        try disk.syncDirectory(parentDirectory(of: path))
    }
}
