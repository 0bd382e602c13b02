/// Reads a snapshot from front to back; every byte is covered by a checksum.
package struct SnapshotFileReader: ~Copyable {
    package let databaseID: [UInt8]
    package let nextOffset: UInt64
    private let blocks: SnapshotBlocks
    private var reader: BlockReader

    package var path: String { blocks.path }

    package init(_ disk: any Disk, directory: String, nextOffset: UInt64) throws(StorageError) {
        let path = SnapshotFile.path(directory, nextOffset)
        let databaseID = try Self.readFileHeader(disk, path, nextOffset)
        blocks = try SnapshotBlocks(disk, path)
        self.databaseID = databaseID
        self.nextOffset = nextOffset
        reader = BlockReader()
    }

    /// Whose snapshot it is; nil if not even its first bytes can be read.
    package static func owner(_ disk: any Disk, directory: String, nextOffset: UInt64) -> [UInt8]? {
        try? readFileHeader(disk, SnapshotFile.path(directory, nextOffset), nextOffset)
    }

    private static func readFileHeader(
        _ disk: any Disk, _ path: String, _ nextOffset: UInt64
    ) throws(StorageError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readStart(path, count: FileHeader.byteCount) } catch {
            guard error.code == .notAFile else { throw StorageError(from: error) }
            throw StorageError(.damaged, file: path, byteOffset: 0, error.reason)
        }
        let header = try FileHeader(bytes.rawSpan, of: .snapshot, file: path)
        guard header.offset == nextOffset else {
            throw StorageError(.damaged, file: path, byteOffset: 48, "its header names offset \(header.offset)")
        }
        return header.databaseID
    }

    /// Reads a whole file, and compares every checksum.
    package static func check(_ disk: any Disk, directory: String, nextOffset: UInt64) throws(StorageError) {
        var file = try SnapshotFileReader(disk, directory: directory, nextOffset: nextOffset)
        while let next = file.blocks.next() { try file.reader.check(try next.block.get(), of: file.blocks) }
    }

    /// What `writeHeader` was given. Once, before the blocks.
    package mutating func readHeader() throws(StorageError) -> [UInt8] {
        guard let block = try blocks.next()?.block.get() else {
            preconditionFailure("the header of a snapshot is read once, first")
        }
        try reader.read(block, of: blocks)
        guard block.header.kind == .header else {
            throw blocks.damage("the first block is not the header", at: block.end)
        }
        return reader.bytes.toArray()
    }

    /// Calls `body` with the tag and the bytes of every block in order; the bytes are valid during the call. Once only.
    package mutating func forEachBlock(_ body: (UInt32, UnsafeRawBufferPointer) throws -> Void) throws {
        while let next = blocks.next() {
            let block = try next.block.get()
            try reader.read(block, of: blocks)
            guard try Self.isData(block, blocks) else { return }
            // The bytes stay where they are until the next block is read.
            try unsafe reader.bytes.withUnsafeBytes { try unsafe body(block.header.tag, $0) }
        }
    }

    /// - Returns: false for the footer.
    private static func isData(_ block: SnapshotBlocks.Block, _ blocks: SnapshotBlocks) throws(StorageError) -> Bool {
        switch block.header.kind {
        case .data: return true
        case .footer: return false
        case .header: throw blocks.damage("there are two headers", at: block.end)
        }
    }
}
