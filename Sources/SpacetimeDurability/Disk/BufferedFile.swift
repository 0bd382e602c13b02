/// Reads a file in large pieces, mostly from front to back.
struct BufferedFile: ~Copyable {
    let path: String
    let byteCount: UInt64
    private let file: any DiskFile
    /// The bytes of the file from `start` on.
    private var piece: ByteBuffer
    private var start: UInt64 = 0

    private static let pieceByteCount = 4 << 20

    init(_ disk: any Disk, _ path: String) throws(StorageError) {
        let (file, byteCount) = try Self.open(disk, path)
        self.path = path
        self.file = file
        self.byteCount = byteCount
        piece = ByteBuffer(capacity: min(Self.pieceByteCount, Int(byteCount) + 1))
    }

    private static func open(_ disk: any Disk, _ path: String) throws(StorageError) -> (any DiskFile, UInt64) {
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .read) }
        do throws(DiskError) { return (file, try file.size()) } catch {
            file.close()
            throw StorageError(from: error)
        }
    }

    deinit { file.close() }

    /// Has these bytes ready for ``bytes(at:_:)``.
    ///
    /// - Returns: false if the file ends before.
    mutating func load(_ position: UInt64, _ count: Int) throws(StorageError) -> Bool {
        guard position <= byteCount, UInt64(count) <= byteCount - position else { return false }
        if position >= start, position + UInt64(count) <= start + UInt64(piece.count) { return true }
        start = position
        piece.removeAll()
        let wanted = max(count, min(Self.pieceByteCount, Int(byteCount - position)))
        do throws(DiskError) { try file.append(to: &piece, from: position, count: wanted) } catch {
            throw StorageError(from: error)
        }
        return piece.count >= count
    }

    /// Bytes that were loaded last.
    @_lifetime(borrow self)
    func bytes(at position: UInt64, _ count: Int) -> RawSpan { piece.bytes.part(Int(position - start), count) }
}

extension DiskFile {
    func write(_ bytes: RawSpan, at offset: UInt64) throws(DiskError) {
        // The file is done with the bytes when it returns.
        try unsafe bytes.withUnsafeBytes { (bytes) throws(DiskError) in try unsafe write(bytes, at: offset) }
    }

    /// Appends bytes of the file to a buffer: so many, or as many as there are.
    func append(to buffer: inout ByteBuffer, from offset: UInt64, count: Int) throws(DiskError) {
        // A file fills what it says that it has filled.
        try unsafe buffer.append(upTo: count) { (room) throws(DiskError) in try unsafe read(at: offset, into: room) }
    }
}
