/// Byte strings of one length, by numbers that their owner gives them and by their bytes.
///
/// They lie in pages that never move, and a table of open addressing with linear probing names them. So one takes its bytes and
/// six more or so, where an array and an entry of a dictionary took a hundred.
struct ValueTable {
    /// The length of each.
    private var byteCount = 0
    private var pages: [[UInt8]] = []
    /// Numbers plus one; 0 where there is none.
    private var slots: [UInt32] = []
    private(set) var count = 0

    private static let pageCount = 64

    /// Whether it is as long as those that are there.
    func fits(_ value: [UInt8]) -> Bool { count == 0 || value.count == byteCount }

    /// The number of one; nil if it is not there.
    func number(of value: [UInt8]) -> UInt32? {
        if count == 0 || value.count != byteCount { return nil }
        return value.withUnsafeBytes { value in
            var place = home(of: value)
            while slots[place] != 0 {
                let number = slots[place] - 1
                if withBytes(of: number, { value.elementsEqual($0) }) { return number }
                place = (place + 1) & (slots.count - 1)
            }
            return nil
        }
    }

    func withBytes<Result>(of number: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = Int(number) % Self.pageCount * byteCount
        return pages[Int(number) / Self.pageCount].withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start..<start + byteCount]))
        }
    }

    /// Adds one that fits and is not there, by a number that is free: best the lowest one.
    mutating func insert(_ value: [UInt8], as number: UInt32) {
        if count == 0 {
            byteCount = value.count
            pages = []
        }
        while pages.count <= Int(number) / Self.pageCount {
            pages.append([UInt8](repeating: 0, count: Self.pageCount * byteCount))
        }
        let start = Int(number) % Self.pageCount * byteCount
        pages[Int(number) / Self.pageCount].withUnsafeMutableBytes { page in
            value.withUnsafeBytes { page[start..<start + byteCount].copyBytes(from: $0) }
        }
        // At most three of four slots are taken.
        if (count + 1) * 4 > slots.count * 3 { grow() }
        enter(number)
        count += 1
    }

    mutating func remove(_ number: UInt32) {
        let mask = slots.count - 1
        var hole = withBytes(of: number, home)
        while slots[hole] != number + 1 { hole = (hole + 1) & mask }
        // Those behind it that could not be found any more move up.
        var place = hole
        slots[hole] = 0
        while true {
            place = (place + 1) & mask
            if slots[place] == 0 { break }
            let home = withBytes(of: slots[place] - 1, home)
            if (place - home) & mask >= (place - hole) & mask {
                slots[hole] = slots[place]
                slots[place] = 0
                hole = place
            }
        }
        count -= 1
        if count == 0 { self = ValueTable() }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(8, old.count * 2))
        for slot in old where slot != 0 { enter(slot - 1) }
    }

    private mutating func enter(_ number: UInt32) {
        var place = withBytes(of: number, home)
        while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
        slots[place] = number + 1
    }

    /// Where one is looked for first. Seeded anew in each process, so that nobody can choose values that collide.
    private func home(of value: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: value)
        return hasher.finalize() & (slots.count - 1)
    }
}
