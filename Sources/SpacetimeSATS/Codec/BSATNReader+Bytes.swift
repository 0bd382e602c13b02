extension BSATNReader {
    /// The next `count` bytes, lent from the input.
    @inlinable @_lifetime(copy self) @_lifetime(self: copy self)
    public mutating func readSpan(_ count: Int) throws(BSATNError) -> RawSpan {
        guard count >= 0, count <= remaining else { throw .truncated(at: position, needed: count) }
        // The guard proves that the range lies inside `bytes`.
        let span = unsafe bytes.extracting(unchecked: position..<position &+ count)
        position &+= count
        return span
    }

    /// A count (u32) and that many bytes, lent from the input: the contents of a string or of an `Array(U8)`.
    @inlinable @_lifetime(copy self) @_lifetime(self: copy self)
    public mutating func readCountedSpan() throws(BSATNError) -> RawSpan {
        try readSpan(Int(truncatingIfNeeded: try readU32()))
    }

    /// An `Array(U8)`, copied in one piece.
    @inlinable @_lifetime(self: copy self)
    public mutating func readBytes() throws(BSATNError) -> [UInt8] {
        let span = try readCountedSpan()
        return unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// A string: a byte count (u32) and UTF-8. Throws `invalidUTF8` for anything else; nothing is repaired.
    @inlinable @_lifetime(self: copy self)
    public mutating func readString() throws(BSATNError) -> String {
        let span = try readCountedSpan()
        guard let text = unsafe span.withUnsafeBytes({ unsafe validatedString($0) }) else {
            throw .invalidUTF8(at: position &- span.byteCount)
        }
        return text
    }
}

/// Makes a string of UTF-8, or returns nil if the bytes are something else.
@usableFromInline func validatedString(_ bytes: UnsafeRawBufferPointer) -> String? {
    unsafe bytes.withMemoryRebound(to: UInt8.self) { unsafe String(validating: $0, as: UTF8.self) }
}
