import SpacetimeSATS

// Memory safety. Valid images: of rows and of the undo log. Checked bytes: places and lengths of an edit are compared
// with the image and with what is left of the edit.

/// The difference of two images of one row, as the log keeps it for rows that are large: which bytes of the old one stay,
/// and what comes between them. `CommitLogFormat` draws it.
///
/// An edit keeps some bytes, drops some and puts others in their place; behind the last one, what is left is kept.
enum RowEdit {
    /// Smaller rows are logged whole: there is little to save, and a whole row is replayed with less work. Above this size
    /// calls that change a counter are faster with edits (`bench edits`).
    static let smallestRow = 128

    /// So many equal bytes end an edit: a further one takes three bytes or more.
    private static let run = 8
    /// How far behind a difference the images are searched for bytes that are equal at the same place. Where rows differ in
    /// size, what follows has moved at some point; from there on they are compared from their ends.
    private static let reach = 64

    // MARK: Writing

    /// Appends the edits that make `new` of `old`, unless they take more than `limit` bytes: then nothing is appended.
    ///
    /// Costs about what comparing the images costs. Not always the shortest edits, but always right: changed fields, and a
    /// string or list that grew or shrank at any place, cost what they changed.
    static func append(
        from old: UnsafeRawBufferPointer, to new: UnsafeRawBufferPointer, limit: Int, _ writer: inout BSATNWriter
    ) -> Bool {
        guard let oldStart = old.baseAddress, let newStart = new.baseAddress else { return false }
        let start = writer.count
        writer.write(variable: old.count)
        let shorter = min(old.count, new.count)
        var position = unsafe equalCount(oldStart, newStart, shorter)
        let ending = unsafe equalCountAtEnd(oldStart + old.count, newStart + new.count, shorter - position)
        let (oldEnd, newEnd) = (old.count - ending, new.count - ending)
        var newPosition = position
        var written = 0
        // How much further back a byte of the old image is in the new one: nothing at first, in the end what they differ by.
        let finalShift = new.count - old.count
        var shift = 0
        while position < oldEnd || newPosition < newEnd {
            var next: Int?
            if shift != finalShift {
                next = unsafe nextRun(oldStart, newStart, from: position, until: min(oldEnd, newEnd, position + reach))
                if next == nil { shift = finalShift }
            }
            if next == nil {
                let from = max(position, newPosition - shift)
                next = unsafe nextRun(oldStart, newStart + shift, from: from, until: oldEnd)
            }
            let kept = position - written
            let end = next ?? oldEnd
            let inserted = unsafe UnsafeRawBufferPointer(rebasing: new[newPosition..<(end + shift)])
            guard writer.count - start + inserted.count < limit else {
                writer.truncate(to: start)
                return false
            }
            writer.write(variable: kept)
            writer.write(variable: end - position)
            writer.write(variable: inserted.count)
            unsafe writer.append(inserted)
            let room = (shift == finalShift ? oldEnd : min(oldEnd, newEnd)) - end
            position = unsafe end + equalCount(oldStart + end, newStart + (end + shift), room)
            newPosition = position + shift
            written = end
        }
        if writer.count - start <= limit { return true }
        writer.truncate(to: start)
        return false
    }

    /// How many bytes are equal from both addresses on.
    private static func equalCount(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ limit: Int) -> Int {
        var count = 0
        while count &+ 8 <= limit {
            let difference = unsafe word(lhs + count) ^ word(rhs + count)
            if difference != 0 { return count &+ difference.trailingZeroBitCount >> 3 }
            count &+= 8
        }
        while count < limit, unsafe (lhs + count).load(as: UInt8.self) == (rhs + count).load(as: UInt8.self) {
            count &+= 1
        }
        return count
    }

    /// How many bytes are equal before both addresses.
    private static func equalCountAtEnd(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ limit: Int) -> Int {
        var count = 0
        while count &+ 8 <= limit {
            let difference = unsafe word(lhs - (count + 8)) ^ word(rhs - (count + 8))
            if difference != 0 { return count &+ difference.leadingZeroBitCount >> 3 }
            count &+= 8
        }
        while count < limit, unsafe (lhs - (count + 1)).load(as: UInt8.self) == (rhs - (count + 1)).load(as: UInt8.self)
        {
            count &+= 1
        }
        return count
    }

    /// The first place from which on a run of bytes is equal in both.
    private static func nextRun(
        _ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, from start: Int, until end: Int
    ) -> Int? {
        var position = start
        while position &+ run <= end {
            let difference = unsafe word(lhs + position) ^ word(rhs + position)
            if difference == 0 { return position }
            // Every run that begins earlier holds the last byte that differs.
            position &+= 8 &- difference.leadingZeroBitCount >> 3
        }
        return nil
    }

    /// Eight bytes, the first as the lowest.
    @inline(__always)
    private static func word(_ address: UnsafeRawPointer) -> UInt64 {
        unsafe UInt64(littleEndian: address.loadUnaligned(as: UInt64.self))
    }

    // MARK: Reading

    /// The image that edits make of the old one. It is as outside bytes are: not validated.
    ///
    /// - Throws: `malformedChanges` if they do not fit the image.
    static func apply(_ edits: UnsafeRawBufferPointer, to old: UnsafeRawBufferPointer) throws(EngineError) -> [UInt8] {
        var cursor = unsafe ChangeCursor(edits)
        let expected = try cursor.loadVariable()
        guard expected == old.count else {
            throw .malformedChanges("an edited row has \(old.count) bytes where \(expected) were edited")
        }
        var new: [UInt8] = []
        new.reserveCapacity(min(old.count + edits.count, PageGeometry.rowByteLimit))
        var position = 0
        while !cursor.isAtEnd {
            let (kept, dropped, inserted) = (
                try cursor.loadVariable(), try cursor.loadVariable(), try cursor.loadVariable()
            )
            guard kept + dropped <= old.count - position else {
                throw .malformedChanges("an edit reaches beyond its row of \(old.count) bytes")
            }
            unsafe new.append(contentsOf: old[position..<(position + kept)])
            unsafe new.append(contentsOf: try cursor.take(inserted))
            position += kept + dropped
        }
        unsafe new.append(contentsOf: old[position...])
        guard new.count <= PageGeometry.rowByteLimit else {
            throw .malformedChanges(
                "an edited row has \(new.count) bytes, and the limit is \(PageGeometry.rowByteLimit)")
        }
        return new
    }
}

extension BSATNWriter {
    /// A number of up to 32 bits, seven of them a byte, the lowest first; the highest bit says that more follow.
    fileprivate mutating func write(variable value: Int) {
        var rest = UInt32(truncatingIfNeeded: value)
        while rest >= 0x80 {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(truncatingIfNeeded: rest))
    }
}
