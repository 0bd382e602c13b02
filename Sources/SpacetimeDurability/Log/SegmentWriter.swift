/// The segment at the end of the log: puts records into batches and writes them. One owner at a time.
struct SegmentWriter: ~Copyable {
    private let disk: any Disk
    private let directory: String
    private let databaseID: [UInt8]
    private let options: LogOptions
    /// Nil until ``start(at:)``.
    private var file: (any DiskFile)?
    private var firstOffset: UInt64
    private var position: UInt64
    private var reserved: UInt64 = 0
    /// Where the space ends that has been written to, if with zeros only.
    private var zeroed: UInt64 = 0
    private var index = SegmentIndex()
    private var output = ByteBuffer(capacity: 1 << 16)
    /// A write has not been synced yet.
    private var isDirty = false

    private static let outputLimit = 8 << 20

    /// Goes on where the log ends, once it is started; until then no file is touched.
    init(_ disk: any Disk, directory: String, databaseID: [UInt8], at end: LogEnd, options: LogOptions) {
        let last = end.segment.flatMap { FileName.offset($0, logSuffix) }
        self.disk = disk
        self.directory = directory
        self.databaseID = databaseID
        self.options = options
        firstOffset = last ?? end.nextOffset
        position = last == nil ? UInt64(FileHeader.byteCount) : end.position
    }

    /// Cuts a torn end, syncs what was found, and notes in it and beside it what is durable; or begins a first segment.
    mutating func start(at end: LogEnd) throws(StorageError) {
        precondition(file == nil, "a log is started once")
        if end.segment != nil {
            file = try Self.reopen(disk, directory, firstOffset, at: position)
            try writeMarker(nextOffset: end.nextOffset)
            try sync()
            try leaveOlderFormat(at: end.nextOffset)
        } else {
            file = try onDisk { () throws(DiskError) in
                try Self.makeSegment(disk, directory, databaseID, firstOffset)
            }
        }
        if case .known(let manifest) = try LogManifest.read(disk, ofLogIn: directory),
            manifest.newestSegment == firstOffset, manifest.databaseID == databaseID
        {
            return
        }
        try writeManifest(end: end.nextOffset)
    }

    /// Begins a new segment if the last one is of an older format: what is written here may hold what readers of that format
    /// do not know, and they must be told by the header.
    private mutating func leaveOlderFormat(at offset: UInt64) throws(StorageError) {
        let path = directory + "/" + FileName.make(firstOffset, logSuffix)
        let header = try onDisk { () throws(DiskError) in try disk.readStart(path, count: FileHeader.byteCount) }
        if FileHeader.format(of: header.rawSpan) == FileHeader.Kind.log.version { return }
        if offset > firstOffset { return try rotate(at: offset) }
        // Nothing is lost with a segment without records: a new one takes its name.
        file?.close()
        file = nil
        file = try onDisk { () throws(DiskError) in try Self.makeSegment(disk, directory, databaseID, offset) }
        position = UInt64(FileHeader.byteCount)
        index = SegmentIndex()
    }

    private func writeManifest(end: UInt64) throws(StorageError) {
        let manifest = LogManifest(databaseID: databaseID, newestSegment: firstOffset, end: end)
        try onDisk { () throws(DiskError) in try manifest.write(disk, ofLogIn: directory) }
    }

    private var openFile: any DiskFile {
        guard let file else { preconditionFailure("the log has not been started") }
        return file
    }

    private static func reopen(
        _ disk: any Disk, _ directory: String, _ first: UInt64, at position: UInt64
    ) throws(StorageError) -> any DiskFile {
        let path = directory + "/" + FileName.make(first, logSuffix)
        let file = try onDisk { () throws(DiskError) in try disk.open(path, .update) }
        do throws(DiskError) {
            // Whatever is behind the end must never be taken for a part of the log again.
            if try file.size() > position { try file.truncate(to: position) }
            try file.sync()
            return file
        } catch {
            file.close()
            throw StorageError(from: error)
        }
    }

    deinit { file?.close() }

    /// Makes a segment aside and gives it its name when it is whole.
    private static func makeSegment(
        _ disk: any Disk, _ directory: String, _ databaseID: [UInt8], _ offset: UInt64
    ) throws(DiskError) -> any DiskFile {
        let name = directory + "/" + FileName.make(offset, logSuffix)
        let aside = name + ".partial"
        do throws(DiskError) { try disk.remove(aside) } catch  where error.code == .notFound {}
        let file = try disk.open(aside, .create)
        do throws(DiskError) {
            let header = FileHeader(databaseID: databaseID, offset: offset).encoded(as: .log)
            try file.write(header.rawSpan, at: 0)
            try file.sync()
            try disk.rename(aside, to: name)
            try disk.syncDirectory(directory)
        } catch {
            file.close()
            throw error
        }
        // Opened anew, so that errors name the file as it is called now.
        file.close()
        return try disk.open(name, .update)
    }

    /// Writes a batch without records, which says what is durable.
    mutating func writeMarker(nextOffset: UInt64) throws(StorageError) {
        appendBatch(RawSpan(), first: nextOffset, count: 0, durableEnd: nextOffset)
        try writeOut()
    }

    /// Writes records, each after its length, without syncing them; begins new segments as they fill.
    mutating func write(
        _ records: borrowing ByteBuffer, first: UInt64, durableEnd: UInt64
    ) throws(StorageError) {
        let records = records.bytes
        var start = 0
        var offset = first
        while start < records.byteCount {
            var end = start
            var count: UInt32 = 0
            repeat {
                end += 4 + Int(records.integer(at: end, as: UInt32.self))
                count += 1
            } while end < records.byteCount
                && end - start + Int(records.integer(at: end, as: UInt32.self)) < options.batchByteLimit
            if position + UInt64(output.count) >= options.segmentByteLimit {
                try sync()
                try rotate(at: offset)
            }
            appendBatch(records.part(start, end - start), first: offset, count: count, durableEnd: durableEnd)
            offset += UInt64(count)
            start = end
            if output.count > Self.outputLimit { try writeOut() }
        }
        try writeOut()
    }

    private mutating func appendBatch(_ records: RawSpan, first: UInt64, count: UInt32, durableEnd: UInt64) {
        index.add(first, at: position + UInt64(output.count))
        let start = output.count
        // The checksum is known when the payload is there: the header is written over these afterwards.
        output.appendZeros(BatchHeader.byteCount)
        let compresses = options.compresses
        let isCompressed = LZ4.append(records, to: &output, compressing: compresses)
        let stored = output.count - start - BatchHeader.byteCount
        let header = BatchHeader(
            firstOffset: first, count: count, rawByteCount: UInt32(records.byteCount), storedByteCount: UInt32(stored),
            payloadChecksum: output.checksum(from: start + BatchHeader.byteCount, count: stored),
            durableEnd: durableEnd, isCompressed: isCompressed)
        header.write(to: &output, at: start)
    }

    private mutating func writeOut() throws(StorageError) {
        guard output.count > 0 else { return }
        let end = position + UInt64(output.count)
        if options.preallocationByteCount > 0 {
            if end > reserved { reserve(beyond: end) }
            if end > zeroed, output.count < Self.zeroingLimit { writeZeros(beyond: end) }
        }
        do throws(DiskError) { try openFile.write(output.bytes, at: position) } catch {
            throw StorageError(from: error)
        }
        isDirty = true
        position = end
        output.removeAll()
        output.shrink(to: Self.outputLimit * 2)
    }

    /// Space ahead of the writes, so that a sync has less to record. A disk that has no more of it may still have room for
    /// what is to be written.
    private mutating func reserve(beyond end: UInt64) {
        reserved = end + options.preallocationByteCount
        do throws(DiskError) { try openFile.preallocate(to: reserved) } catch { reserved = .max }
    }

    /// Writes zeros to some of the reserved space ahead, to be synced with what is about to be written.
    ///
    /// The first write to space that is only reserved changes what the file system knows of the file, and the next sync has to
    /// bring that to the disk behind the bytes themselves, which takes half as long again. So one sync pays for many.
    /// Where much is written at once, it does not matter.
    private mutating func writeZeros(beyond end: UInt64) {
        guard reserved != .max else { return }
        let step = min(max(end, UInt64(Self.zeros.count)), Self.zeroedByteLimit)
        zeroed = min(end + step, reserved)
        var position = end
        let zeros = Self.zeros
        do throws(DiskError) {
            while position < zeroed {
                let count = min(Int(zeroed - position), zeros.count)
                try openFile.write(zeros.rawSpan.part(0, count), at: position)
                position += UInt64(count)
            }
        } catch {
            // What is to be written there says itself whether it can be.
            zeroed = .max
        }
    }

    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
    private static let zeroedByteLimit: UInt64 = 512 << 10
    private static let zeroingLimit = 64 << 10

    /// Returns once everything written is on the disk.
    mutating func sync() throws(StorageError) {
        try writeOut()
        guard isDirty else { return }
        do throws(DiskError) { try openFile.sync() } catch { throw StorageError(from: error) }
        isDirty = false
    }

    /// Ends the segment, which must be synced, and begins the next one.
    mutating func rotate(at offset: UInt64) throws(StorageError) {
        guard offset > firstOffset else { return }
        do throws(DiskError) {
            if reserved > position {
                try openFile.truncate(to: position)
                try openFile.sync()
            }
        } catch {
            throw StorageError(from: error)
        }
        writeIndex()
        let next = try onDisk { () throws(DiskError) in
            try Self.makeSegment(disk, directory, databaseID, offset)
        }
        file?.close()
        file = next
        firstOffset = offset
        position = UInt64(FileHeader.byteCount)
        (reserved, zeroed) = (0, 0)
        index = SegmentIndex()
        try writeManifest(end: offset)
    }

    /// The index is advice: that it cannot be written changes nothing.
    private func writeIndex() {
        let path = directory + "/" + FileName.make(firstOffset, SegmentIndex.suffix)
        try? disk.remove(path)
        guard let file = try? disk.open(path, .create) else { return }
        try? file.write(index.encoded().rawSpan, at: 0)
        file.close()
    }

    /// Gives back reserved space at the end, and notes how far the log reaches.
    mutating func finish(nextOffset: UInt64) throws(StorageError) {
        try writeMarker(nextOffset: nextOffset)
        do throws(DiskError) { if reserved > position { try openFile.truncate(to: position) } } catch {
            throw StorageError(from: error)
        }
        try sync()
        try writeManifest(end: nextOffset)
    }
}
