import SpacetimeHost
import SpacetimeSATS

/// Functions that hand bytes to the guest, and take them from it.
enum ByteImports {
    static func read(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let position = try source(call)
        let capacity = Int(try call.readU32(at: 2))
        let buffer = try call.memory(call.u32(1), capacity)
        let count = call.state.sources[position].read(into: buffer)
        try call.write(UInt32(count), at: 2)
        guard call.state.sources[position].left == 0 else { return 0 }
        call.guest.closeSource(position)
        return ScanImports.exhausted
    }

    static func remaining(_ call: HostCall) throws(HostFailure) -> UInt32 {
        try call.write(UInt32(clamping: call.state.sources[try source(call)].left), at: 1)
        return 0
    }

    /// The position of a source that is not read to its end.
    @inline(__always)
    private static func source(_ call: HostCall) throws(HostFailure) -> Int {
        let position = Int(call.u32(0)) - 1
        guard call.state.sources.has(position), call.state.sources[position].isOpen else {
            throw .number(.noSuchBytes)
        }
        return position
    }

    static func write(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let position = Int(call.u32(0)) - 1
        guard position >= 0, position < call.state.sinkCount else { throw .number(.noSuchBytes) }
        let bytes = try call.memory(call.u32(1), Int(try call.readU32(at: 2)))
        let limit = call.state.limits.resultByteLimit
        guard call.state.sinks[position].bytes.count + bytes.count <= limit else {
            throw .trap("the guest gives back more than \(limit) bytes")
        }
        call.state.hasWritten = true
        unsafe call.state.sinks[position].bytes.append(contentsOf: unsafe bytes.readOnly)
        return 0
    }

    static func credentials(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let transaction = try call.transaction()
        let bytes = try call.memory(call.u32(0), 16).array
        var reader = unsafe BSATNReader(bytes.span.bytes)
        guard let connection = try? ConnectionId(from: &reader) else { throw .trap("a connection id has 16 bytes") }
        let text = try doing { () throws(DatabaseError) in try transaction.credentials(of: connection) }
        // Where it goes is looked at before there is a source that nobody knows.
        _ = try call.memory(call.u32(1), 4)
        try call.write(try call.guest.addSource(Array((text ?? "").utf8)), at: 1)
        return 0
    }
}

extension GuestReference {
    /// Gives the guest bytes that it asked for, to read.
    ///
    /// - Returns: the number of the source; 0, which means that there are none, if they are none.
    /// - Throws: a trap if the guest leaves too many of them unread.
    func addSource(_ bytes: [UInt8]) throws(HostFailure) -> UInt32 {
        if bytes.isEmpty { return 0 }
        let limits = state.limits
        guard state.answerCount < limits.openScanLimit, state.answerByteCount + bytes.count <= limits.unreadByteLimit
        else {
            throw .trap(
                "the guest leaves \(state.answerCount) answers of the host unread, which have "
                    + "\(state.answerByteCount + bytes.count) bytes with the next one; read them to their ends")
        }
        state.answerCount += 1
        state.answerByteCount += bytes.count
        let source = ByteSource(copying: bytes)
        // Numbers are used again once there are as many as may be open, beside the two that a call begins with. The limit is any
        // number, as the largest, to which nothing can be added.
        if state.sources.count - 2 >= limits.openScanLimit,
            let free = (0..<state.sources.count).first(where: { !state.sources[$0].isOpen })
        {
            state.sources[free] = source
            return UInt32(free + 1)
        }
        state.sources.append(source)
        return UInt32(state.sources.count)
    }

    /// Closes a source that has been read to its end.
    fileprivate func closeSource(_ position: Int) {
        let byteCount = state.sources[position].free()
        if byteCount > 0 {
            state.answerCount -= 1
            state.answerByteCount -= byteCount
        }
    }
}
