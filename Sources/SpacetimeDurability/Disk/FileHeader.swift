/// The 64 bytes that log segments and snapshots begin with: magic, version, whose file it is, the offset that it begins
/// with or was taken before, and a checksum.
struct FileHeader: Equatable {
    static let byteCount = 64
    private static let checksumPosition = 60

    /// What tells one kind of file from another.
    struct Kind {
        let magic: UInt64
        /// The newest format of it that is known here.
        let version: UInt32
        /// For messages.
        let name: String
    }

    let databaseID: [UInt8]
    let offset: UInt64

    init(databaseID: [UInt8], offset: UInt64) {
        precondition(databaseID.count == 32, "the id of a database has 32 bytes")
        self.databaseID = databaseID
        self.offset = offset
    }

    func encoded(as kind: Kind) -> [UInt8] {
        var buffer = ByteBuffer(capacity: Self.byteCount)
        buffer.append(kind.magic)
        buffer.append(kind.version)
        buffer.append(0 as UInt32)
        buffer.append(databaseID.rawSpan)
        buffer.append(offset)
        buffer.append(0 as UInt32)
        buffer.append(crc32c(buffer.bytes))
        return buffer.bytes.toArray()
    }

    /// The format that a whole header names.
    static func format(of bytes: RawSpan) -> UInt32 { bytes.integer(at: 8, as: UInt32.self) }

    /// - Throws: `damaged`, `newerFormat`.
    init(_ bytes: RawSpan, of kind: Kind, file: String) throws(StorageError) {
        guard bytes.byteCount == Self.byteCount else {
            throw StorageError(.damaged, file: file, byteOffset: 0, "the file is too short to be a \(kind.name)")
        }
        guard bytes.integer(at: 0, as: UInt64.self) == kind.magic else {
            throw StorageError(.damaged, file: file, byteOffset: 0, "the file does not begin as a \(kind.name) does")
        }
        guard crc32c(bytes.part(0, Self.checksumPosition)) == bytes.integer(at: Self.checksumPosition, as: UInt32.self)
        else {
            throw StorageError(.damaged, file: file, byteOffset: 0, "the header of the \(kind.name) fails its checksum")
        }
        let found = Self.format(of: bytes)
        guard found <= kind.version else {
            throw StorageError(
                .newerFormat, file: file,
                "the \(kind.name) has format \(found), and this version reads formats up to \(kind.version); use a newer one"
            )
        }
        databaseID = bytes.part(16, 32).toArray()
        offset = bytes.integer(at: 48, as: UInt64.self)
    }
}
