import CCRC32C
import CLZ4
import CPrefetch

/// CRC-32C of the bytes, continuing from that of bytes before them.
package func crc32c(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return crc }
    return spacetime_crc32c(crc, base, bytes.count)
}

/// LZ4 blocks.
enum LZ4 {
    /// Shorter input is stored as it is.
    static let minimumByteCount = 512
    /// The most that one block may hold.
    static let limit = 0x7E00_0000

    /// Room that compressing so many bytes may need.
    static func bound(_ count: Int) -> Int { Int(LZ4_compressBound(Int32(count))) }

    /// Compresses if that saves at least an eighth.
    ///
    /// - Parameter output: at least ``bound(_:)`` bytes.
    /// - Returns: the compressed size, or nil if the input should be stored as it is.
    static func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Int? {
        guard input.count >= minimumByteCount, input.count <= limit, let base = input.baseAddress else { return nil }
        let count = Int(
            LZ4_compress_default(
                base.assumingMemoryBound(to: CChar.self), output.assumingMemoryBound(to: CChar.self),
                Int32(input.count), Int32(bound(input.count))))
        return count > 0 && count <= input.count - input.count / 8 ? count : nil
    }

    /// - Returns: false if the input is not a block of exactly so many bytes.
    static func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard let source = input.baseAddress, let target = output.baseAddress, input.count <= limit,
            output.count <= limit
        else { return false }
        let count = LZ4_decompress_safe(
            source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
            Int32(input.count), Int32(output.count))
        return Int(count) == output.count
    }
}

/// Memory for bytes on their way, used again and again.
///
/// `@unchecked Sendable`: it cannot be copied and nothing else points to its memory, so whoever has it has it alone.
struct ByteBuffer: ~Copyable, @unchecked Sendable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4_096) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func removeAll() { count = 0 }

    /// Makes room for so many more bytes.
    @inline(__always)
    mutating func reserve(_ additional: Int) { if capacity - count < additional { grow(additional) } }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        let newCapacity = max(capacity * 2, count + additional)
        let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
        new.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = new
        capacity = newCapacity
    }

    /// Gives memory back that a burst needed.
    mutating func shrink(to limit: Int) {
        guard capacity > limit, count <= limit else { return }
        let new = UnsafeMutableRawPointer.allocate(byteCount: limit, alignment: 16)
        new.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = new
        capacity = limit
    }

    /// Another thread read these bytes the last time round, and has their cache lines.
    @inline(__always)
    func prefetchEnd() {
        let distance = 192
        if capacity - count > distance { spacetime_prefetch_for_writing(base + (count + distance)) }
    }

    @inline(__always)
    mutating func append(_ more: UnsafeRawBufferPointer) {
        reserve(more.count)
        if let source = more.baseAddress { (base + count).copyMemory(from: source, byteCount: more.count) }
        count &+= more.count
    }

    @inline(__always)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        reserve(MemoryLayout<Value>.size)
        (base + count).storeBytes(of: value.littleEndian, as: Value.self)
        count &+= MemoryLayout<Value>.size
    }

    /// Counts bytes that were written to reserved room.
    mutating func advance(_ written: Int) {
        precondition(count + written <= capacity, "more bytes than there was room for")
        count += written
    }

    mutating func overwrite(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= count, "outside of the buffer")
        base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian integer; the caller knows that it is inside.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "outside of the bytes")
        return Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }

    func part(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[offset..<(offset + count)])
    }
}
