/// The kind of file that a segment of the log is. `CommitLogFormat` draws it, and says what each format added.
extension FileHeader.Kind {
    static var log: Self { Self(magic: 0x474F_4C54_494B_5453, version: 3, name: "log") }  // "STKITLOG"
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
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.byteCount, bytes.integer(at: 0, as: UInt32.self) == Self.magic,
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

    /// Writes the header over the 48 bytes at a place of a buffer.
    func write(to buffer: inout ByteBuffer, at start: Int) {
        buffer.overwrite(Self.magic, at: start)
        buffer.overwrite(isCompressed ? 1 as UInt32 : 0, at: start + 4)
        buffer.overwrite(firstOffset, at: start + 8)
        buffer.overwrite(count, at: start + 16)
        buffer.overwrite(rawByteCount, at: start + 20)
        buffer.overwrite(storedByteCount, at: start + 24)
        buffer.overwrite(payloadChecksum, at: start + 28)
        buffer.overwrite(durableEnd, at: start + 32)
        buffer.overwrite(0 as UInt32, at: start + 40)
        buffer.overwrite(buffer.checksum(from: start, count: 44), at: start + 44)
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
