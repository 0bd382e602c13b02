/// Finds the batches of one segment.
struct SegmentReader: ~Copyable {
    private var file: BufferedFile

    init(_ disk: any Disk, _ path: String) throws(StorageError) { file = try BufferedFile(disk, path) }

    /// The header of the batch at that place, if a whole one with its payload is there.
    mutating func batch(at position: UInt64) throws(StorageError) -> BatchHeader? {
        guard try file.load(position, BatchHeader.byteCount),
            let header = BatchHeader(file.bytes(at: position, BatchHeader.byteCount)),
            UInt64(header.storedByteCount) <= file.byteCount - position - UInt64(BatchHeader.byteCount)
        else { return nil }
        return header
    }

    /// Has the payload of a batch ready for ``payload(of:at:)``.
    ///
    /// - Returns: false if it fails its checksum.
    mutating func loadPayload(of header: BatchHeader, at position: UInt64) throws(StorageError) -> Bool {
        guard try file.load(position + UInt64(BatchHeader.byteCount), Int(header.storedByteCount)) else { return false }
        return crc32c(payload(of: header, at: position)) == header.payloadChecksum
    }

    /// The stored payload that was loaded last.
    @_lifetime(borrow self)
    func payload(of header: BatchHeader, at position: UInt64) -> RawSpan {
        let bytes = file.bytes(at: position + UInt64(BatchHeader.byteCount), Int(header.storedByteCount))
        // They are the file's, which is a part of the reader.
        return unsafe _overrideLifetime(bytes, borrowing: self)
    }

    /// Looks behind a place that holds no batch for batches that do.
    ///
    /// - Returns: the number of bytes up to the last one that is not zero, and the highest `durableEnd` of a whole batch.
    mutating func searchTail(from start: UInt64) throws(StorageError) -> (byteCount: UInt64, durableEnd: UInt64) {
        var lastUsed = start
        var durableEnd: UInt64 = 0
        var position = start
        while position < file.byteCount {
            // Pieces overlap by a header, so that none is cut in two.
            let count = Int(min(UInt64(1 << 20), file.byteCount - position))
            guard try file.load(position, count) else { break }
            if let last = Self.lastUsedByte(of: file.bytes(at: position, count)) {
                lastUsed = position + UInt64(last) + 1
            }
            for candidate in Self.candidates(in: file.bytes(at: position, count)) {
                let place = position + UInt64(candidate)
                guard let header = try batch(at: place), try loadPayload(of: header, at: place) else { continue }
                durableEnd = max(durableEnd, header.durableEnd)
            }
            if position + UInt64(count) == file.byteCount { break }
            position += UInt64(count - BatchHeader.byteCount)
        }
        return (lastUsed - start, durableEnd)
    }

    /// The place of the last byte that is not zero.
    private static func lastUsedByte(of piece: RawSpan) -> Int? {
        var end = piece.byteCount
        while end >= 8, piece.integer(at: end - 8, as: UInt64.self) == 0 { end -= 8 }
        while end > 0, piece.integer(at: end - 1, as: UInt8.self) == 0 { end -= 1 }
        return end > 0 ? end - 1 : nil
    }

    /// The places where a batch might begin.
    private static func candidates(in piece: RawSpan) -> [Int] {
        var places: [Int] = []
        for place in stride(from: 0, through: piece.byteCount - 4, by: 1)
        where piece.integer(at: place, as: UInt32.self) == BatchHeader.magic {
            places.append(place)
        }
        return places
    }
}
