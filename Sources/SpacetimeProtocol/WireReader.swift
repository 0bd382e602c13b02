import SpacetimeSATS

/// Reads the parts of messages in place, each against its limit, and throws one kind of error.
struct WireReader: ~Escapable {
    private var reader: BSATNReader
    let limits: ProtocolLimits

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, limits: ProtocolLimits) {
        reader = BSATNReader(bytes)
        self.limits = limits
    }

    var offset: Int { reader.offset }
    var isAtEnd: Bool { reader.remaining == 0 }

    /// Whether the next byte is this one. Reads nothing.
    func isNext(tag: UInt8) -> Bool {
        if isAtEnd { return false }
        var ahead = reader
        return (try? ahead.readU8()) == tag
    }

    // MARK: Numbers

    @_lifetime(self: copy self)
    mutating func u8() throws(ProtocolError) -> UInt8 {
        do throws(BSATNError) { return try reader.readU8() } catch { throw .malformed(error) }
    }

    @_lifetime(self: copy self)
    mutating func u16() throws(ProtocolError) -> UInt16 {
        do throws(BSATNError) { return try reader.readU16() } catch { throw .malformed(error) }
    }

    @_lifetime(self: copy self)
    mutating func u32() throws(ProtocolError) -> UInt32 {
        do throws(BSATNError) { return try reader.readU32() } catch { throw .malformed(error) }
    }

    @_lifetime(self: copy self)
    mutating func u64() throws(ProtocolError) -> UInt64 {
        do throws(BSATNError) { return try reader.readU64() } catch { throw .malformed(error) }
    }

    /// Any value of a type of fixed size: identities, times.
    @_lifetime(self: copy self)
    mutating func value<Value: SpacetimeType>(_ type: Value.Type = Value.self) throws(ProtocolError) -> Value {
        do throws(BSATNError) { return try Value(from: &reader) } catch { throw .malformed(error) }
    }

    @_lifetime(self: copy self)
    mutating func tag(below count: Int) throws(ProtocolError) -> UInt8 {
        do throws(BSATNError) { return try reader.readTag(below: count) } catch { throw .malformed(error) }
    }

    /// A byte of which only values up to `allowed` exist.
    @_lifetime(self: copy self)
    mutating func flags(upTo allowed: UInt8) throws(ProtocolError) -> UInt8 {
        let flags = try u8()
        guard flags <= allowed else { throw .unknownFlags(flags, at: offset - 1, allowed: allowed) }
        return flags
    }

    // MARK: Bytes and texts

    @_lifetime(copy self) @_lifetime(self: copy self)
    mutating func span(_ count: Int) throws(ProtocolError) -> RawSpan {
        do throws(BSATNError) { return try reader.readSpan(count) } catch { throw .malformed(error) }
    }

    /// A count (u32) and as many bytes; the count is compared with the limit before anything else.
    @_lifetime(copy self) @_lifetime(self: copy self)
    mutating func countedSpan(_ part: ProtocolLimits.Part = .messageBytes) throws(ProtocolError) -> RawSpan {
        let at = offset
        let count = Int(truncatingIfNeeded: try u32())
        try limits.check(part, count, at: at)
        return try span(count)
    }

    /// The UTF-8 of a text, checked and lent.
    @_lifetime(copy self) @_lifetime(self: copy self)
    mutating func utf8(_ part: ProtocolLimits.Part = .messageBytes) throws(ProtocolError) -> RawSpan {
        let span = try countedSpan(part)
        guard isUTF8(span) else { throw .malformed(.invalidUTF8(at: offset - span.byteCount)) }
        return span
    }

    @_lifetime(self: copy self)
    mutating func text(_ part: ProtocolLimits.Part = .messageBytes) throws(ProtocolError) -> String {
        let span = try countedSpan(part)
        guard let text = span.withUnsafeBytes({ validatedString($0) }) else {
            throw .malformed(.invalidUTF8(at: offset - span.byteCount))
        }
        return text
    }

    @_lifetime(self: copy self)
    mutating func bytes(_ part: ProtocolLimits.Part = .messageBytes) throws(ProtocolError) -> [UInt8] {
        try countedSpan(part).withUnsafeBytes { [UInt8]($0) }
    }

    // MARK: Composites

    /// A count that the rest of the input can back with elements of so many bytes at least.
    @_lifetime(self: copy self)
    mutating func count(minimumElementSize: Int) throws(ProtocolError) -> Int {
        do throws(BSATNError) {
            return try reader.readCount(minimumElementSize: minimumElementSize)
        } catch { throw .malformed(error) }
    }

    @_lifetime(self: copy self)
    mutating func array<Element>(
        minimumElementSize: Int, _ read: (inout WireReader) throws(ProtocolError) -> Element
    ) throws(ProtocolError) -> [Element] {
        let count = try count(minimumElementSize: minimumElementSize)
        var elements: [Element] = []
        // An element may be larger in memory than in the message, so no more is reserved than the message is long.
        elements.reserveCapacity(min(count, 16 + reader.remaining / max(1, MemoryLayout<Element>.stride)))
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    @_lifetime(self: copy self)
    mutating func option<Value>(
        _ read: (inout WireReader) throws(ProtocolError) -> Value
    ) throws(ProtocolError) -> Value? {
        try tag(below: 2) == 0 ? try read(&self) : nil
    }

    @_lifetime(self: copy self)
    mutating func optionalU32() throws(ProtocolError) -> UInt32? {
        try option { (reader) throws(ProtocolError) in try reader.u32() }
    }

    /// The queries of a subscribe message.
    @_lifetime(self: copy self)
    mutating func queries() throws(ProtocolError) -> [String] {
        let at = offset
        let count = try count(minimumElementSize: 4)
        try limits.check(.queries, count, at: at)
        var queries: [String] = []
        queries.reserveCapacity(count)
        for _ in 0..<count { queries.append(try text(.queryBytes)) }
        return queries
    }
}

extension BSATNWriter {
    /// An option: 0 and the value, or 1.
    mutating func write<Value>(option value: Value?, _ write: (inout BSATNWriter, Value) -> Void) {
        if let value {
            writeTag(0)
            write(&self, value)
        } else {
            writeTag(1)
        }
    }

    mutating func write<Element>(array elements: [Element], _ write: (inout BSATNWriter, Element) -> Void) {
        writeCount(elements.count)
        for element in elements { write(&self, element) }
    }
}
