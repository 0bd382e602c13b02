// Memory safety. Own memory: `base` has room for `capacity` elements, of which the first `count` are initialised.

/// Elements in one block of memory that doubles when it is full.
///
/// What an array is, without its costs on hot paths: nothing is counted or checked for sharing, because there is one owner,
/// and memory is kept when elements go, up to what the owner says.
///
/// `@safe`: positions are below ``count``, which debug builds assert.
@safe
struct Buffer<Element: ~Copyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    private(set) var count = 0

    /// - Parameter capacity: elements that fit before the first growing; one at least.
    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        unsafe base = .allocate(capacity: self.capacity)
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    subscript(position: Int) -> Element {
        @inline(__always) unsafeAddress {
            assert(position >= 0 && position < count)
            return unsafe UnsafePointer(base + position)
        }
        @inline(__always) unsafeMutableAddress {
            assert(position >= 0 && position < count)
            return unsafe base + position
        }
    }

    /// A reference to an element, good until the buffer grows or the element goes.
    @inline(__always)
    func reference(to position: Int) -> Ref<Element> { unsafe Ref(to: base + position) }

    @inline(__always)
    mutating func append(_ element: consuming Element) {
        if count == capacity { grow(1) }
        unsafe (base + count).initialize(to: element)
        count &+= 1
    }

    /// Makes room for so many more elements.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if count &+ additional > capacity { grow(additional) }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) { resize(to: max(capacity * 2, count + additional)) }

    private mutating func resize(to newCapacity: Int) {
        let new = UnsafeMutablePointer<Element>.allocate(capacity: newCapacity)
        unsafe new.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = new
        capacity = newCapacity
    }

    @inline(__always)
    mutating func removeLast() -> Element {
        count &-= 1
        return unsafe (base + count).move()
    }

    @inline(never)
    private mutating func shrink(to newCapacity: Int) { resize(to: newCapacity) }
}

extension Buffer {
    init(_ elements: [Element]) {
        self.init(capacity: elements.count)
        for element in elements { append(element) }
    }
}

extension Buffer where Element: BitwiseCopyable {
    /// Forgets the elements from this position on.
    @inline(__always)
    mutating func truncate(to newCount: Int) { count = newCount }

    /// Forgets all elements. A block that has become larger than `kept` elements is given back for one of `capacity`.
    @inline(__always)
    mutating func removeAll(keeping kept: Int = .max, orShrinkingTo capacity: Int = 1) {
        count = 0
        if self.capacity > kept { shrink(to: capacity) }
    }

    /// Adds an element for which there is room.
    @inline(__always)
    mutating func appendReserved(_ element: Element) {
        unsafe base[count] = element
        count &+= 1
    }
}

/// Bytes.
extension Buffer<UInt8> {
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        unsafe copyImage(start, to: UnsafeMutableRawPointer(base + count), byteCount: bytes.count)
        count &+= bytes.count
    }

    /// The same for bytes of which there are so many one time and so many the next.
    @inline(__always)
    mutating func append(value: UnsafeRawPointer, byteCount: Int) {
        reserve(byteCount)
        unsafe copyValue(value, to: UnsafeMutableRawPointer(base + count), byteCount: byteCount)
        count &+= byteCount
    }

    /// Appends the first bytes of a number that is written with its highest byte first.
    mutating func append(bigEndian value: UInt64, _ byteCount: Int) {
        reserve(8)
        unsafe UnsafeMutableRawPointer(base + count).storeBytes(of: value.bigEndian, as: UInt64.self)
        count &+= byteCount
    }

    /// Appends the lowest bytes of a number, the lowest first.
    @inline(__always)
    mutating func append(littleEndian value: UInt64, _ byteCount: Int) {
        reserve(8)
        unsafe UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: UInt64.self)
        count &+= byteCount
    }

    /// Writes the count of a text or an array in front of it, where four bytes were left for it.
    mutating func setCount(_ value: Int, at position: Int) {
        unsafe UnsafeMutableRawPointer(base + position).storeBytes(
            of: UInt32(truncatingIfNeeded: value).littleEndian, as: UInt32.self)
    }

    /// Flips the bits of all bytes from a position on.
    func complement(from position: Int) {
        for place in position..<count { unsafe base[place] = ~base[place] }
    }

    /// Turns the bytes into the smallest string above everything that begins with them; false if there is none.
    mutating func advanceToSuccessor() -> Bool {
        while count > 0 {
            if unsafe base[count - 1] != 0xFF {
                unsafe base[count - 1] &+= 1
                return true
            }
            count -= 1
        }
        return false
    }
}
