/// Reads BSATN in place: values back to back, little-endian, no padding, no type information.
///
/// The reader borrows its input and therefore cannot outlive it. Every read checks that the bytes are there; after a
/// read has thrown, the offset is unspecified and the reader should be dropped. Nothing here traps on any input.
@frozen public struct BSATNReader: ~Escapable {
    /// How deeply arrays and recursive types may be nested in one another.
    ///
    /// BSATN itself knows no limit, but a recursive type would let a few hundred kilobytes of input exhaust the stack.
    public static var depthLimit: Int { 128 }

    /// How many values of no bytes (units, elements of no size) one input may hold beyond one per byte read.
    ///
    /// No input backs such values: without this limit four bytes could claim four billion of them.
    public static var emptyElementLimit: Int { 65_536 }

    @usableFromInline let bytes: RawSpan
    @usableFromInline var position: Int
    @usableFromInline var depth: Int
    @usableFromInline var emptyValues: Int

    /// Starts at the first of `bytes`.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) {
        self.bytes = bytes
        self.position = 0
        self.depth = 0
        self.emptyValues = 0
    }

    /// The offset of the next byte to read.
    @inlinable public var offset: Int { position }

    /// How many bytes are left.
    @inlinable public var remaining: Int { bytes.byteCount &- position }

    /// Throws `trailingBytes` unless everything was read.
    @inlinable public func finish() throws(BSATNError) {
        guard remaining == 0 else { throw .trailingBytes(at: position, count: remaining) }
    }

    /// Passes over `count` bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func skip(_ count: Int) throws(BSATNError) {
        guard count >= 0, count <= remaining else { throw .truncated(at: position, needed: count) }
        position &+= count
    }

    /// Notes that a value is being read inside another one; pair it with ``leave()``.
    ///
    /// Arrays do this themselves. A hand-written or generated decoder of an `indirect enum` must do it too, or hostile
    /// input can exhaust the stack. Throws `tooDeep` past ``depthLimit``.
    @inlinable @_lifetime(self: copy self)
    public mutating func enter() throws(BSATNError) {
        depth &+= 1
        guard depth <= Self.depthLimit else { throw .tooDeep(limit: Self.depthLimit) }
    }

    /// Ends what ``enter()`` began. Not needed on the way out of an error.
    @inlinable @_lifetime(self: copy self)
    public mutating func leave() { depth &-= 1 }

    // MARK: Fixed-size values

    /// Loads bytes as they are in memory; the caller corrects the byte order.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    mutating func load<Value: BitwiseCopyable>(_ type: Value.Type) throws(BSATNError) -> Value {
        let size = MemoryLayout<Value>.size
        guard bytes.byteCount &- position >= size else { throw .truncated(at: position, needed: size) }
        // The guard proves that `size` bytes remain, and callers ask only for types any bit pattern is valid for.
        let value = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: Value.self)
        position &+= size
        return value
    }

    /// One byte, 0 or 1; anything else throws `invalidBool`.
    @inlinable @_lifetime(self: copy self)
    public mutating func readBool() throws(BSATNError) -> Bool {
        let byte = try load(UInt8.self)
        guard byte <= 1 else { throw .invalidBool(byte, at: position &- 1) }
        return byte == 1
    }

    /// One byte.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU8() throws(BSATNError) -> UInt8 { try load(UInt8.self) }

    /// One byte, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI8() throws(BSATNError) -> Int8 { try load(Int8.self) }

    /// Two bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU16() throws(BSATNError) -> UInt16 { UInt16(littleEndian: try load(UInt16.self)) }

    /// Two bytes, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI16() throws(BSATNError) -> Int16 { Int16(littleEndian: try load(Int16.self)) }

    /// Four bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU32() throws(BSATNError) -> UInt32 { UInt32(littleEndian: try load(UInt32.self)) }

    /// Four bytes, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI32() throws(BSATNError) -> Int32 { Int32(littleEndian: try load(Int32.self)) }

    /// Eight bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU64() throws(BSATNError) -> UInt64 { UInt64(littleEndian: try load(UInt64.self)) }

    /// Eight bytes, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI64() throws(BSATNError) -> Int64 { Int64(littleEndian: try load(Int64.self)) }

    /// Sixteen bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU128() throws(BSATNError) -> UInt128 { UInt128(littleEndian: try load(UInt128.self)) }

    /// Sixteen bytes, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI128() throws(BSATNError) -> Int128 { Int128(littleEndian: try load(Int128.self)) }

    /// Thirty-two bytes.
    @inlinable @_lifetime(self: copy self)
    public mutating func readU256() throws(BSATNError) -> UInt256 {
        let low = try readU128()
        return UInt256(high: try readU128(), low: low)
    }

    /// Thirty-two bytes, two's complement.
    @inlinable @_lifetime(self: copy self)
    public mutating func readI256() throws(BSATNError) -> Int256 { Int256(bitPattern: try readU256()) }

    /// Four bytes: an IEEE-754 bit pattern, kept as it is, NaN payloads included.
    @inlinable @_lifetime(self: copy self)
    public mutating func readF32() throws(BSATNError) -> Float { Float(bitPattern: try readU32()) }

    /// Eight bytes: an IEEE-754 bit pattern, kept as it is, NaN payloads included.
    @inlinable @_lifetime(self: copy self)
    public mutating func readF64() throws(BSATNError) -> Double { Double(bitPattern: try readU64()) }

    // MARK: Counts and tags

    /// A variant's tag, less than `below` (the number of variants); otherwise `invalidTag`.
    @inlinable @_lifetime(self: copy self)
    public mutating func readTag(below: Int) throws(BSATNError) -> UInt8 {
        let tag = try load(UInt8.self)
        guard Int(tag) < below else { throw .invalidTag(tag, at: position &- 1) }
        return tag
    }

    /// An array's element count (u32).
    ///
    /// Throws unless the rest of the input could hold that many elements of `minimumElementSize` bytes, so that a caller
    /// never works for, or allocates, more than the input backs. With a minimum of 0 the elements are counted against
    /// ``emptyElementLimit`` instead.
    @inlinable @_lifetime(self: copy self)
    public mutating func readCount(minimumElementSize: Int) throws(BSATNError) -> Int {
        let count = Int(truncatingIfNeeded: try readU32())
        if minimumElementSize > 0 {
            let (needed, overflow) = count.multipliedReportingOverflow(by: minimumElementSize)
            guard !overflow, needed <= remaining else {
                throw .truncated(at: position, needed: overflow ? Int.max : needed)
            }
        } else {
            try chargeEmptyValues(count)
        }
        return count
    }

    /// Counts values that take no bytes against ``emptyElementLimit``.
    @usableFromInline @_lifetime(self: copy self)
    mutating func chargeEmptyValues(_ count: Int) throws(BSATNError) {
        // Each charge is at most 2^32 and the first one past the limit ends the reading: the sum cannot overflow.
        emptyValues += count
        guard emptyValues <= Self.emptyElementLimit + position else {
            throw .tooManyEmptyElements(count: emptyValues, limit: Self.emptyElementLimit)
        }
    }
}
