import CPrefetch

/// Memory for bytes on their way, used again and again.
///
/// `@unchecked Sendable`: it cannot be copied and nothing else points to its memory, so whoever has it has it alone.
@safe struct ByteBuffer: ~Copyable, @unchecked Sendable {
    // `capacity` bytes are allocated at `base` as long as the buffer lives, and the first `count` of them are initialised.
    private var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4_096) {
        self.capacity = capacity
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    // The allocation is this buffer's alone.
    deinit { unsafe base.deallocate() }

    var bytes: RawSpan {
        @_lifetime(borrow self) get {
            // The first `count` bytes are initialised, and the borrow keeps them where they are.
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// CRC-32C of some of the bytes.
    func checksum(from start: Int, count: Int) -> UInt32 { crc32c(bytes.part(start, count)) }

    mutating func removeAll() { count = 0 }

    /// Makes room for so many more bytes.
    @inline(__always)
    private mutating func reserve(_ additional: Int) {
        if capacity - count < additional { move(to: max(capacity * 2, count + additional)) }
    }

    /// Gives memory back that a burst needed.
    mutating func shrink(to limit: Int) { if capacity > limit, count <= limit { move(to: limit) } }

    /// - Parameter newCapacity: not below `count`.
    @inline(never)
    private mutating func move(to newCapacity: Int) {
        // The new memory has room for what is copied, and nobody has a pointer to the old one.
        let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
        unsafe new.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = new
        capacity = newCapacity
    }

    /// Brings the memory behind the end closer: another thread read it the last time round, and has its cache lines.
    @inline(__always)
    func prefetchEnd() {
        let distance = 192
        // Nothing is read or written.
        if capacity - count > distance { unsafe spacetime_prefetch_for_writing(base + (count + distance)) }
    }

    @inline(__always)
    mutating func append(_ more: RawSpan) {
        let added = more.byteCount
        reserve(added)
        // There is room now; the span cannot lie in this buffer, which is being changed.
        unsafe more.withUnsafeBytes { more in
            if let source = more.baseAddress { unsafe (base + count).copyMemory(from: source, byteCount: added) }
        }
        count &+= added
    }

    @inline(__always)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        reserve(MemoryLayout<Value>.size)
        // There is room now, and storing needs no alignment.
        unsafe (base + count).storeBytes(of: value.littleEndian, as: Value.self)
        count &+= MemoryLayout<Value>.size
    }

    mutating func appendZeros(_ zeros: Int) {
        reserve(zeros)
        // There is room now.
        unsafe (base + count).initializeMemory(as: UInt8.self, repeating: 0, count: zeros)
        count += zeros
    }

    /// Appends what `write` puts into room for `limit` bytes.
    ///
    /// - Parameter write: writes to the beginning of the room, and returns how many bytes.
    @unsafe mutating func append<E: Error>(
        upTo limit: Int, _ write: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        reserve(limit)
        let written = try unsafe write(UnsafeMutableRawBufferPointer(start: base + count, count: limit))
        precondition(written >= 0 && written <= limit, "more bytes than there was room for")
        count += written
    }

    /// Replaces an integer among the bytes.
    mutating func overwrite<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        precondition(offset >= 0 && count - offset >= MemoryLayout<Value>.size, "outside of the buffer")
        // The precondition proves that it lies within the bytes.
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }
}
