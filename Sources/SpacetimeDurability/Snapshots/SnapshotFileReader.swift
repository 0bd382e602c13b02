/// Reads a snapshot from front to back; every byte is covered by a checksum.
package struct SnapshotFileReader: ~Copyable {
    package let path: String
    package let databaseID: [UInt8]
    package let nextOffset: UInt64
    private var reader: SegmentReader
    private var position = UInt64(SegmentHeader.byteCount)
    private var blockCount: UInt64 = 0
    private var checksum: UInt32 = 0
    private var raw: ByteBuffer

    package init(_ disk: any Disk, directory: String, nextOffset: UInt64) throws(StorageError) {
        let path = SnapshotFile.path(directory, nextOffset)
        let databaseID = try Self.readFileHeader(disk, path, nextOffset)
        reader = try SegmentReader(disk, path)
        self.databaseID = databaseID
        self.path = path
        self.nextOffset = nextOffset
        raw = ByteBuffer(capacity: 1 << 20)
    }

    /// Whose snapshot it is; nil if not even its first bytes can be read.
    package static func owner(_ disk: any Disk, directory: String, nextOffset: UInt64) -> [UInt8]? {
        try? readFileHeader(disk, SnapshotFile.path(directory, nextOffset), nextOffset)
    }

    /// Reads a whole file, and compares every checksum.
    package static func check(_ disk: any Disk, directory: String, nextOffset: UInt64) throws(StorageError) {
        var reader = try SnapshotFileReader(disk, directory: directory, nextOffset: nextOffset)
        while try reader.nextBlock(decompressing: false).header.kind != .footer {}
    }

    /// What `writeHeader` was given. Once, before ``forEachBlock(_:)``.
    package mutating func readHeader() throws(StorageError) -> [UInt8] {
        let block = try nextBlock()
        guard block.header.kind == .header else { throw damage("the first block is not the header") }
        return Array(block.bytes)
    }

    private static func readFileHeader(
        _ disk: any Disk, _ path: String, _ nextOffset: UInt64
    ) throws(StorageError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readStart(path, count: SegmentHeader.byteCount) } catch {
            guard error.code == .notAFile else { throw StorageError(from: error) }
            throw StorageError(.damaged, file: path, byteOffset: 0, error.reason)
        }
        let (databaseID, offset) = try withBytes(of: bytes) { (bytes) throws(StorageError) in
            try decodeFileHeader(bytes, SnapshotFile.magic, SnapshotFile.version, file: path, what: "snapshot")
        }
        guard offset == nextOffset else {
            throw StorageError(.damaged, file: path, byteOffset: 48, "its header names offset \(offset)")
        }
        return databaseID
    }

    private func damage(_ what: String) -> StorageError {
        StorageError(
            .damaged, file: path, byteOffset: position,
            "\(what); remove or move the file away to start from an older snapshot")
    }

    /// - Parameter decompressing: false leaves the bytes as they are stored.
    private mutating func nextBlock(
        decompressing: Bool = true
    ) throws(StorageError) -> (header: BlockHeader, bytes: UnsafeRawBufferPointer) {
        guard let head = try reader.bytes(at: position, BlockHeader.byteCount) else {
            throw damage("the file ends early")
        }
        guard let header = BlockHeader(head) else { throw damage("the header of a block is damaged") }
        let start = position + UInt64(BlockHeader.byteCount)
        guard let stored = try reader.bytes(at: start, Int(header.storedByteCount)) else {
            throw damage("the file ends within a block")
        }
        guard crc32c(stored) == header.payloadChecksum else { throw damage("a block fails its checksum") }
        if header.kind != .footer {
            blockCount += 1
            withUnsafeBytes(of: header.payloadChecksum.littleEndian) { checksum = crc32c($0, continuing: checksum) }
        }
        var bytes = stored
        if header.isCompressed, decompressing {
            // LZ4 expands to at most 255 times its input.
            guard UInt64(header.rawByteCount) <= UInt64(header.storedByteCount) * 256 + 64 else {
                throw damage("a block claims an impossible size")
            }
            raw.removeAll()
            raw.reserve(Int(header.rawByteCount))
            let room = UnsafeMutableRawBufferPointer(start: raw.base, count: Int(header.rawByteCount))
            guard LZ4.decompress(stored, into: room) else { throw damage("a block cannot be decompressed") }
            bytes = UnsafeRawBufferPointer(room)
        }
        position = start + UInt64(header.storedByteCount)
        if header.kind == .footer { try requireFooter(bytes) }
        return (header, bytes)
    }

    /// The last block says that all of the others were there, and nothing follows it.
    private func requireFooter(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        guard bytes.count == 12, bytes.integer(at: 0, as: UInt64.self) == blockCount,
            bytes.integer(at: 8, as: UInt32.self) == checksum
        else { throw damage("the footer does not match the blocks") }
        guard position == reader.byteCount else { throw damage("something follows the footer") }
    }

    /// Calls `body` with every block in order; the bytes are valid during the call. Once only.
    package mutating func forEachBlock(_ body: (UInt32, UnsafeRawBufferPointer) throws -> Void) throws {
        while true {
            let block = try nextBlock()
            switch block.header.kind {
            case .header: throw damage("there are two headers")
            case .data: try body(block.header.tag, block.bytes)
            case .footer: return
            }
        }
    }
}
