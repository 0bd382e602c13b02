extension BSATNWriter {
    /// A string: its UTF-8 byte count (u32), then the bytes. See ``writeCount(_:)`` for the limit.
    @inlinable public mutating func write(_ value: String) {
        // The fast path is a native string; a bridged or lazily transcoded one is first made contiguous.
        let written: Void? = unsafe value.utf8.withContiguousStorageIfAvailable { utf8 in
            unsafe writeCounted(UnsafeRawBufferPointer(utf8))
        }
        if written == nil { writeDiscontiguous(value) }
    }

    @inline(never) @usableFromInline mutating func writeDiscontiguous(_ value: String) {
        var copy = value
        copy.withUTF8 { unsafe writeCounted(UnsafeRawBufferPointer($0)) }
    }

    /// An `Array(U8)`: a count (u32), then the bytes in one copy. See ``writeCount(_:)`` for the limit.
    @inlinable public mutating func write(_ value: [UInt8]) {
        unsafe value.withUnsafeBytes { unsafe writeCounted($0) }
    }

    @inlinable mutating func writeCounted(_ raw: UnsafeRawBufferPointer) {
        reserve(raw.count &+ 4)
        writeCount(raw.count)
        unsafe append(raw)
    }

    /// Appends bytes that are already encoded. `raw` must not point into this writer.
    @inlinable public mutating func append(_ raw: UnsafeRawBufferPointer) {
        guard let source = raw.baseAddress, raw.count > 0 else { return }
        reserve(raw.count)
        // `reserve` made room for `raw.count` bytes behind `used`, in memory that only this writer can reach.
        unsafe (base.unsafelyUnwrapped + used).copyMemory(from: source, byteCount: raw.count)
        used &+= raw.count
    }

    /// Appends bytes that are already encoded.
    @inlinable public mutating func append(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe append($0) }
    }

    /// Appends bytes that are already encoded.
    @inlinable public mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Bytes that ``appendHeadRoom()`` appends.
    @inlinable package static var headRoom: Int { MemoryLayout<SIMD8<UInt64>>.size }

    /// Appends zeros, to be overwritten by what is known later and belongs before the rest.
    @inlinable @inline(__always)
    package mutating func appendHeadRoom() { store(SIMD8<UInt64>()) }

    /// Appends what `body` makes: up to `limit` bytes, in the memory that it is lent. It returns how many it made; from then
    /// on these must be initialised.
    @inlinable package mutating func append<Failure: Error>(
        upTo limit: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(limit)
        // `reserve` made room for `limit` bytes behind `used`; a writer without memory has room for none.
        let room = unsafe UnsafeMutableRawBufferPointer(start: base.map { unsafe $0 + used }, count: limit)
        let count = try unsafe body(room)
        precondition(count >= 0 && count <= limit, "more bytes were made than there was room for")
        used &+= count
    }

    /// Lends what was written.
    @inlinable public borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: used))
    }

    /// Lends what was written for change in place, for example to fill in a length that was left open.
    @inlinable public mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: used))
    }

    /// A copy of what was written.
    @inlinable public borrowing func toArray() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Replaces the u32 at `offset`, which must lie inside what was written: for counts known only afterwards.
    @inlinable public mutating func overwrite(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset <= used &- 4, "the four bytes to overwrite were not written yet")
        unsafe base.unsafelyUnwrapped.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Forgets everything from `count` on, which must not exceed ``count``: takes back a partly written value.
    @inlinable public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= used, "a writer cannot be truncated beyond what it holds")
        used = count
    }
}
