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
        let header = FileHeader(databaseID: databaseID, offset: nextOffset).encoded(as: .snapshot)
        file = try onDisk { () throws(DiskError) in
            try disk.createDirectory(directory)
            do throws(DiskError) { try disk.remove(partial) } catch  where error.code == .notFound {}
            let file = try disk.open(partial, .create)
            do throws(DiskError) { try file.write(header.rawSpan, at: 0) } catch {
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
        try write(.header, tag: 0, bytes.rawSpan)
    }

    /// Writes a block, at best about a megabyte.
    package mutating func writeBlock(tag: UInt32, _ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        // The caller's buffer stays as it is during the call.
        try write(.data, tag: tag, unsafe RawSpan(_unsafeBytes: bytes))
    }

    private mutating func write(_ kind: BlockHeader.Kind, tag: UInt32, _ bytes: RawSpan) throws(StorageError) {
        guard bytes.byteCount <= LZ4.limit else {
            throw StorageError(.tooLarge, "a block of \(bytes.byteCount) bytes is larger than a snapshot takes")
        }
        output.removeAll()
        // The checksum is known when the payload is there: the header is written over these afterwards.
        output.appendZeros(BlockHeader.byteCount)
        let isCompressed = LZ4.append(bytes, to: &output, compressing: compresses)
        let header = BlockHeader(
            kind: kind, isCompressed: isCompressed, tag: tag, rawByteCount: bytes.byteCount,
            stored: output, from: BlockHeader.byteCount)
        header.write(to: &output, at: 0)
        do throws(DiskError) { try file.write(output.bytes, at: position) } catch { throw StorageError(from: error) }
        position += UInt64(output.count)
        if kind != .footer {
            blockCount += 1
            checksum = header.continuing(checksum)
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
