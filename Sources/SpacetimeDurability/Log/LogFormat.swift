/// The first 64 bytes of a segment. `CommitLogFormat` draws it.
struct SegmentHeader: Equatable {
    static let byteCount = 64
    static let magic: UInt64 = 0x474F_4C54_494B_5453  // "STKITLOG"
    /// 2 since changes 6 and later.
    static let version: UInt32 = 2

    var databaseID: [UInt8]
    var firstOffset: UInt64

    func encoded() -> [UInt8] { encodeFileHeader(Self.magic, Self.version, databaseID, firstOffset) }

    /// - Throws: `damaged`, `newerFormat`.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(StorageError) {
        (databaseID, firstOffset) = try decodeFileHeader(bytes, Self.magic, Self.version, file: file, what: "log")
    }

    init(databaseID: [UInt8], firstOffset: UInt64) {
        self.databaseID = databaseID
        self.firstOffset = firstOffset
    }
}

/// Log segments and snapshots begin alike: magic, version, database, offset, checksum.
func encodeFileHeader(_ magic: UInt64, _ version: UInt32, _ databaseID: [UInt8], _ offset: UInt64) -> [UInt8] {
    precondition(databaseID.count == 32, "the id of a database has 32 bytes")
    var buffer = ByteBuffer(capacity: SegmentHeader.byteCount)
    buffer.append(magic)
    buffer.append(version)
    buffer.append(0 as UInt32)
    databaseID.withUnsafeBytes { buffer.append($0) }
    buffer.append(offset)
    buffer.append(0 as UInt32)
    buffer.append(crc32c(buffer.bytes))
    return Array(buffer.bytes)
}

func decodeFileHeader(
    _ bytes: UnsafeRawBufferPointer, _ magic: UInt64, _ version: UInt32, file: String, what: String
) throws(StorageError) -> (databaseID: [UInt8], offset: UInt64) {
    guard bytes.count == SegmentHeader.byteCount else {
        throw StorageError(.damaged, file: file, byteOffset: 0, "the file is too short to be a \(what)")
    }
    guard bytes.integer(at: 0, as: UInt64.self) == magic else {
        throw StorageError(.damaged, file: file, byteOffset: 0, "the file does not begin as a \(what) does")
    }
    guard crc32c(bytes.part(0, 60)) == bytes.integer(at: 60, as: UInt32.self) else {
        throw StorageError(.damaged, file: file, byteOffset: 0, "the header of the \(what) fails its checksum")
    }
    let found = bytes.integer(at: 8, as: UInt32.self)
    guard found <= version else {
        throw StorageError(
            .newerFormat, file: file,
            "the \(what) has format \(found), and this version reads formats up to \(version); use a newer one")
    }
    return (Array(bytes.part(16, 32)), bytes.integer(at: 48, as: UInt64.self))
}

/// What stands before the records of a batch, 48 bytes.
struct BatchHeader: Equatable {
    static let byteCount = 48
    static let magic: UInt32 = 0x424B_5453  // "STKB"

    /// The payload is an LZ4 block.
    var isCompressed = false
    var firstOffset: UInt64
    /// Records in the payload; zero for a marker, which only says what is durable.
    var count: UInt32
    var rawByteCount: UInt32
    var storedByteCount: UInt32
    var payloadChecksum: UInt32
    /// All records below this offset were known to be synced when the batch was written.
    var durableEnd: UInt64

    init(
        firstOffset: UInt64, count: UInt32, rawByteCount: UInt32, storedByteCount: UInt32, payloadChecksum: UInt32,
        durableEnd: UInt64, isCompressed: Bool = false
    ) {
        self.firstOffset = firstOffset
        self.count = count
        self.rawByteCount = rawByteCount
        self.storedByteCount = storedByteCount
        self.payloadChecksum = payloadChecksum
        self.durableEnd = durableEnd
        self.isCompressed = isCompressed
    }

    /// Nil if the bytes are not a whole header.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount, bytes.integer(at: 0, as: UInt32.self) == Self.magic,
            crc32c(bytes.part(0, 44)) == bytes.integer(at: 44, as: UInt32.self)
        else { return nil }
        let flags = bytes.integer(at: 4, as: UInt32.self)
        guard flags <= 1 else { return nil }
        isCompressed = flags == 1
        firstOffset = bytes.integer(at: 8, as: UInt64.self)
        count = bytes.integer(at: 16, as: UInt32.self)
        rawByteCount = bytes.integer(at: 20, as: UInt32.self)
        storedByteCount = bytes.integer(at: 24, as: UInt32.self)
        payloadChecksum = bytes.integer(at: 28, as: UInt32.self)
        durableEnd = bytes.integer(at: 32, as: UInt64.self)
        guard isCompressed || rawByteCount == storedByteCount else { return nil }
    }

    func write(to base: UnsafeMutableRawPointer) {
        func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, _ offset: Int) {
            base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
        }
        store(Self.magic, 0)
        store(isCompressed ? 1 as UInt32 : 0, 4)
        store(firstOffset, 8)
        store(count, 16)
        store(rawByteCount, 20)
        store(storedByteCount, 24)
        store(payloadChecksum, 28)
        store(durableEnd, 32)
        store(0 as UInt32, 40)
        store(crc32c(UnsafeRawBufferPointer(start: base, count: 44)), 44)
    }

    var endOffset: UInt64 { firstOffset + UInt64(count) }
}

/// Where the log ends, and where it goes on.
package struct LogEnd: Equatable, Sendable {
    /// The offset of the next record.
    package var nextOffset: UInt64
    /// The last segment's file name and the byte at which its good part ends; nil if there is no segment to go on with.
    package var segment: String?
    package var position: UInt64
    /// Bytes behind `position` that are a torn end, to be cut before anything is appended.
    package var tornByteCount: UInt64
    /// What stopped a reading that was told to save what it can.
    package var damage: String?
    /// Whose log it is; nil if there are no segments.
    package var databaseID: [UInt8]?
    /// What its owner should know, and what stopped nothing.
    package var notes: [String] = []

    /// A log without segments.
    package static func empty(at offset: UInt64) -> LogEnd {
        LogEnd(nextOffset: offset, segment: nil, position: 0, tornByteCount: 0, damage: nil)
    }
}

/// How a log is written. The defaults suit a program.
package struct LogOptions: Sendable {
    /// A segment that has reached this size is followed by a new one.
    package var segmentByteLimit: UInt64 = 128 << 20
    /// Space is reserved in steps of this many bytes; 0 reserves none.
    package var preallocationByteCount: UInt64 = 16 << 20
    package var compresses = true
    /// Records are put into batches of about this size, uncompressed.
    package var batchByteLimit = 1 << 20
    /// With more than this waiting to be written, writers are held up before they begin.
    package var pendingByteLimit = 64 << 20
    /// From the beginning of one round of writing to that of the next while nobody waits for it.
    package var lingerNanoseconds: Int64 = 0
    /// The longest record.
    package var recordByteLimit = 1 << 30
    /// False: there is no writer thread, the log is written by whoever waits for it. Deterministic, for simulations.
    package var hasWriterThread = true

    package init() {}
}
