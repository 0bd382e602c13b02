// Memory safety. Valid images: the slot was filled with a length that its image has.

/// How a table cuts its pages: constants of the table from its row layout.
///
/// A page is a header, a bit for each unit that says "a live row starts here", and units. Rows of one size take one
/// unit of exactly that size each. Rows that vary in size take a run of 16-byte units, the first four bytes holding the
/// image's length; a page serves one run length, and a row too large for that has a page of its own.
struct PageGeometry: Equatable {
    /// Bytes of a unit.
    let unit: Int
    /// Units on a page.
    let unitsPerPage: Int
    /// Offset of unit 0: header and bitmap lie before it.
    let dataOffset: Int
    /// Bits of a row id that number the unit.
    let unitBits: UInt32
    /// The low bits that number the unit.
    let unitMask: UInt32
    /// The image size of every row, or nil.
    let fixedSize: Int?
    /// True if a row is one unit without a length prefix.
    let isPacked: Bool
    /// Bytes of every image on packed pages, else 0.
    let packedByteCount: Int
    /// How far behind its beginning a slot is asked for a second time when a row is to be read soon: of a row that lies in two
    /// lines of memory, both are needed.
    let secondPrefetch: Int

    static let pageByteCount = 65_536
    static let headerByteCount = MemoryLayout<PageHeader>.size
    static let variableUnit = 16
    /// A freed slot holds the chain to the next one, so rows of fewer bytes take this many.
    static let smallestUnit = 4
    /// Longer rows of one size are stored like rows that vary: packing them would leave too much of a page unused.
    static let packedLimit = 16_384
    /// The longest row image, so that lengths fit the 32-bit prefix and offsets stay far from overflow.
    static let rowByteLimit = 1 << 30

    init(fixedSize: Int?) {
        self.fixedSize = fixedSize
        isPacked = fixedSize.map { $0 <= Self.packedLimit } ?? false
        packedByteCount = isPacked ? fixedSize ?? 0 : 0
        // Rows that vary in size mostly have what is looked at in front.
        secondPrefetch = isPacked ? min(max(packedByteCount, 1), 64) - 1 : 47
        // A table whose rows are empty still needs a place for its one row; a fixed row that does not fit a page
        // well is stored like a variable one.
        if isPacked {
            unit = max(packedByteCount, Self.smallestUnit)
            var count = (Self.pageByteCount - Self.headerByteCount) * 8 / (unit * 8 + 1)
            while Self.dataOffset(units: count) + count * unit > Self.pageByteCount { count -= 1 }
            unitsPerPage = count
        } else {
            unit = Self.variableUnit
            unitsPerPage = (Self.pageByteCount - Self.dataOffset(units: Self.pageByteCount / 16)) / 16
        }
        dataOffset = Self.dataOffset(units: isPacked ? unitsPerPage : Self.pageByteCount / 16)
        unitBits = UInt32(Int.bitWidth - (unitsPerPage - 1).leadingZeroBitCount)
        unitMask = (1 << unitBits) - 1
    }

    /// Pages that a row id can number; the last is left out so that no id has all bits set.
    var pageLimit: Int { (1 << (32 - Int(unitBits))) - 1 }

    private static func dataOffset(units: Int) -> Int {
        (headerByteCount + (units + 63) / 64 * 8 + 15) & ~15
    }

    /// Units of the slot for a variable row: sixteenths of the next power of two, at most 12.5 % more than needed.
    func unitsForRow(byteCount: Int) -> Int {
        let needed = (byteCount + 4 + Self.variableUnit - 1) / Self.variableUnit
        if needed <= 16 { return needed }
        let step = 1 << (Int.bitWidth - needed.leadingZeroBitCount - 4)
        return (needed + step - 1) & ~(step - 1)
    }

    /// Bytes of a page up to the last unit that was ever handed out: what there is to save of it.
    func usedByteCount(_ header: PageHeader) -> Int {
        let run = Int(header.slotUnits)
        return dataOffset + (run > Self.sharedRunLimit ? run : Int(header.bump)) * unit
    }

    /// Words of a page's bitmap that can have bits set: those of units that were ever handed out.
    static func bitmapWordCount(_ header: PageHeader) -> Int { (Int(header.bump) + 63) >> 6 }

    /// Where a unit begins in its page.
    @inline(__always)
    func offset(ofUnit number: Int) -> Int { dataOffset &+ number &* unit }

    /// Where in its slot an image begins: behind its length, unless all have the same.
    var imageOffset: Int {
        @inline(__always) get { isPacked ? 0 : 4 }
    }

    /// The image in the slot that begins there.
    @inline(__always)
    func image(inSlot slot: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        if isPacked { return unsafe UnsafeRawBufferPointer(start: slot, count: packedByteCount) }
        return unsafe UnsafeRawBufferPointer(start: slot + 4, count: Int(slot.load(as: UInt32.self)))
    }

    @inline(__always)
    func rowID(page: Int, unit number: Int) -> RowID {
        RowID(UInt32(truncatingIfNeeded: page) &<< unitBits | UInt32(truncatingIfNeeded: number))
    }

    @inline(__always)
    func page(of row: RowID) -> Int { Int(row.rawValue &>> unitBits) }

    @inline(__always)
    func unit(of row: RowID) -> Int { Int(row.rawValue & unitMask) }

    /// Slots of a shared page.
    func slotCount(run: Int) -> Int { unitsPerPage / run }

    /// A longer run gets a page of its own.
    static let sharedRunLimit = 1_024
}

/// The first bytes of a page, in memory order.
struct PageHeader {
    /// Units of every slot on this page; 1 on packed pages.
    var slotUnits: UInt32
    /// Units never handed out start here.
    var bump: UInt32
    /// First freed slot's unit plus one, chained through the freed slots' first bytes by the same rule; 0 if none.
    var freeHead: UInt32
    /// Slots handed out and not freed.
    var used: UInt32
    /// Zero. Files of earlier versions have a flag here that says nothing any more.
    var unused: UInt32
    var reserved: UInt32

    /// A page without rows.
    init(slotUnits: UInt32) {
        self.slotUnits = slotUnits
        bump = 0
        freeHead = 0
        used = 0
        unused = 0
        reserved = 0
    }
}
