/// What snapshot files have in common. `SnapshotFormat` draws them.
package enum SnapshotFile {
    package static let suffix = ".snapshot"
    package static let partialSuffix = ".partial"
    static let magic: UInt64 = 0x504E_5354_494B_5453  // "STKITSNP"
    static let version: UInt32 = 1

    /// The `nextOffset` of the complete snapshots in a directory, newest first. A directory that is not there has none.
    package static func list(_ disk: any Disk, directory: String) throws(StorageError) -> [UInt64] {
        var names: [String] = []
        do throws(DiskError) { names = try disk.list(directory) } catch  where error.code == .notFound {
        } catch {
            throw StorageError(from: error)
        }
        return names.compactMap { FileName.offset($0, suffix) }.sorted(by: >)
    }

    /// Removes what interrupted writers of snapshots or log files left.
    package static func removeLeftovers(_ disk: any Disk, directory: String) {
        guard let names = try? disk.list(directory) else { return }
        for name in names where isLeftover(name) { try? disk.remove(directory + "/" + name) }
    }

    package static func isLeftover(_ name: String) -> Bool {
        [suffix, logSuffix].contains { FileName.offset(name, $0 + partialSuffix) != nil }
    }

    package static func path(_ directory: String, _ nextOffset: UInt64) -> String {
        directory + "/" + FileName.make(nextOffset, suffix)
    }
}

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

    init(kind: Kind, isCompressed: Bool, tag: UInt32, rawByteCount: Int, stored: UnsafeRawBufferPointer) {
        self.kind = kind
        self.isCompressed = isCompressed
        self.tag = tag
        self.rawByteCount = UInt32(rawByteCount)
        storedByteCount = UInt32(stored.count)
        payloadChecksum = crc32c(stored)
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount, bytes.integer(at: 0, as: UInt32.self) == Self.magic,
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

    func append(to buffer: inout ByteBuffer) {
        let start = buffer.count
        buffer.append(Self.magic)
        buffer.append(kind.rawValue << 8 | (isCompressed ? 1 : 0))
        buffer.append(tag)
        buffer.append(rawByteCount)
        buffer.append(storedByteCount)
        buffer.append(payloadChecksum)
        buffer.append(0 as UInt32)
        buffer.append(crc32c(UnsafeRawBufferPointer(start: buffer.base + start, count: 28)))
    }
}

/// Writes a snapshot aside and gives it its name when all of it is on the disk.
package struct SnapshotFileWriter: ~Copyable {
    private let disk: any Disk
    private let directory: String
    private let nextOffset: UInt64
    private let file: any DiskFile
    private let compresses: Bool
    private var position: UInt64
    private var output = ByteBuffer(capacity: 1 << 20)
    private var blockCount: UInt64 = 0
    /// Of the payload checksums of all blocks so far.
    private var checksum: UInt32 = 0

    /// - Parameter nextOffset: the snapshot is of the state after all transactions below it.
    package init(
        _ disk: any Disk, directory: String, nextOffset: UInt64, databaseID: [UInt8], compresses: Bool = true
    ) throws(StorageError) {
        self.disk = disk
        self.directory = directory
        self.nextOffset = nextOffset
        self.compresses = compresses
        let partial = SnapshotFile.path(directory, nextOffset) + SnapshotFile.partialSuffix
        let header = encodeFileHeader(SnapshotFile.magic, SnapshotFile.version, databaseID, nextOffset)
        file = try onDisk { () throws(DiskError) in
            try disk.createDirectory(directory)
            do throws(DiskError) { try disk.remove(partial) } catch  where error.code == .notFound {}
            let file = try disk.open(partial, .create)
            do throws(DiskError) {
                try withBytes(of: header) { (bytes) throws(DiskError) in try file.write(bytes, at: 0) }
            } catch {
                file.close()
                throw error
            }
            return file
        }
        position = UInt64(header.count)
    }

    deinit { file.close() }

    /// Writes what a reader needs before it can read blocks. Once, first.
    package mutating func writeHeader(_ bytes: [UInt8]) throws(StorageError) {
        try withBytes(of: bytes) { (bytes) throws(StorageError) in try write(.header, tag: 0, bytes) }
    }

    /// Writes a block, at best about a megabyte.
    package mutating func writeBlock(tag: UInt32, _ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        try write(.data, tag: tag, bytes)
    }

    private mutating func write(
        _ kind: BlockHeader.Kind, tag: UInt32, _ bytes: UnsafeRawBufferPointer
    ) throws(StorageError) {
        guard bytes.count <= LZ4.limit else {
            throw StorageError(.tooLarge, "a block of \(bytes.count) bytes is larger than a snapshot takes")
        }
        output.removeAll()
        output.reserve(BlockHeader.byteCount + LZ4.bound(bytes.count))
        let payload = output.base + BlockHeader.byteCount
        let compressed = compresses ? LZ4.compress(bytes, into: payload) : nil
        if compressed == nil, let source = bytes.baseAddress {
            payload.copyMemory(from: source, byteCount: bytes.count)
        }
        let stored = UnsafeRawBufferPointer(start: payload, count: compressed ?? bytes.count)
        let header = BlockHeader(
            kind: kind, isCompressed: compressed != nil, tag: tag, rawByteCount: bytes.count, stored: stored)
        header.append(to: &output)
        output.advance(stored.count)
        do throws(DiskError) { try file.write(output.bytes, at: position) } catch { throw StorageError(from: error) }
        position += UInt64(output.count)
        if kind != .footer {
            blockCount += 1
            withUnsafeBytes(of: header.payloadChecksum.littleEndian) { checksum = crc32c($0, continuing: checksum) }
        }
    }

    /// Completes the file: footer, sync, name, sync of the directory.
    ///
    /// - Returns: the size of the file.
    package mutating func finish() throws(StorageError) -> UInt64 {
        var footer = ByteBuffer(capacity: 16)
        footer.append(blockCount)
        footer.append(checksum)
        try write(.footer, tag: 0, footer.bytes)
        let path = SnapshotFile.path(directory, nextOffset)
        do throws(DiskError) {
            try file.sync()
            try disk.rename(path + SnapshotFile.partialSuffix, to: path)
            try disk.syncDirectory(directory)
        } catch {
            throw StorageError(from: error)
        }
        return position
    }

    /// Removes what was written.
    package mutating func abandon() {
        try? disk.remove(SnapshotFile.path(directory, nextOffset) + SnapshotFile.partialSuffix)
    }
}
