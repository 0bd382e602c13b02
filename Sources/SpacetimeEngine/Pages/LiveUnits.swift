// Memory safety. A word is read where it is below the count that the page was said to have.

/// The units of one page at which live rows start, ascending.
///
/// Behind its header a page has one bit for each unit, set where a live row starts. Whoever goes through the rows of a
/// page, a table or a snapshot does it by this walk, or by one of its two other forms: ``Backward``, and
/// ``forEach(_:fullWord:)``, which meets 64 neighbours at once where all of them are live.
///
/// The bitmap is read word by word as the walk comes to it. Rows that were shown may be taken out meanwhile, by whoever keeps
/// the page: if a change replaces it by a copy, the walk stays with the old one.
///
/// `@safe`: whoever makes one says that the page is as long as its bitmap, and keeps it during the walk.
@safe
struct LiveUnits: Sequence, IteratorProtocol {
    private let words: UnsafePointer<UInt64>
    private let wordCount: Int
    private var word: Int
    /// What is left of the word.
    private var bits: UInt64

    /// - Parameters:
    ///   - base: the first byte of the page; it must stay where it is during the walk.
    ///   - wordCount: words of the bitmap to go through; 0 for a number without a page, whose address is not read.
    ///   - unit: where to begin.
    @inline(__always)
    init(ofPage base: UnsafeMutableRawPointer, wordCount: Int, from unit: Int = 0) {
        unsafe words = Self.bitmap(of: base)
        self.wordCount = wordCount
        word = unit &>> 6
        bits = unsafe word < wordCount ? words[word] & (.max &<< UInt64(unit & 63)) : 0
    }

    @inline(__always)
    mutating func next() -> Int? {
        while bits == 0 {
            word &+= 1
            if word >= wordCount { return nil }
            bits = unsafe words[word]
        }
        let unit = word &<< 6 | bits.trailingZeroBitCount
        bits &= bits &- 1
        return unit
    }

    /// Goes through the whole page, whatever was shown before.
    ///
    /// - Parameters:
    ///   - body: gets a unit at a time.
    ///   - fullWord: gets the first of 64 units that lie behind each other and all start live rows.
    @inline(__always)
    func forEach(_ body: (Int) -> Void, fullWord: (Int) -> Void) {
        for word in 0..<wordCount {
            var bits = unsafe words[word]
            if bits == .max {
                fullWord(word &<< 6)
                continue
            }
            while bits != 0 {
                body(word &<< 6 | bits.trailingZeroBitCount)
                bits &= bits &- 1
            }
        }
    }

    /// The same units from the last to the first.
    @safe
    struct Backward: Sequence, IteratorProtocol {
        private let words: UnsafePointer<UInt64>
        private var word: Int
        private var bits: UInt64

        /// - Parameter unit: above the first one to show.
        @inline(__always)
        init(ofPage base: UnsafeMutableRawPointer, wordCount: Int, below unit: Int = .max) {
            unsafe words = LiveUnits.bitmap(of: base)
            word = wordCount
            bits = 0
            guard unit &>> 6 < wordCount else { return }
            word = unit &>> 6
            bits = unsafe words[word] & ~(.max &<< UInt64(unit & 63))
        }

        @inline(__always)
        mutating func next() -> Int? {
            while bits == 0 {
                if word == 0 { return nil }
                word &-= 1
                bits = unsafe words[word]
            }
            let bit = 63 &- bits.leadingZeroBitCount
            bits &= ~(1 &<< UInt64(bit))
            return word &<< 6 | bit
        }
    }

    @inline(__always)
    private static func bitmap(of base: UnsafeMutableRawPointer) -> UnsafePointer<UInt64> {
        unsafe UnsafePointer((base + PageGeometry.headerByteCount).assumingMemoryBound(to: UInt64.self))
    }
}
