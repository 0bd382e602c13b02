/// Where batches of a finished segment begin, about one for each 64 KiB, so that reading from an offset need not read
/// all before it. Advice only: a file that is missing, cut or wrong costs time, nothing else.
struct SegmentIndex {
    struct Entry {
        var offset: UInt64
        var position: UInt64
    }

    static let suffix = ".index"
    private static let magic: UInt64 = 0x5844_4954_494B_5453  // "STKITIDX"
    private static let interval: UInt64 = 64 << 10

    private(set) var entries: [Entry] = []

    mutating func add(_ offset: UInt64, at position: UInt64) {
        if let last = entries.last, position < last.position + Self.interval { return }
        entries.append(Entry(offset: offset, position: position))
    }

    /// Magic `u64`, count `u64`, per entry offset `u64` and position `u64`, CRC-32C of all before.
    func encoded() -> [UInt8] {
        var buffer = ByteBuffer(capacity: 20 + entries.count * 16)
        buffer.append(Self.magic)
        buffer.append(UInt64(entries.count))
        for entry in entries {
            buffer.append(entry.offset)
            buffer.append(entry.position)
        }
        buffer.append(crc32c(buffer.bytes))
        return buffer.bytes.toArray()
    }

    private static func decode(_ bytes: RawSpan) -> [Entry]? {
        guard bytes.byteCount >= 20, bytes.integer(at: 0, as: UInt64.self) == magic,
            bytes.integer(at: 8, as: UInt64.self) == UInt64((bytes.byteCount - 20) / 16),
            (bytes.byteCount - 20) % 16 == 0,
            crc32c(bytes.part(0, bytes.byteCount - 4)) == bytes.integer(at: bytes.byteCount - 4, as: UInt32.self)
        else { return nil }
        var entries: [Entry] = []
        entries.reserveCapacity((bytes.byteCount - 20) / 16)
        for position in stride(from: 16, to: bytes.byteCount - 4, by: 16) {
            entries.append(
                Entry(
                    offset: bytes.integer(at: position, as: UInt64.self),
                    position: bytes.integer(at: position + 8, as: UInt64.self)))
        }
        return entries
    }

    /// The last known batch that does not begin after the offset.
    static func position(
        of offset: UInt64, _ disk: any Disk, _ directory: String, _ segment: LogReader.Segment
    ) -> Entry? {
        guard offset > segment.firstOffset,
            let bytes = try? disk.readAll(directory + "/" + FileName.make(segment.firstOffset, suffix)),
            let entries = decode(bytes.rawSpan)
        else { return nil }
        return entries.last { $0.offset <= offset }
    }
}
