/// What stands before the bytes of a block, 32 bytes.
struct BlockHeader {
    static let byteCount = 32
    static let magic: UInt32 = 0x4C42_5453  // "STBL"

    enum Kind: UInt32 {
        case header = 1
        case data = 2
        case footer = 3
    }

    var kind: Kind
    var isCompressed: Bool
    /// What the block is about; its meaning is the writer's.
    var tag: UInt32
    var rawByteCount: UInt32
    var storedByteCount: UInt32
    var payloadChecksum: UInt32

    /// - Parameter stored: holds the stored bytes from a place on, up to its end.
    init(
        kind: Kind, isCompressed: Bool, tag: UInt32, rawByteCount: Int, stored: borrowing ByteBuffer, from start: Int
    ) {
        self.kind = kind
        self.isCompressed = isCompressed
        self.tag = tag
        self.rawByteCount = UInt32(rawByteCount)
        storedByteCount = UInt32(stored.count - start)
        payloadChecksum = stored.checksum(from: start, count: stored.count - start)
    }

    /// Nil if the bytes are not a whole header.
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount == Self.byteCount, bytes.integer(at: 0, as: UInt32.self) == Self.magic,
            crc32c(bytes.part(0, 28)) == bytes.integer(at: 28, as: UInt32.self),
            let kind = Kind(rawValue: bytes.integer(at: 4, as: UInt32.self) >> 8),
            bytes.integer(at: 4, as: UInt32.self) & 0xFF <= 1
        else { return nil }
        self.kind = kind
        isCompressed = bytes.integer(at: 4, as: UInt32.self) & 0xFF == 1
        tag = bytes.integer(at: 8, as: UInt32.self)
        rawByteCount = bytes.integer(at: 12, as: UInt32.self)
        storedByteCount = bytes.integer(at: 16, as: UInt32.self)
        payloadChecksum = bytes.integer(at: 20, as: UInt32.self)
        guard isCompressed || rawByteCount == storedByteCount else { return nil }
    }

    /// Writes the header over the 32 bytes at a place of a buffer.
    func write(to buffer: inout ByteBuffer, at start: Int) {
        buffer.overwrite(Self.magic, at: start)
        buffer.overwrite(kind.rawValue << 8 | (isCompressed ? 1 : 0), at: start + 4)
        buffer.overwrite(tag, at: start + 8)
        buffer.overwrite(rawByteCount, at: start + 12)
        buffer.overwrite(storedByteCount, at: start + 16)
        buffer.overwrite(payloadChecksum, at: start + 20)
        buffer.overwrite(0 as UInt32, at: start + 24)
        buffer.overwrite(buffer.checksum(from: start, count: 28), at: start + 28)
    }

    /// The checksum of the checksums of all blocks, continued by that of this one. The footer holds it.
    func continuing(_ checksum: UInt32) -> UInt32 {
        var bytes = ByteBuffer(capacity: 4)
        bytes.append(payloadChecksum)
        return crc32c(bytes.bytes, continuing: checksum)
    }
}
