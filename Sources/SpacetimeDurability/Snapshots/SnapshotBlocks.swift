import Synchronization

/// The blocks of a snapshot file: handed out in their order to whoever asks, from whichever thread.
final class SnapshotBlocks: Sendable {
    /// A block whose bytes have not been looked at yet.
    struct Block {
        let header: BlockHeader
        /// Where its header lies in the file.
        let position: UInt64
        /// Of the blocks before it.
        let count: UInt64
        let checksum: UInt32

        var payloadPosition: UInt64 { position + UInt64(BlockHeader.byteCount) }
        var end: UInt64 { payloadPosition + UInt64(header.storedByteCount) }
    }

    private struct Cursor {
        var position = UInt64(FileHeader.byteCount)
        var count: UInt64 = 0
        var checksum: UInt32 = 0
        /// The footer was handed out, or damage was met.
        var isOver = false
    }

    let path: String
    private let file: any DiskFile
    let byteCount: UInt64
    private let cursor = Mutex(Cursor())

    init(_ disk: any Disk, _ path: String) throws(StorageError) {
        self.path = path
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .read) }
        do throws(DiskError) { byteCount = try file.size() } catch {
            file.close()
            throw StorageError(from: error)
        }
        self.file = file
    }

    deinit { file.close() }

    /// The number of the block that ``next()`` gives, from 0 on.
    var nextNumber: UInt64 { cursor.withLock { $0.count } }

    /// The next block with its number, or what is wrong where it should be; nil behind that, and behind the footer.
    func next() -> (number: UInt64, block: Result<Block, StorageError>)? {
        cursor.withLock { cursor in
            if cursor.isOver { return nil }
            let number = cursor.count
            do throws(StorageError) {
                let block = try readHeader(cursor)
                cursor.position = block.end
                cursor.count += 1
                cursor.checksum = block.header.continuing(cursor.checksum)
                cursor.isOver = block.header.kind == .footer
                return (number, .success(block))
            } catch {
                cursor.isOver = true
                return (number, .failure(error))
            }
        }
    }

    private func readHeader(_ cursor: Cursor) throws(StorageError) -> Block {
        var bytes = ByteBuffer(capacity: BlockHeader.byteCount)
        try read(&bytes, from: cursor.position, count: BlockHeader.byteCount)
        guard bytes.count == BlockHeader.byteCount else { throw damage("the file ends early", at: cursor.position) }
        guard let header = BlockHeader(bytes.bytes) else {
            throw damage("the header of a block is damaged", at: cursor.position)
        }
        let block = Block(
            header: header, position: cursor.position, count: cursor.count, checksum: cursor.checksum)
        guard block.end <= byteCount else { throw damage("the file ends within a block", at: cursor.position) }
        return block
    }

    private func read(_ bytes: inout ByteBuffer, from position: UInt64, count: Int) throws(StorageError) {
        do throws(DiskError) { try file.append(to: &bytes, from: position, count: count) } catch {
            throw StorageError(from: error)
        }
    }

    /// Reads the stored bytes of a block and compares their checksum.
    func readPayload(of block: Block, into stored: inout ByteBuffer) throws(StorageError) {
        stored.removeAll()
        try read(&stored, from: block.payloadPosition, count: Int(block.header.storedByteCount))
        guard stored.count == Int(block.header.storedByteCount) else {
            throw damage("the file ends within a block", at: block.position)
        }
        guard crc32c(stored.bytes) == block.header.payloadChecksum else {
            throw damage("a block fails its checksum", at: block.position)
        }
        if block.header.kind == .footer { try requireFooter(stored.bytes, block) }
    }

    /// The last block says that all of the others were there, and nothing follows it.
    private func requireFooter(_ bytes: RawSpan, _ block: Block) throws(StorageError) {
        guard bytes.byteCount == 12, bytes.integer(at: 0, as: UInt64.self) == block.count,
            bytes.integer(at: 8, as: UInt32.self) == block.checksum
        else { throw damage("the footer does not match the blocks", at: block.end) }
        guard block.end == byteCount else { throw damage("something follows the footer", at: block.end) }
    }

    func damage(_ what: String, at position: UInt64) -> StorageError {
        StorageError(
            .damaged, file: path, byteOffset: position,
            "\(what); remove or move the file away to start from an older snapshot")
    }
}

/// Reads blocks, with the memory that one thread needs for that.
struct BlockReader: ~Copyable, Sendable {
    private var stored = ByteBuffer(capacity: 1 << 20)
    private var raw = ByteBuffer(capacity: 1 << 20)
    private var isRaw = false

    /// Reads, checks and decompresses a block.
    mutating func read(_ block: SnapshotBlocks.Block, of blocks: SnapshotBlocks) throws(StorageError) {
        try check(block, of: blocks)
        isRaw = block.header.isCompressed
        if isRaw { try Self.decompress(stored, to: &raw, block, blocks) }
    }

    /// The bytes of the block that was read last.
    var bytes: RawSpan {
        @_lifetime(borrow self) get { isRaw ? raw.bytes : stored.bytes }
    }

    /// Reads and checks a block, and leaves it as it is stored.
    mutating func check(_ block: SnapshotBlocks.Block, of blocks: SnapshotBlocks) throws(StorageError) {
        try blocks.readPayload(of: block, into: &stored)
    }

    private static func decompress(
        _ stored: borrowing ByteBuffer, to raw: inout ByteBuffer, _ block: SnapshotBlocks.Block,
        _ blocks: SnapshotBlocks
    ) throws(StorageError) {
        // LZ4 expands to at most 255 times its input.
        guard UInt64(block.header.rawByteCount) <= UInt64(block.header.storedByteCount) * 256 + 64 else {
            throw blocks.damage("a block claims an impossible size", at: block.position)
        }
        raw.removeAll()
        guard LZ4.decompress(stored.bytes, byteCount: Int(block.header.rawByteCount), to: &raw) else {
            throw blocks.damage("a block cannot be decompressed", at: block.position)
        }
    }
}
