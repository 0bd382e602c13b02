import SpacetimeEngine
import SpacetimeHost

/// Functions that read rows.
enum ScanImports {
    /// What says that nothing is left.
    static let exhausted = UInt32(bitPattern: -1)

    static func table(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let rows = try doing { () throws(DatabaseError) in try transaction.scan(TableID(call.u32(0))) }
        return try openSeveral(rows, call, output: 1)
    }

    static func range(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let range = try rangeArgument(call)
        let rows = try doing { () throws(DatabaseError) in
            try transaction.scan(IndexID(call.u32(0)), range: range)
        }
        return try openSeveral(rows, call, output: 8)
    }

    static func point(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let key = try call.bytes(1, 2)
        let found = try doing { () throws(DatabaseError) in
            try unsafe transaction.find(IndexID(call.u32(0)), key: key.readOnly)
        }
        return try open(found, call, output: 3)
    }

    /// The range in the arguments behind the first: prefix, its length, its columns, start, its length, end, its length.
    static func rangeArgument(_ call: HostCall) throws(HostFailure) -> IndexRange {
        let columns = call.u32(3)
        guard columns <= UInt16.max else { throw .trap("\(columns) columns are more than an index has") }
        // Not looked at if there is nothing to look at.
        let prefix = columns == 0 ? nil : try call.copyable(1, 2)
        let (start, end) = (try call.copyable(4, 5), try call.copyable(6, 7))
        return try doing { () throws(DatabaseError) in
            try unsafe IndexRange(
                prefix: prefix?.readOnly ?? UnsafeRawBufferPointer(start: nil, count: 0), prefixColumns: Int(columns),
                start: start.readOnly, end: end.readOnly)
        }
    }

    @inline(never)
    private static func openSeveral(_ rows: GuestRows, _ call: HostCall, output: Int) throws(HostFailure) -> UInt32 {
        rows.countCopies(in: call.state.iterators.copies)
        return try open(.rows(rows), call, output: output)
    }

    @inline(__always)
    private static func open(
        _ found: GuestTransaction.Found, _ call: HostCall, output: Int
    ) throws(HostFailure) -> UInt32 {
        guard call.state.iterators.count < call.state.limits.openScanLimit else { throw tooManyScans(call) }
        let place = try call.memory(call.u32(output), 4)
        place.store(call.state.iterators.add(found))
        return 0
    }

    @inline(never)
    private static func tooManyScans(_ call: HostCall) -> HostFailure {
        .trap("\(call.state.iterators.count) scans are open; close them, or read them to their ends")
    }

    static func tooManyCopies(_ call: HostCall) -> HostFailure {
        .trap(
            "the guest writes to tables while scans of them are open, whose rows have more than "
                + "\(call.state.limits.writtenByteLimit) bytes, which is WASMLimits.writtenByteLimit; close scans, or read them "
                + "to their ends, before you write")
    }

    static func advance(_ call: HostCall) throws(HostFailure) -> UInt32 {
        guard call.state.iterators.isOpen(call.u32(0)) else { throw .number(.noSuchIterator) }
        let place = try call.memory(call.u32(2), 4)
        let capacity = place.integer(as: UInt32.self)
        let buffer = try call.memory(call.u32(1), Int(capacity))
        let piece: GuestRows.Piece?
        do throws(DatabaseError) { piece = try call.state.iterators.read(call.u32(0), into: buffer) } catch {
            if error.code == .limitReached { throw tooManyCopies(call) }
            throw HostFailure(error)
        }
        switch piece {
        case .rows(let count, let isLast)?:
            place.store(UInt32(count))
            return isLast ? exhausted : 0
        case .tooLarge(let count)?:
            place.store(UInt32(clamping: count))
            throw .number(.bufferTooSmall)
        case nil: throw .number(.noSuchIterator)
        }
    }

    static func close(_ call: HostCall) throws(HostFailure) -> UInt32 {
        // Not thrown: a loop over iterators may end in this.
        call.state.iterators.remove(call.u32(0)) ? 0 : noSuchIterator
    }

    private static let noSuchIterator = UInt32(GuestErrorNumber.noSuchIterator.rawValue)
}
