import SpacetimeSATS

// Memory safety. Valid images: rows stay where they are while the plan runs.

/// Rows by the hash of some of their fields: made when a plan begins to run, looked into during the run.
///
/// `@safe`: rows are those of the run that it was made for.
@safe
struct PlanHash: ~Copyable {
    /// A row, and the next one whose hash has the same place, plus one.
    @safe
    struct Entry: BitwiseCopyable {
        var row: UnsafeRawBufferPointer
        var hash: UInt64
        var next: UInt32
    }

    private var entries = Buffer<Entry>(capacity: 16)
    /// The first entry of each place, plus one.
    private var heads = Buffer<UInt32>(capacity: 16)

    private static let keptEntries = 4_096

    var count: Int { entries.count }
    var isUsed: Bool { entries.count > 0 }
    var byteCount: Int { entries.count * (MemoryLayout<Entry>.stride + 8) }

    mutating func removeAll() {
        entries.removeAll(keeping: Self.keptEntries, orShrinkingTo: 16)
        heads.removeAll(keeping: Self.keptEntries, orShrinkingTo: 16)
    }

    mutating func append(_ row: UnsafeRawBufferPointer, _ hash: UInt64) {
        precondition(entries.count < UInt32.max - 1, "a query keeps more rows than can be numbered")
        unsafe entries.append(Entry(row: row, hash: hash, next: 0))
    }

    /// Makes all rows findable. They are found in the order in which they came.
    mutating func link() {
        let count = max(16, 1 << (Int.bitWidth - entries.count.leadingZeroBitCount))
        heads.removeAll()
        heads.reserve(count)
        for _ in 0..<count { heads.appendReserved(0) }
        for number in (0..<entries.count).reversed() {
            let place = place(of: entries[number].hash)
            entries[number].next = heads[place]
            heads[place] = UInt32(number) + 1
        }
    }

    @inline(__always)
    private func place(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) &>> 32) & (heads.count &- 1)
    }

    /// Where a search for rows begins; 0 if there are none.
    @inline(__always)
    func first(_ hash: UInt64) -> UInt32 { heads[place(of: hash)] }

    /// The entry there.
    @inline(__always)
    subscript(place: UInt32) -> Entry { entries[Int(place) &- 1] }
}

extension TypeProgram {
    /// Mixes a valid value into a hash; values that are equal by key order have equal hashes.
    func hash(_ node: Int32, at address: UnsafeRawPointer, into state: UInt64) -> UInt64 {
        let entry = nodes[Int(node)]
        if entry.isCanonical {
            return unsafe hashBytes(
                UnsafeRawBufferPointer(start: address, count: size(node, at: address)), state: state)
        }
        switch entry.kind {
        case .float:
            let bits =
                unsafe entry.fixedSize == 4
                ? UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self))))
                : orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self)))
            return unsafe withUnsafeBytes(of: bits) { unsafe hashBytes($0, state: state) }
        case .array:
            let child = children[Int(entry.firstChild)]
            var (offset, state) = (4, state)
            let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
            for _ in 0..<count {
                state = unsafe hash(child, at: address + offset, into: state &+ 1)
                unsafe offset &+= size(child, at: address + offset)
            }
            return state
        case .product:
            var (offset, state) = (0, state)
            for i in 0..<Int(entry.childCount) {
                let child = children[Int(entry.firstChild) + i]
                state = unsafe hash(child, at: address + offset, into: state)
                unsafe offset &+= size(child, at: address + offset)
            }
            return state
        case .sum:
            let tag = unsafe address.load(as: UInt8.self)
            let child = children[Int(entry.firstChild) + Int(tag)]
            return unsafe hash(child, at: address + 1, into: state &+ UInt64(tag) &+ 1)
        case .bool, .unsigned, .signed, .string, .bytes: return state
        }
    }
}
