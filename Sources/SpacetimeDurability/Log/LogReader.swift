/// Reads the segments of a log and tells a torn end from damage.
///
/// A batch that is broken is the torn end of a log that lost power, unless something says that it had been synced: a later
/// batch whose `durableEnd` lies behind it; a later segment, which is begun only once the one before is synced; the
/// manifest; or a snapshot. That is damage, and nothing is skipped over it.
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

    /// What a reading was asked for.
    private struct Request {
        let from: UInt64
        let end: UInt64
        let mode: Mode
        /// All records below it are known to have been durable, and why.
        var proven: (end: UInt64, by: String)
        /// The first offset of a segment that is known to exist.
        var newestSegment: UInt64?
    }

    package static let suffix = logSuffix
    package static let indexSuffix = SegmentIndex.suffix

    let disk: any Disk
    package let directory: String
    /// In order of their offsets.
    package let segments: [Segment]
    private let manifest: LogManifest.Found

    /// Lists the segments; a directory that is not there holds none.
    ///
    /// - Throws: `newerFormat`, or what the disk says.
    package init(_ disk: any Disk, directory: String) throws(StorageError) {
        self.disk = disk
        self.directory = directory
        // Before the segments are listed: of a log that is being written, it then never names one too new to be listed.
        manifest = try LogManifest.read(disk, ofLogIn: directory)
        var names: [String] = []
        do throws(DiskError) { names = try disk.list(directory) } catch  where error.code == .notFound {
        } catch {
            throw StorageError(from: error)
        }
        segments = names.compactMap { name in
            FileName.offset(name, logSuffix).map { Segment(name: name, firstOffset: $0) }
        }
    }

    /// Whose log it is: the manifest's owner, unless only other databases' segments are there.
    package var databaseID: [UInt8]? {
        var known: [UInt8]?
        if case .known(let manifest) = manifest { known = manifest.databaseID }
        let owners = segments.lazy.compactMap { (try? header(of: $0))?.databaseID }
        if known == nil || !owners.contains(where: { $0 == known }), let first = owners.first { return first }
        return known
    }

    /// The first offset from which the segments follow each other up to the end.
    package func firstOffset() -> UInt64? { segments.first?.firstOffset }

    // `body` gets a pointer. It is handed on from here down to `deliverRecords`, which says how long the pointer is good.

    /// Calls `body` with each record from an offset on, in order.
    ///
    /// - Parameters:
    ///   - from: must not lie before the first segment.
    ///   - end: records from this offset on are left out.
    ///   - provenEnd: all records below it are known to have been durable; `proof` says how.
    ///   - owner: whose log it must be; that of its own files by default.
    /// - Returns: where the log ends, or where reading stopped.
    package func forEachRecord(
        from: UInt64, before end: UInt64 = .max, provenEnd: UInt64 = 0, proof: String = "", owner: [UInt8]? = nil,
        mode: Mode = .strict, _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LogEnd {
        var request = Request(from: from, end: end, mode: mode, proven: (provenEnd, proof))
        let owner = owner ?? databaseID
        var notes: [String] = []
        try consider(owner, &request, &notes)
        var result = LogEnd.empty(at: from)
        do { result = try unsafe readSegments(owner, request, &notes, body) } catch let stop as Stop {
            result = stop.result
            result.damage = "\(stop.reason)"
        }
        result.databaseID = segments.isEmpty ? nil : owner
        result.notes = notes
        return result
    }

    /// Where a reading that saves what it can met damage.
    private struct Stop: Error {
        let result: LogEnd
        let reason: StorageError
    }

    /// What the manifest knows.
    private func consider(_ owner: [UInt8]?, _ request: inout Request, _ notes: inout [String]) throws(StorageError) {
        let path = LogManifest.path(ofLogIn: directory)
        switch manifest {
        case .none: break
        case .damaged(let text):
            notes.append(
                "the log's manifest is damaged (\(text)): whether the newest log file is missing cannot be told. It is "
                    + "written anew when the database is opened.")
        case .known(let manifest) where manifest.databaseID != owner:
            let error = StorageError(
                .otherDatabase, file: path,
                "the manifest belongs to another database than the other files; move away what does not belong here")
            guard request.mode == .salvage else { throw error }
            notes.append("\(error)")
        case .known(let manifest):
            request.newestSegment = manifest.newestSegment
            if manifest.end > request.proven.end { request.proven = (manifest.end, "'\(path)'") }
        }
    }

    private func readSegments(
        _ owner: [UInt8]?, _ request: Request, _ notes: inout [String],
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LogEnd {
        var result = LogEnd.empty(at: request.from)
        guard let first = try firstSegment(owner, request) else {
            try requireEnd(result, nil, request)
            return result
        }
        result.nextOffset = segments[first].firstOffset
        for number in first..<segments.count {
            let segment = segments[number]
            do throws(StorageError) {
                _ = try header(of: segment, owner)
                try requireFollowing(number, first, result)
            } catch {
                // A copy under a wrong name, say: what it should hold has been read already.
                if request.mode == .salvage, segment.firstOffset < result.nextOffset, number > first,
                    (try? header(of: segment, owner)) == nil
                {
                    notes.append("\(error)")
                    continue
                }
                try stop(at: error, result, request)
            }
            result = try unsafe readSegment(number, request, body)
            if result.nextOffset >= request.end { return result }
        }
        try requireEnd(result, segments.last, request)
        return result
    }

    /// The segment in which the first record lies that is asked for; nil if there are none.
    private func firstSegment(_ owner: [UInt8]?, _ request: Request) throws(StorageError) -> Int? {
        guard let first = segments.lastIndex(where: { $0.firstOffset <= request.from }) else {
            if segments.isEmpty { return nil }
            throw StorageError(
                .noSuchOffset,
                "the log in '\(directory)' begins at offset \(segments[0].firstOffset), after \(request.from), and nothing "
                    + "else holds what is missing")
        }
        guard request.mode == .salvage else { return first }
        // What cannot be that segment may be a stray copy behind it.
        return segments[...first].lastIndex { (try? header(of: $0, owner)) != nil } ?? first
    }

    /// Throws what was met, or where it was met if what lies before is to be saved.
    private func stop(at error: StorageError, _ result: LogEnd, _ request: Request) throws -> Never {
        guard request.mode == .salvage, [.damaged, .otherDatabase, .disk].contains(error.code) else { throw error }
        throw Stop(result: result, reason: error)
    }

    private func path(_ segment: Segment) -> String { directory + "/" + segment.name }

    /// - Throws: `damaged` if it is not the header of that segment, `otherDatabase`, `newerFormat`.
    private func header(of segment: Segment, _ owner: [UInt8]? = nil) throws(StorageError) -> FileHeader {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.readStart(path(segment), count: FileHeader.byteCount) } catch {
            guard error.code == .notAFile else { throw StorageError(from: error) }
            throw damage(segment, 0, "\(error.reason). Move it away; if the log then lacks a file, \(Self.remedy)")
        }
        guard bytes.count == FileHeader.byteCount else {
            throw damage(
                segment, 0,
                "the file is shorter than its header. Move it away if it is no log file; else \(Self.remedy)")
        }
        let file = path(segment)
        let header: FileHeader
        do throws(StorageError) { header = try FileHeader(bytes.rawSpan, of: .log, file: file) } catch
            where error.code == .damaged
        {
            throw damage(segment, 0, "\(error.message). Move the file away if it is no log file; else \(Self.remedy)")
        }
        guard header.offset == segment.firstOffset else {
            throw damage(
                segment, 48,
                "its header names offset \(header.offset), so it is a copy under a wrong name: move it away")
        }
        if let owner, header.databaseID != owner {
            throw StorageError(.otherDatabase, file: file, "it is a log file of another database; move it away")
        }
        return header
    }

    private func damage(_ segment: Segment, _ position: UInt64, _ text: String) -> StorageError {
        StorageError(.damaged, file: path(segment), byteOffset: position, text)
    }

    /// What can be done about damage.
    private static let remedy = "restore a backup, or salvage what lies before the damage (`Database.salvage`)"

    private static func lastBefore(_ offset: UInt64) -> String { offset == 0 ? "none" : String(offset - 1) }

    private func requireFollowing(_ number: Int, _ first: Int, _ result: LogEnd) throws(StorageError) {
        let segment = segments[number]
        if segment.firstOffset == result.nextOffset { return }
        if segment.firstOffset < result.nextOffset {
            throw damage(
                segment, 0,
                "it begins with offset \(segment.firstOffset), but '\(segments[number - 1].name)' reaches up to "
                    + "\(Self.lastBefore(result.nextOffset)): one of them does not belong here; move it away")
        }
        throw damage(
            segment, 0,
            "transactions \(result.nextOffset) to \(segment.firstOffset - 1) are missing before this file: a file is "
                + "missing, or '\(segments[number - 1].name)' was cut. Put the missing file back, or \(Self.remedy)")
    }

    private func readSegment(
        _ number: Int, _ request: Request, _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> LogEnd {
        let segment = segments[number]
        var result = LogEnd.empty(at: segment.firstOffset)
        result.segment = segment.name
        result.position = UInt64(FileHeader.byteCount)
        do {
            var isRead = false
            while !isRead {
                let before = result.position
                var reader = try SegmentReader(disk, path(segment))
                try unsafe readBatches(&reader, segment, request, &result, body)
                isRead = true
                if result.nextOffset >= request.end { break }
                do throws(StorageError) { try judgeEnd(&reader, number, request, &result) } catch {
                    // A log that is being written goes on while its end is looked at, and what is damaged does not.
                    if result.position == before { throw error }
                    isRead = false
                }
            }
        } catch let error as StorageError {
            try stop(at: error, result, request)
        }
        // The batch may hold records that were not asked for.
        result.nextOffset = min(result.nextOffset, request.end)
        return result
    }

    private func readBatches(
        _ reader: inout SegmentReader, _ segment: Segment, _ request: Request, _ result: inout LogEnd,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let isStart = result.position == UInt64(FileHeader.byteCount)
        if isStart, let start = SegmentIndex.position(of: request.from, disk, directory, segment) {
            // The index only says where to look: a batch that begins there proves it right.
            if let header = try reader.batch(at: start.position), header.firstOffset == start.offset {
                result.nextOffset = start.offset
                result.position = start.position
            }
        }
        var raw = ByteBuffer()
        while result.nextOffset < request.end {
            guard let header = try reader.batch(at: result.position), header.firstOffset == result.nextOffset else {
                break
            }
            if header.endOffset > request.from || header.count == 0 {
                guard try reader.loadPayload(of: header, at: result.position),
                    try unsafe Self.deliver(
                        reader.payload(of: header, at: result.position), header, request.from, request.end, &raw, body)
                else { break }
            }
            result.nextOffset = header.endOffset
            result.position += UInt64(BatchHeader.byteCount) + UInt64(header.storedByteCount)
        }
    }

    /// - Returns: false if the payload is not what its header says.
    private static func deliver(
        _ payload: RawSpan, _ header: BatchHeader, _ from: UInt64, _ end: UInt64, _ raw: inout ByteBuffer,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        guard header.isCompressed else { return try unsafe deliverRecords(payload, header, from, end, body) }
        raw.removeAll()
        guard LZ4.decompress(payload, byteCount: Int(header.rawByteCount), to: &raw) else { return false }
        return try unsafe deliverRecords(raw.bytes, header, from, end, body)
    }

    private static func deliverRecords(
        _ bytes: RawSpan, _ header: BatchHeader, _ from: UInt64, _ end: UInt64,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        var position = 0
        for number in 0..<UInt64(header.count) {
            guard bytes.byteCount - position >= 4 else { return false }
            let count = Int(bytes.integer(at: position, as: UInt32.self))
            guard bytes.byteCount - position - 4 >= count else { return false }
            let offset = header.firstOffset + number
            if offset >= from, offset < end {
                // Whoever reads a log may look at a record during the call only.
                try unsafe bytes.part(position + 4, count).withUnsafeBytes { try unsafe body(offset, $0) }
            }
            position += 4 + count
        }
        return position == bytes.byteCount
    }

    /// The good part of a segment has been read: is what follows nothing, a torn end, or damage?
    private func judgeEnd(
        _ reader: inout SegmentReader, _ number: Int, _ request: Request, _ result: inout LogEnd
    ) throws(StorageError) {
        let tail = try reader.searchTail(from: result.position)
        guard tail.byteCount > 0 else { return }
        result.tornByteCount = tail.byteCount
        guard number < segments.count - 1 || max(tail.durableEnd, request.proven.end) > result.nextOffset else {
            return
        }
        let proof = request.proven.end > result.nextOffset ? request.proven.by : "what follows it"
        throw damage(
            segments[number], result.position,
            "the batch that begins with offset \(result.nextOffset) is damaged, and \(proof) shows that it was complete "
                + "once. Transactions up to \(Self.lastBefore(result.nextOffset)) can be read: \(Self.remedy)")
    }

    /// Everything that is known to have been there is there.
    private func requireEnd(_ result: LogEnd, _ last: Segment?, _ request: Request) throws {
        if result.nextOffset >= request.end { return }
        if let newest = request.newestSegment, last.map({ $0.firstOffset < newest }) ?? true {
            try stop(
                at: StorageError(
                    .damaged, file: directory + "/" + FileName.make(newest, logSuffix),
                    "the file is missing: '\(LogManifest.path(ofLogIn: directory))' says that transactions from \(newest) on "
                        + "were written to it. Put it back, or \(Self.remedy)"),
                result, request)
        }
        guard request.proven.end > result.nextOffset else { return }
        try stop(
            at: StorageError(
                .damaged, file: last.map(path) ?? directory, byteOffset: last.map { _ in result.position },
                "the log ends behind transaction \(Self.lastBefore(result.nextOffset)), and \(request.proven.by) shows that "
                    + "it had reached \(request.proven.end - 1): the file was cut, or one after it is missing. "
                    + "Put back what is missing, or \(Self.remedy)"),
            result, request)
    }
}

let logSuffix = ".log"
