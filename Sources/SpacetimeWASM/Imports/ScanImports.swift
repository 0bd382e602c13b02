import SpacetimeEngine
import SpacetimeHost

/// Functions that read rows.
enum ScanImports {
    /// What says that nothing is left.
    static let exhausted = UInt32(bitPattern: -1)

    static func table(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let rows = try doing { () throws(DatabaseError) in try transaction.scan(TableID(call.u32(0))) }
        return try open(.rows(rows), call, output: 1)
    }

    static func range(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let range = try rangeArgument(call)
        let rows = try doing { () throws(DatabaseError) in
            try transaction.scan(IndexID(call.u32(0)), range: range)
        }
        return try open(.rows(rows), call, output: 8)
    }

    static func point(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let key = try call.bytes(1, 2)
        let found = try doing { () throws(DatabaseError) in
            try transaction.find(IndexID(call.u32(0)), key: UnsafeRawBufferPointer(key))
        }
        return try open(found, call, output: 3)
    }

    /// The range in the arguments behind the first: prefix, its length, its columns, start, its length, end, its length.
    static func rangeArgument(_ call: HostCall) throws(HostFailure) -> IndexRange {
        let columns = call.u32(3)
        guard columns <= UInt16.max else { throw .trap("\(columns) columns are more than an index has") }
        // Not looked at if there is nothing to look at.
        let prefix = columns == 0 ? UnsafeMutableRawBufferPointer(start: nil, count: 0) : try call.copyable(1, 2)
        let (start, end) = (try call.copyable(4, 5), try call.copyable(6, 7))
        return try doing { () throws(DatabaseError) in
            try IndexRange(
                prefix: UnsafeRawBufferPointer(prefix), prefixColumns: Int(columns),
                start: UnsafeRawBufferPointer(start), end: UnsafeRawBufferPointer(end))
        }
    }

    private static func open(
        _ found: GuestTransaction.Found, _ call: HostCall, output: Int
    ) throws(HostFailure) -> UInt32 {
        guard call.state.pointee.iterators.count < call.state.pointee.limits.openScanLimit else {
            throw .trap("\(call.state.pointee.iterators.count) scans are open; close them, or read them to their ends")
        }
        let place = try call.memory(call.u32(output), 4)
        place.storeBytes(of: call.state.pointee.iterators.add(found).littleEndian, as: UInt32.self)
        return 0
    }

    static func advance(_ call: HostCall) throws(HostFailure) -> UInt32 {
        guard call.state.pointee.iterators.isOpen(call.u32(0)) else { throw .number(.noSuchIterator) }
        let place = try call.memory(call.u32(2), 4)
        let capacity = UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))
        let buffer = try call.memory(call.u32(1), Int(capacity))
        let piece = try doing { () throws(DatabaseError) in
            try call.state.pointee.iterators.read(call.u32(0), into: buffer)
        }
        switch piece {
        case .rows(let count, let isLast)?:
            place.storeBytes(of: UInt32(count).littleEndian, as: UInt32.self)
            return isLast ? exhausted : 0
        case .tooLarge(let count)?:
            place.storeBytes(of: UInt32(clamping: count).littleEndian, as: UInt32.self)
            throw .number(.bufferTooSmall)
        case nil: throw .number(.noSuchIterator)
        }
    }

    static func close(_ call: HostCall) throws(HostFailure) -> UInt32 {
        // Not thrown: a loop over iterators may end in this.
        call.state.pointee.iterators.remove(call.u32(0)) ? 0 : noSuchIterator
    }

    private static let noSuchIterator = UInt32(GuestErrorNumber.noSuchIterator.rawValue)
}
