import SpacetimeHost
import SpacetimeSATS

/// The memory of a guest, as far as the host knows it.
///
/// It never moves: see `wasmtime_config_memory_may_move_set`. It may have grown since it was looked at.
@safe
struct GuestMemory {
    private var start: UnsafeMutableRawPointer?
    private(set) var byteCount = 0

    /// None at all: nothing is in it.
    init() {}

    /// The memory of an instance, for as long as that is there.
    init(_ memory: WasmtimeMemory, in context: WasmtimeContext) {
        (unsafe start, byteCount) = unsafe context.bytes(of: memory)
    }

    /// Some of its bytes; nil if not all of them are in it, or if they begin at 0, where nothing of a guest's may be.
    @inline(__always)
    func bytes(_ address: UInt32, _ count: Int) -> GuestBytes? {
        // It cannot overflow: the address has 32 bits, and the count no more.
        guard let start = unsafe start, address != 0, count >= 0, Int(address) &+ count <= byteCount else { return nil }
        return unsafe GuestBytes(unchecked: start + Int(address), count)
    }
}

/// Bytes of a guest's memory, all of which are there.
///
/// `@safe`: ``GuestMemory`` makes them, which has checked that. They are used while the guest waits for the host's function to
/// which it handed them, and not kept: until then its instance stays, and nothing else reads or writes its memory.
@safe
struct GuestBytes {
    private let start: UnsafeMutableRawPointer
    let count: Int

    @inline(__always)
    fileprivate init(unchecked start: UnsafeMutableRawPointer, _ count: Int) {
        unsafe self.start = start
        self.count = count
    }

    // MARK: For functions that take memory

    var buffer: UnsafeMutableRawBufferPointer {
        @inline(__always) get { unsafe UnsafeMutableRawBufferPointer(start: start, count: count) }
    }

    var readOnly: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: start, count: count) }
    }

    // MARK: Numbers

    @inline(__always)
    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(at offset: Int = 0, as type: Integer.Type) -> Integer {
        require(offset, MemoryLayout<Integer>.size)
        return unsafe Integer(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    @inline(__always)
    func store<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer, at offset: Int = 0) {
        require(offset, MemoryLayout<Integer>.size)
        unsafe start.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
    }

    // MARK: Bytes

    /// No more of them than so many, from the start.
    @inline(__always)
    func prefix(_ limit: Int) -> GuestBytes { unsafe GuestBytes(unchecked: start, min(count, max(0, limit))) }

    /// Writes bytes over the start of these. There must not be more of them.
    @inline(__always)
    func copy(_ bytes: UnsafeRawBufferPointer) {
        require(0, bytes.count)
        unsafe buffer.copyMemory(from: bytes)
    }

    func copy(_ bytes: [UInt8]) { unsafe bytes.withBytes { unsafe copy($0) } }

    func fillWithZeros() { unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0) }

    var array: [UInt8] { unsafe Array(readOnly) }

    /// Nil if they are no UTF-8.
    var text: String? { unsafe String(validating: readOnly, as: UTF8.self) }

    /// As text, in which bytes that are none are replaced.
    var lossyText: String { unsafe String(decoding: readOnly, as: UTF8.self) }

    @inline(__always)
    private func require(_ offset: Int, _ length: Int) {
        precondition(offset >= 0 && length <= count && offset <= count - length, "the guest's bytes end before that")
    }
}
