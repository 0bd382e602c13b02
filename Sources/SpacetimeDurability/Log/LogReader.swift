/// Reads the segments of a log and tells a torn end from damage.
///
/// A batch that is broken is the torn end of a log that lost power, unless something after it says that it had been
/// synced: a later batch whose `durableEnd` lies behind it, or a later segment, which is begun only once the one before
/// is synced. That is damage, and nothing is skipped over it.
package struct LogReader {
    /// What to do at damage.
    package enum Mode: Sendable {
        /// Throw, naming the place.
        case strict
        /// Stop there, and say in ``LogEnd/damage`` what was met.
        case salvage
    }

    package struct Segment: Sendable, Equatable {
        package let name: String
        package let firstOffset: UInt64
    }

    let disk: any Disk
    package let directory: String
    /// In order of their offsets.
    package let segments: [Segment]

    /// Lists the segments; a directory that is not there holds none.
    package init(_ disk: any Disk, directory: String) throws(StorageError) {
        self.disk = disk
        self.directory = directory
        var names: [String] = []
        do throws(DiskError) { names = try disk.list(directory) } catch  where error.code == .notFound {
        } catch {
            throw StorageError(from: error)
        }
        segments = names.compactMap { name in
            FileName.offset(name, logSuffix).map { Segment(name: name, firstOffset: $0) }
        }
    }

    /// Whose log it is, by its newest segment.
    package func databaseID() throws(StorageError) -> [UInt8]? {
        guard let last = segments.last else { return nil }
        var reader = try SegmentReader(disk, path(last))
        return try header(&reader, last).databaseID
    }

    /// The first offset from which the segments follow each other up to the end.
    package func firstOffset() -> UInt64? { segments.first?.firstOffset }

    /// Calls `body` with each record from an offset on, in order.
    ///
    /// - Parameters:
    ///   - from: must not lie before the first segment.
    ///   - end: records from this offset on are left out.
    /// - Returns: where the log ends, or where reading stopped.
    package func forEachRecord(
        from: UInt64, before end: UInt64 = .max, mode: Mode = .strict,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LogEnd {
        guard let first = segments.lastIndex(where: { $0.firstOffset <= from }) else {
            if segments.isEmpty { return .empty(at: from) }
            throw StorageError(
                .noSuchOffset,
                "the log in '\(directory)' begins at offset \(segments[0].firstOffset), after \(from), and nothing else "
                    + "holds what is missing")
        }
        var next = segments[first].firstOffset
        var result = LogEnd.empty(at: next)
        for i in first..<segments.count {
            guard segments[i].firstOffset == next else {
                let text = "offsets \(next) to \(segments[i].firstOffset - 1) are missing before this segment"
                if mode == .salvage {
                    result.damage = "\(path(segments[i])): \(text)"
                    return result
                }
                throw StorageError(.damaged, file: path(segments[i]), text)
            }
            result = try readSegment(i, from: from, before: end, mode, body)
            next = result.nextOffset
            if result.damage != nil || next >= end { return result }
        }
        return result
    }

    private func path(_ segment: Segment) -> String { directory + "/" + segment.name }

    private func header(_ reader: inout SegmentReader, _ segment: Segment) throws(StorageError) -> SegmentHeader {
        guard let bytes = try reader.bytes(at: 0, SegmentHeader.byteCount) else {
            throw StorageError(.damaged, file: reader.path, byteOffset: 0, "the file is shorter than its header")
        }
        let header = try SegmentHeader(bytes, file: reader.path)
        guard header.firstOffset == segment.firstOffset else {
            throw StorageError(
                .damaged, file: reader.path, byteOffset: 48, "its header names offset \(header.firstOffset)")
        }
        return header
    }

    private func headerProblem(_ reader: inout SegmentReader, _ segment: Segment) -> StorageError? {
        do throws(StorageError) { _ = try header(&reader, segment) } catch { return error }
        return nil
    }

    private func readSegment(
        _ number: Int, from: UInt64, before end: UInt64, _ mode: Mode,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LogEnd {
        let segment = segments[number]
        var reader = try SegmentReader(disk, path(segment))
        var result = LogEnd(
            nextOffset: segment.firstOffset, segment: segment.name, position: UInt64(SegmentHeader.byteCount),
            tornByteCount: 0, damage: nil)
        if let problem = headerProblem(&reader, segment) {
            guard mode == .salvage, problem.code == .damaged else { throw problem }
            result.damage = "\(problem)"
            result.position = 0
            return result
        }
        if let start = SegmentIndex.position(of: from, disk, directory, segment) {
            // The index only says where to look: a batch that begins there proves it right.
            if let header = try reader.batch(at: start.position), header.firstOffset == start.offset {
                result.nextOffset = start.offset
                result.position = start.position
            }
        }
        var raw = ByteBuffer()
        while result.nextOffset < end {
            guard let header = try reader.batch(at: result.position), header.firstOffset == result.nextOffset else {
                break
            }
            if header.endOffset > from || header.count == 0 {
                guard let payload = try reader.payload(of: header, at: result.position),
                    try Self.deliver(payload, header, from, end, &raw, body)
                else { break }
            }
            result.nextOffset = header.endOffset
            result.position += UInt64(BatchHeader.byteCount) + UInt64(header.storedByteCount)
        }
        if result.nextOffset < end { try judgeEnd(&reader, number, mode, &result) }
        // The batch may hold records that were not asked for.
        result.nextOffset = min(result.nextOffset, end)
        return result
    }

    /// - Returns: false if the payload is not what its header says.
    private static func deliver(
        _ payload: UnsafeRawBufferPointer, _ header: BatchHeader, _ from: UInt64, _ end: UInt64,
        _ raw: inout ByteBuffer, _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        var bytes = payload
        if header.isCompressed {
            raw.removeAll()
            raw.reserve(Int(header.rawByteCount))
            let room = UnsafeMutableRawBufferPointer(start: raw.base, count: Int(header.rawByteCount))
            guard LZ4.decompress(payload, into: room) else { return false }
            bytes = UnsafeRawBufferPointer(room)
        }
        var position = 0
        for number in 0..<UInt64(header.count) {
            guard bytes.count - position >= 4 else { return false }
            let count = Int(bytes.integer(at: position, as: UInt32.self))
            guard bytes.count - position - 4 >= count else { return false }
            let offset = header.firstOffset + number
            if offset >= from, offset < end { try body(offset, bytes.part(position + 4, count)) }
            position += 4 + count
        }
        return position == bytes.count
    }

    /// The good part of a segment has been read: is what follows nothing, a torn end, or damage?
    private func judgeEnd(
        _ reader: inout SegmentReader, _ number: Int, _ mode: Mode, _ result: inout LogEnd
    ) throws(StorageError) {
        let tail = try reader.searchTail(from: result.position)
        guard tail.byteCount > 0 else { return }
        guard number < segments.count - 1 || tail.durableEnd > result.nextOffset else {
            result.tornByteCount = tail.byteCount
            return
        }
        let text =
            "the batch that begins with offset \(result.nextOffset) is damaged, and what follows it shows that it was "
            + "complete once. Transactions up to \(result.nextOffset == 0 ? "none" : String(result.nextOffset - 1)) can "
            + "be read: restore a backup, or salvage what lies before the damage"
        guard mode == .salvage else {
            throw StorageError(.damaged, file: reader.path, byteOffset: result.position, text)
        }
        result.damage = "\(reader.path) at byte \(result.position): \(text)"
        result.tornByteCount = tail.byteCount
    }
}

let logSuffix = ".log"
