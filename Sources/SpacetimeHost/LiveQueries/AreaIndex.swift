/// Queries by the intervals or rectangles that they ask for: `x BETWEEN 10 AND 20 AND y BETWEEN 5 AND 9`.
///
/// A grid whose cells are somewhat larger than most areas, so that an area lies in few cells, and a place in the areas of its
/// cell and few others. The size of the cells follows from the areas that are there: it is chosen anew whenever their number
/// has doubled. Areas that are too large for that, or open to a side, are tested for every place.
///
/// This is the uniform grid of computational geometry; a place costs as much as there are areas in its cell.
///
/// The values of the queries are kept here, too, as there may be a million of them: an area takes 90 bytes in all.
struct AreaIndex {
    /// Both ends belong to it. One axis, or two: the second is then from zero to zero.
    struct Area: Hashable {
        var low: SIMD2<Double>
        var high: SIMD2<Double>

        /// False if it is open to a side, so that no cells hold it.
        var isBounded: Bool {
            (0...1).allSatisfy { low[$0].isFinite && high[$0].isFinite }
        }
    }

    /// Numbers one by one, which take less than vectors with a reference beside them.
    private struct Entry {
        /// Nil if there is none any more.
        var query: LiveQuery?
        private var lowX = 0.0
        private var lowY = 0.0
        private var highX = 0.0
        private var highY = 0.0

        init(_ query: LiveQuery?, _ area: Area) {
            self.query = query
            (lowX, lowY, highX, highY) = (area.low.x, area.low.y, area.high.x, area.high.y)
        }

        var area: Area { Area(low: SIMD2(lowX, lowY), high: SIMD2(highX, highY)) }

        @inline(__always)
        func contains(_ place: SIMD2<Double>) -> Bool {
            place.x >= lowX && place.x <= highX && place.y >= lowY && place.y <= highY
        }
    }

    /// A cell that an area lies in, in a table of open addressing with linear probing. Zero is an empty place.
    private struct Slot {
        /// One more than the position of the entry.
        var entry: UInt32 = 0
        var hash: UInt32 = 0
    }

    /// In pages that never move.
    private var pages: [[Entry]] = []
    private var entryCount = 0
    private var free: [UInt32] = []
    private var values = ValueTable()
    private var slots: [Slot] = []
    private var slotCount = 0
    /// Positions of the entries that are in no cell.
    private var wide: [UInt32] = []
    private var size = SIMD2<Double>(1, 1)
    /// With more areas than these the size of the cells is chosen anew.
    private var limit = 8
    private(set) var count = 0

    /// An area in more cells is wide.
    private static let cellLimit = 9.0
    private static let pageCount = 64
    /// So many areas tell how large the cells are to be.
    private static let sampleCount = 4_096

    var queries: [LiveQuery] { (0..<entryCount).compactMap { self[UInt32($0)].query } }

    private subscript(position: UInt32) -> Entry {
        _read { yield pages[Int(position) / Self.pageCount][Int(position) % Self.pageCount] }
        _modify { yield &pages[Int(position) / Self.pageCount][Int(position) % Self.pageCount] }
    }

    // MARK: Values

    /// Whether the values of a query may be here: those of all are of one length.
    func takes(_ values: [UInt8]) -> Bool { self.values.fits(values) }

    /// The query with some values; nil if there is none.
    func query(with values: [UInt8]) -> LiveQuery? { self.values.number(of: values).flatMap { self[$0].query } }

    /// The values of a query that does not keep them itself.
    func withValues<Result>(of position: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        values.withBytes(of: position, body)
    }

    // MARK: Areas

    /// Calls `body` with the queries whose areas a place is in.
    func forEach(_ place: SIMD2<Double>, _ body: (LiveQuery) -> Void) {
        for position in wide {
            if self[position].contains(place), let query = self[position].query { body(query) }
        }
        // What is no number is in no cell.
        guard !slots.isEmpty, place.x.isFinite, place.y.isFinite else { return }
        let hash = Self.hash(cell(place))
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot].entry != 0 {
            if slots[slot].hash == hash, self[slots[slot].entry - 1].contains(place),
                let query = self[slots[slot].entry - 1].query
            {
                body(query)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    /// - Parameter values: those of the query, which no other has; nil if it keeps them itself.
    /// - Returns: the entry, which names the query here.
    mutating func insert(_ query: LiveQuery, _ area: Area, _ values: [UInt8]?) -> UInt32 {
        let position: UInt32
        if let known = free.popLast() {
            position = known
            self[known] = Entry(query, area)
        } else {
            position = UInt32(entryCount)
            append(Entry(query, area))
        }
        if let values { self.values.insert(values, as: position) }
        count += 1
        if count > limit || count == 1 { rebuild() } else { place(position, area) }
        return position
    }

    private mutating func append(_ entry: Entry) {
        if entryCount % Self.pageCount == 0 {
            var page: [Entry] = []
            // A few take no page of their own.
            if entryCount > 0 { page.reserveCapacity(Self.pageCount) }
            pages.append(page)
        }
        pages[pages.count - 1].append(entry)
        entryCount += 1
    }

    mutating func remove(_ position: UInt32) {
        guard let query = self[position].query else { return }
        let area = self[position].area
        if let cells = cells(of: area) {
            Self.forEachCell(cells) { removeSlot($0, of: position) }
        } else {
            wide.removeAll { $0 == position }
        }
        self[position].query = nil
        if query.values.isEmpty { values.remove(position) }
        free.append(position)
        count -= 1
        if count == 0 { self = AreaIndex() }
    }

    private mutating func removeSlot(_ hash: UInt32, of position: UInt32) {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot].entry != 0 {
            if slots[slot].hash == hash, slots[slot].entry == position + 1 { return close(slot) }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    // MARK: Cells

    private func cell(_ place: SIMD2<Double>) -> SIMD2<Double> { (place / size).rounded(.down) }

    /// The first and the last cell of an area on each axis; nil if it is wide.
    ///
    /// Dividing and rounding keep the order, so a place in the area is in one of its cells, whatever digits are lost.
    private func cells(of area: Area) -> (first: SIMD2<Double>, last: SIMD2<Double>)? {
        guard area.isBounded else { return nil }
        let (first, last) = (cell(area.low), cell(area.high))
        let counts = last - first + 1
        // Beyond 2^53 cells from the origin there are places between which no cell is.
        guard counts.x * counts.y <= Self.cellLimit, first.min() > -0x1p52, last.max() < 0x1p52 else { return nil }
        return (first, last)
    }

    private static func forEachCell(_ cells: (first: SIMD2<Double>, last: SIMD2<Double>), _ body: (UInt32) -> Void) {
        // An area from a greater to a lesser number has no cells, and no places.
        var y = cells.first.y
        while y <= cells.last.y {
            var x = cells.first.x
            while x <= cells.last.x {
                body(hash(SIMD2(x, y)))
                x += 1
            }
            y += 1
        }
    }

    private mutating func place(_ position: UInt32, _ area: Area) {
        guard let cells = cells(of: area) else { return wide.append(position) }
        Self.forEachCell(cells) { hash in
            if (slotCount + 1) * 3 > slots.count * 2 { grow() }
            add(Slot(entry: position + 1, hash: hash))
            slotCount += 1
        }
    }

    private mutating func add(_ slot: Slot) {
        var place = Int(slot.hash) & (slots.count - 1)
        while slots[place].entry != 0 { place = (place + 1) & (slots.count - 1) }
        slots[place] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: max(16, old.count * 2))
        for slot in old where slot.entry != 0 { add(slot) }
    }

    /// Empties a slot, and moves those behind it up that could not be found any more.
    private mutating func close(_ slot: Int) {
        let mask = slots.count - 1
        var hole = slot
        var place = slot
        slots[hole] = Slot()
        slotCount -= 1
        while true {
            place = (place + 1) & mask
            if slots[place].entry == 0 { return }
            let home = Int(slots[place].hash) & mask
            if (place - home) & mask >= (place - hole) & mask {
                slots[hole] = slots[place]
                slots[place] = Slot()
                hole = place
            }
        }
    }

    private mutating func rebuild() {
        limit = max(8, count * 2)
        var sample: [Area] = []
        for position in stride(from: 0, to: entryCount, by: max(1, entryCount / Self.sampleCount)) {
            let entry = self[UInt32(position)]
            if entry.query != nil, entry.area.isBounded { sample.append(entry.area) }
        }
        for axis in 0...1 {
            let widths = sample.map { $0.high[axis] - $0.low[axis] }.filter { $0 >= 0 }.sorted()
            // Twice what three of four areas measure: most are then in one or two cells on each axis.
            let width = widths.isEmpty ? 0 : widths[widths.count * 3 / 4]
            size[axis] = width > 0 && width.isFinite ? width * 2 : 1
        }
        slots = []
        slotCount = 0
        wide = []
        for position in 0..<UInt32(entryCount) where self[position].query != nil {
            place(position, self[position].area)
        }
    }

    /// Seeded anew in each process, so that nobody can choose places that collide.
    private static func hash(_ cell: SIMD2<Double>) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(cell.x)
        hasher.combine(cell.y)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}
