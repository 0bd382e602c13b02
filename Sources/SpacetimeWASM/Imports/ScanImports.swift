import SpacetimeEngine
import SpacetimeHost

/// Functions that read rows.
enum ScanImports {
    /// What says that nothing is left.
    static let exhausted = UInt32(bitPattern: -1)

    static func table(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let rows = try doing { () throws(DatabaseError) in try transaction.scan(TableID(call.u32(0))) }
        return try open(rows, call, output: 1)
    }

    static func range(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let range = try rangeArgument(call)
        let rows = try doing { () throws(DatabaseError) in
            try transaction.scan(IndexID(call.u32(0)), range: range)
        }
        return try open(rows, call, output: 8)
    }

    static func point(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let key = try call.bytes(1, 2)
        let rows = try doing { () throws(DatabaseError) in
            try transaction.scan(IndexID(call.u32(0)), key: UnsafeRawBufferPointer(key))
        }
        return try open(rows, call, output: 3)
    }

    /// The range in the arguments behind the first: prefix, its length, its columns, start, its length, end, its length.
    static func rangeArgument(_ call: HostCall) throws(HostFailure) -> IndexRange {
        let columns = call.u32(3)
        guard columns <= UInt16.max else { throw .trap("\(columns) columns are more than an index has") }
        // Not looked at if there is nothing to look at.
        let prefix = columns == 0 ? UnsafeMutableRawBufferPointer(start: nil, count: 0) : try call.bytes(1, 2)
        let (start, end) = (try call.bytes(4, 5), try call.bytes(6, 7))
        return try doing { () throws(DatabaseError) in
            try IndexRange(
                prefix: UnsafeRawBufferPointer(prefix), prefixColumns: Int(columns),
                start: UnsafeRawBufferPointer(start), end: UnsafeRawBufferPointer(end))
        }
    }

    private static func open(_ rows: GuestRows, _ call: HostCall, output: Int) throws(HostFailure) -> UInt32 {
        guard call.state.pointee.iterators.count < call.state.pointee.limits.openScanLimit else {
            throw .trap("\(call.state.pointee.iterators.count) scans are open; close them, or read them to their ends")
        }
        try call.write(call.state.pointee.iterators.add(rows), at: output)
        return 0
    }

    static func advance(_ call: HostCall) throws(HostFailure) -> UInt32 {
        guard let rows = call.state.pointee.iterators[call.u32(0)] else { throw .number(.noSuchIterator) }
        let capacity = try call.readU32(at: 2)
        let buffer = try call.memory(call.u32(1), Int(capacity))
        switch try doing({ () throws(DatabaseError) in try rows.read(into: buffer) }) {
        case .rows(let count, let isLast):
            try call.write(UInt32(count), at: 2)
            guard isLast else { return 0 }
            _ = call.state.pointee.iterators.remove(call.u32(0))
            return exhausted
        case .tooLarge(let count):
            try call.write(UInt32(count), at: 2)
            throw .number(.bufferTooSmall)
        }
    }

    static func close(_ call: HostCall) throws(HostFailure) -> UInt32 {
        guard call.state.pointee.iterators.remove(call.u32(0)) else { throw .number(.noSuchIterator) }
        return 0
    }
}
