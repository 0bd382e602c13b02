/// Writes BSATN into memory that it owns and grows by doubling.
///
/// Keep one writer as a scratch buffer and call ``removeAll(keepingCapacity:)`` between messages: a warm writer allocates
/// nothing.
@safe @frozen public struct BSATNWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var used: Int
    @usableFromInline var capacity: Int

    /// An empty writer with room for `reservingCapacity` bytes.
    @inlinable public init(reservingCapacity: Int = 0) {
        unsafe base = nil
        used = 0
        capacity = 0
        if reservingCapacity > 0 { grow(by: reservingCapacity) }
    }

    @inlinable deinit { unsafe base?.deallocate() }

    /// How many bytes were written.
    @inlinable public var count: Int { used }

    /// What was written, lent until the writer changes.
    @inlinable public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            // `used` bytes from `base` are initialised, and the borrow keeps them from being moved.
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base ?? Self.emptyBase), byteCount: used)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A valid address for spans of zero bytes.
    @inlinable static var emptyBase: UnsafeMutableRawPointer {
        // Never read or written: only ever paired with a length of zero.
        unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    }

    /// Forgets what was written; by default keeps the memory for the next message.
    @inlinable public mutating func removeAll(keepingCapacity: Bool = true) {
        used = 0
        if !keepingCapacity {
            unsafe base?.deallocate()
            unsafe base = nil
            capacity = 0
        }
    }

    /// Makes room for `additional` more bytes, so that writing them does not reallocate.
    @inlinable public mutating func reserve(_ additional: Int) {
        if capacity &- used < additional { grow(by: additional) }
    }

    @inline(never) @usableFromInline mutating func grow(by additional: Int) {
        precondition(additional >= 0, "a writer cannot grow by \(additional) bytes")
        let needed = used + additional
        let size = Swift.max(needed, capacity * 2, 64)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        if let old = unsafe base {
            // Both regions hold at least `used` bytes and are distinct allocations.
            unsafe memory.copyMemory(from: old, byteCount: used)
            unsafe old.deallocate()
        }
        unsafe base = memory
        capacity = size
    }

    /// Appends the bytes of `value` as they lie in memory; callers pass little-endian integers.
    @inlinable @inline(__always) mutating func store<Value: BitwiseCopyable>(_ value: Value) {
        let size = MemoryLayout<Value>.size
        if capacity &- used < size { grow(by: size) }
        // `base` is not nil and `size` bytes from `used` are within the allocation, by the line above.
        unsafe base.unsafelyUnwrapped.storeBytes(of: value, toByteOffset: used, as: Value.self)
        used &+= size
    }

    // MARK: Fixed-size values

    /// One byte, 0 or 1.
    @inlinable public mutating func write(_ value: Bool) { store(value ? 1 as UInt8 : 0) }
    /// One byte.
    @inlinable public mutating func write(_ value: UInt8) { store(value) }
    /// One byte, two's complement.
    @inlinable public mutating func write(_ value: Int8) { store(value) }
    /// Two bytes.
    @inlinable public mutating func write(_ value: UInt16) { store(value.littleEndian) }
    /// Two bytes, two's complement.
    @inlinable public mutating func write(_ value: Int16) { store(value.littleEndian) }
    /// Four bytes.
    @inlinable public mutating func write(_ value: UInt32) { store(value.littleEndian) }
    /// Four bytes, two's complement.
    @inlinable public mutating func write(_ value: Int32) { store(value.littleEndian) }
    /// Eight bytes.
    @inlinable public mutating func write(_ value: UInt64) { store(value.littleEndian) }
    /// Eight bytes, two's complement.
    @inlinable public mutating func write(_ value: Int64) { store(value.littleEndian) }
    /// Sixteen bytes.
    @inlinable public mutating func write(_ value: UInt128) { store(value.littleEndian) }
    /// Sixteen bytes, two's complement.
    @inlinable public mutating func write(_ value: Int128) { store(value.littleEndian) }
    /// Thirty-two bytes.
    @inlinable public mutating func write(_ value: UInt256) {
        reserve(32)
        store(value.low.littleEndian)
        store(value.high.littleEndian)
    }
    /// Thirty-two bytes, two's complement.
    @inlinable public mutating func write(_ value: Int256) { write(UInt256(bitPattern: value)) }
    /// Four bytes, the bit pattern unchanged.
    @inlinable public mutating func write(_ value: Float) { store(value.bitPattern.littleEndian) }
    /// Eight bytes, the bit pattern unchanged.
    @inlinable public mutating func write(_ value: Double) { store(value.bitPattern.littleEndian) }

    // MARK: Counts and tags

    /// A variant's tag.
    @inlinable public mutating func writeTag(_ tag: UInt8) { store(tag) }

    /// An element or byte count (u32). `count` must lie in 0...4,294,967,295: longer arrays cannot be encoded at all, and
    /// a cut-off count would corrupt whatever follows, so the process stops.
    @inlinable public mutating func writeCount(_ count: Int) {
        guard let exact = UInt32(exactly: count) else { Self.countTooLarge(count) }
        store(exact.littleEndian)
    }

    @inline(never) @usableFromInline static func countTooLarge(_ count: Int) -> Never {
        preconditionFailure("\(count) elements do not fit BSATN's 32-bit count")
    }
}

// The memory is owned by exactly one writer, which cannot be copied, and is lent only for the length of a borrow.
extension BSATNWriter: @unchecked Sendable {}
