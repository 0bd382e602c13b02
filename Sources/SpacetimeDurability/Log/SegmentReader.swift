/// Reads one segment from front to back in large pieces.
struct SegmentReader: ~Copyable {
    let path: String
    private let file: any DiskFile
    let byteCount: UInt64
    private var buffer: UnsafeMutableRawBufferPointer
    private var bufferStart: UInt64 = 0
    private var bufferCount = 0

    private static let pieceByteCount = 4 << 20

    init(_ disk: any Disk, _ path: String) throws(StorageError) {
        let (file, byteCount) = try Self.open(disk, path)
        self.path = path
        self.file = file
        self.byteCount = byteCount
        buffer = .allocate(byteCount: min(Self.pieceByteCount, Int(byteCount) + 1), alignment: 16)
    }

    private static func open(_ disk: any Disk, _ path: String) throws(StorageError) -> (any DiskFile, UInt64) {
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .read) }
        do throws(DiskError) { return (file, try file.size()) } catch {
            file.close()
            throw StorageError(from: error)
        }
    }

    deinit {
        buffer.deallocate()
        file.close()
    }

    /// The bytes at that place, valid until the next call; nil if the file ends before.
    mutating func bytes(at position: UInt64, _ count: Int) throws(StorageError) -> UnsafeRawBufferPointer? {
        guard position <= byteCount, UInt64(count) <= byteCount - position else { return nil }
        if position < bufferStart || position + UInt64(count) > bufferStart + UInt64(bufferCount) {
            try fill(from: position, count)
            guard bufferCount >= count else { return nil }
        }
        return UnsafeRawBufferPointer(rebasing: buffer[Int(position - bufferStart)...].prefix(count))
    }

    private mutating func fill(from position: UInt64, _ count: Int) throws(StorageError) {
        if count > buffer.count {
            buffer.deallocate()
            buffer = .allocate(byteCount: count, alignment: 16)
        }
        bufferStart = position
        bufferCount = 0
        do throws(DiskError) { bufferCount = try file.read(at: position, into: buffer) } catch {
            throw StorageError(from: error)
        }
    }

    /// The header of the batch at that place, if a whole one with its payload is there.
    mutating func batch(at position: UInt64) throws(StorageError) -> BatchHeader? {
        guard let bytes = try bytes(at: position, BatchHeader.byteCount), let header = BatchHeader(bytes),
            UInt64(header.storedByteCount) <= byteCount - position - UInt64(BatchHeader.byteCount)
        else { return nil }
        return header
    }

    /// The stored payload of a batch; nil if it fails its checksum.
    mutating func payload(
        of header: BatchHeader, at position: UInt64
    ) throws(StorageError) -> UnsafeRawBufferPointer? {
        guard
            let payload = try bytes(
                at: position + UInt64(BatchHeader.byteCount), Int(header.storedByteCount)),
            crc32c(payload) == header.payloadChecksum
        else { return nil }
        return payload
    }

    /// Looks behind a place that holds no batch for batches that do.
    ///
    /// - Returns: the number of bytes up to the last one that is not zero, and the highest `durableEnd` of a whole batch.
    mutating func searchTail(from start: UInt64) throws(StorageError) -> (byteCount: UInt64, durableEnd: UInt64) {
        var lastUsed = start
        var durableEnd: UInt64 = 0
        var position = start
        let magic = BatchHeader.magic
        while position < byteCount {
            // Pieces overlap by a header, so that none is cut in two.
            let count = Int(min(UInt64(1 << 20), byteCount - position))
            guard let piece = try bytes(at: position, count) else { break }
            var candidates: [UInt64] = []
            if let last = piece.lastIndex(where: { $0 != 0 }) {
                lastUsed = position + UInt64(last) + 1
                if last >= 3 {
                    for i in 0...(last - 3) where piece[i] == UInt8(truncatingIfNeeded: magic) {
                        if piece.integer(at: i, as: UInt32.self) == magic { candidates.append(position + UInt64(i)) }
                    }
                }
            }
            for candidate in candidates {
                guard let header = try batch(at: candidate), try payload(of: header, at: candidate) != nil else {
                    continue
                }
                durableEnd = max(durableEnd, header.durableEnd)
            }
            if position + UInt64(count) == byteCount { break }
            position += UInt64(count - BatchHeader.byteCount)
        }
        return (lastUsed - start, durableEnd)
    }
}
