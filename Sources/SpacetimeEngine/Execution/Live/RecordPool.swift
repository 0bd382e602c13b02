// Memory safety. Own memory: chunk `i` has room for `firstCount << i` records, and is freed by `deinit` or when no record is
// in use. Whoever asks for a record has its number from `take`, and has not given it back.

/// Records of one size that are known by 32-bit numbers and do not move: the smallest number that is free is not looked for,
/// the one given back last is taken first.
///
/// Memory comes in chunks each of which is twice as large as the one before, so a number leads to its record by a shift and
/// nothing is ever copied. It is given back when the last record is.
///
/// `@safe`: a number that was taken lies in a chunk, whole.
@safe
struct RecordPool: ~Copyable {
    let recordByteCount: Int
    private var chunks = Buffer<Ref<UInt64>>(capacity: 4)
    /// One more than the number given back last, whose record begins with the same for the one before; 0 at the end.
    private var free: UInt32 = 0
    /// Numbers handed out at least once.
    private(set) var bound: UInt32 = 0
    private(set) var inUse = 0

    private static let firstCount = 16
    private static let firstShift = 4
    /// Numbers stay below that, so that one more than a number fits as well.
    static let limit = UInt32.max - 1

    /// - Parameter recordByteCount: at least 4.
    init(recordByteCount: Int) { self.recordByteCount = (recordByteCount + 7) & ~7 }

    deinit { freeChunks(from: 0) }

    /// Bytes that were ever written: what lies behind them in the last chunk, which may be half of it, takes addresses and no
    /// memory.
    var byteCount: Int { Int(bound) * recordByteCount }

    /// Whether the next record has a number that is not above `last`, if none has been so far.
    @inline(__always)
    func hasNumber(upTo last: UInt32) -> Bool { free != 0 || bound <= last }

    /// Where a record lies, aligned to 8 bytes.
    @inline(__always)
    subscript(number: UInt32) -> UnsafeMutableRawPointer {
        let shifted = Int(number) &+ Self.firstCount
        let chunk = Int.bitWidth &- 1 &- Self.firstShift &- shifted.leadingZeroBitCount
        return unsafe chunks[chunk].address + (shifted &- Self.firstCount &<< chunk) &* recordByteCount
    }

    /// A record with any content.
    mutating func take() -> UInt32 {
        inUse &+= 1
        if free != 0 {
            let number = free &- 1
            free = unsafe self[number].load(as: UInt32.self)
            return number
        }
        if Int(bound) &+ Self.firstCount == Self.firstCount &<< chunks.count { addChunk() }
        bound &+= 1
        return bound &- 1
    }

    mutating func giveBack(_ number: UInt32) {
        inUse &-= 1
        if inUse == 0 { return reset() }
        unsafe self[number].storeBytes(of: free, as: UInt32.self)
        free = number &+ 1
    }

    @inline(never)
    private mutating func addChunk() {
        precondition(bound < Self.limit, "there are no more records")
        let memory = unsafe allocateZeroed(byteCount: chunkByteCount(chunks.count))
        chunks.append(unsafe Ref(to: memory.assumingMemoryBound(to: UInt64.self)))
    }

    private func chunkByteCount(_ position: Int) -> Int { (Self.firstCount << position) * recordByteCount }

    private mutating func reset() {
        free = 0
        bound = 0
        // A few are kept: what is emptied is often filled again.
        let kept = min(chunks.count, 2)
        freeChunks(from: kept)
        chunks.truncate(to: kept)
    }

    private func freeChunks(from first: Int) {
        for position in first..<max(chunks.count, first) {
            unsafe freeZeroed(chunks[position].address, byteCount: chunkByteCount(position))
        }
    }
}
