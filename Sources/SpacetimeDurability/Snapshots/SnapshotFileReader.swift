/// Reads a snapshot from front to back; every byte is covered by a checksum.
package struct SnapshotFileReader: ~Copyable {
    package let databaseID: [UInt8]
    package let nextOffset: UInt64
    private let blocks: SnapshotBlocks
    private var reader: BlockReader

    package var path: String { blocks.path }
    /// Bytes of the file.
    package var byteCount: UInt64 { blocks.byteCount }

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

    // MARK: On several threads

    /// Calls `prepare` with every block, from several threads and in any order, and `deliver` with what it returned, from
    /// this thread and in the order of the file. Once only.
    ///
    /// Only a few blocks for each thread are under way at a time. What is thrown is what would be thrown by going through
    /// the file from front to back.
    ///
    /// - Parameters:
    ///   - threads: with 1, all is done by the calling thread.
    ///   - prepare: the bytes are valid during the call.
    package mutating func forEachBlock<Prepared: Sendable>(
        threads: Int, prepare: @escaping @Sendable (UInt32, UnsafeRawBufferPointer) throws -> Prepared,
        deliver: (Prepared) throws -> Void
    ) throws {
        let line = AssemblyLine<Prepared>(from: blocks.nextNumber, ahead: UInt64(max(threads, 1)) * 2)
        let workers =
            threads < 2
            ? 0
            : (0..<threads).count { _ in
                line.start { [blocks] in
                    unsafe Self.work(blocks, line, prepare)
                }
            }
        // One thread, or none to be had.
        if workers == 0 { return try unsafe forEachBlock { tag, bytes in try deliver(unsafe prepare(tag, bytes)) } }
        defer { line.stop() }
        while let prepared = try line.take() { try deliver(prepared) }
    }

    private static func work<Prepared: Sendable>(
        _ blocks: SnapshotBlocks, _ line: AssemblyLine<Prepared>,
        _ prepare: (UInt32, UnsafeRawBufferPointer) throws -> Prepared
    ) {
        var reader = BlockReader()
        while let next = blocks.next(), line.awaitTurn(of: next.number) {
            let result = Result<Prepared?, any Error> {
                let block = try next.block.get()
                try reader.read(block, of: blocks)
                guard try isData(block, blocks) else { return nil }
                // The bytes stay where they are until the next block is read.
                return try unsafe reader.bytes.withUnsafeBytes { try unsafe prepare(block.header.tag, $0) }
            }
            line.put(result, number: next.number)
        }
    }
}
