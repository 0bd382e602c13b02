import SpacetimeEngine
import SpacetimeHost

/// Functions that look things up in tables, and change them.
enum TableImports {
    static func tableID(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let name = try call.name(0, 1)
        let id = try doing { () throws(DatabaseError) in try transaction.table(named: name) }
        try call.write(id.rawValue, at: 2)
        return 0
    }

    static func indexID(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let name = try call.name(0, 1)
        let id = try doing { () throws(DatabaseError) in try transaction.index(named: name) }
        try call.write(id.rawValue, at: 2)
        return 0
    }

    static func rowCount(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let count = try doing { () throws(DatabaseError) in try transaction.count(TableID(call.u32(0))) }
        try call.write(UInt64(count), at: 1)
        return 0
    }

    static func insert(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let row = try call.memory(call.u32(1), Int(try call.readU32(at: 2)))
        try call.charge(row.count)
        let written = try doing { () throws(DatabaseError) in
            try unsafe transaction.insert(row.buffer, numberingInto: TableID(call.u32(0)))
        }
        return try answer(written, call, output: 2)
    }

    static func update(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let row = try call.memory(call.u32(2), Int(try call.readU32(at: 3)))
        try call.charge(row.count)
        let written = try doing { () throws(DatabaseError) in
            try unsafe transaction.update(row.buffer, numberingInto: TableID(call.u32(0)), by: IndexID(call.u32(1)))
        }
        return try answer(written, call, output: 3)
    }

    /// A row that is due too late has been written all the same: the guest decides what becomes of the transaction.
    @inline(__always)
    private static func answer(
        _ written: GuestTransaction.Written, _ call: HostCall, output: Int
    ) throws(HostFailure) -> UInt32 {
        try call.write(UInt32(written.byteCount), at: output)
        if written.isDueTooLate { throw .number(.scheduleDelayTooLong) }
        return 0
    }

    static func deleteEqual(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let rows = try call.copyable(1, 2)
        let count = try doing { () throws(DatabaseError) in
            try unsafe transaction.delete(rows.readOnly, from: TableID(call.u32(0)))
        }
        try call.write(UInt32(clamping: count), at: 3)
        return 0
    }

    static func clear(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let count = try doing { () throws(DatabaseError) in try transaction.clear(TableID(call.u32(0))) }
        try call.write(UInt64(count), at: 1)
        return 0
    }

    static func deleteByRange(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let range = try ScanImports.rangeArgument(call)
        let count = try doing { () throws(DatabaseError) in
            try transaction.delete(IndexID(call.u32(0)), range: range)
        }
        try call.write(UInt32(clamping: count), at: 8)
        return 0
    }

    static func deleteByPoint(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.writableTransaction()
        let key = try call.bytes(1, 2)
        let count = try doing { () throws(DatabaseError) in
            try unsafe transaction.delete(IndexID(call.u32(0)), key: key.readOnly)
        }
        try call.write(UInt32(clamping: count), at: 3)
        return 0
    }
}
