/// Queries by the intervals or rectangles that they ask for: `x BETWEEN 10 AND 20 AND y BETWEEN 5 AND 9`.
///
/// A grid whose cells are somewhat larger than most areas, so that an area lies in few cells, and a place in the areas of its
/// cell and few others. The size of the cells follows from the areas that are there: it is chosen anew whenever their number
/// has doubled. Areas that are too large for that, or open to a side, are tested for every place.
///
/// This is the uniform grid of computational geometry; a place costs as much as there are areas in its cell.
struct AreaIndex {
    /// Both ends belong to it. One axis, or two: the second is then from zero to zero.
    struct Area: Hashable {
        var low: SIMD2<Double>
        var high: SIMD2<Double>

        /// False if it is open to a side, so that no cells hold it.
        var isBounded: Bool {
            (0...1).allSatisfy { low[$0].isFinite && high[$0].isFinite }
        }

        @inline(__always)
        func contains(_ place: SIMD2<Double>) -> Bool {
            place.x >= low.x && place.x <= high.x && place.y >= low.y && place.y <= high.y
        }
    }

    private struct Entry {
        var query: LiveQuery
        var area: Area
    }

    /// A cell that an area lies in, in a table of open addressing with linear probing. Zero is an empty place.
    private struct Slot {
        /// One more than the position of the entry.
        var entry: UInt32 = 0
        var hash: UInt32 = 0
    }

    private var entries: [Entry?] = []
    private var free: [UInt32] = []
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

    var queries: [LiveQuery] { entries.compactMap { $0?.query } }

    /// Calls `body` with the queries whose areas a place is in.
    func forEach(_ place: SIMD2<Double>, _ body: (LiveQuery) -> Void) {
        for position in wide {
            if let entry = entries[Int(position)], entry.area.contains(place) { body(entry.query) }
        }
        // What is no number is in no cell.
        guard !slots.isEmpty, place.x.isFinite, place.y.isFinite else { return }
        let hash = Self.hash(cell(place))
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot].entry != 0 {
            if slots[slot].hash == hash, let entry = entries[Int(slots[slot].entry) - 1], entry.area.contains(place) {
                body(entry.query)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    /// - Returns: the entry, which names the query here.
    mutating func insert(_ query: LiveQuery, _ area: Area) -> UInt32 {
        let position: UInt32
        if let known = free.popLast() {
            position = known
            entries[Int(known)] = Entry(query: query, area: area)
        } else {
            position = UInt32(entries.count)
            entries.append(Entry(query: query, area: area))
        }
        count += 1
        if count > limit || count == 1 { rebuild() } else { place(position, area) }
        return position
    }

    mutating func remove(_ position: UInt32) {
        guard let entry = entries[Int(position)] else { return }
        if let cells = cells(of: entry.area) {
            var hashes: [UInt32] = []
            forEachCell(cells) { hashes.append($0) }
            for hash in hashes { removeSlot(hash, of: position) }
        } else {
            wide.removeAll { $0 == position }
        }
        entries[Int(position)] = nil
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

    private func forEachCell(_ cells: (first: SIMD2<Double>, last: SIMD2<Double>), _ body: (UInt32) -> Void) {
        // An area from a greater to a lesser number has no cells, and no places.
        var y = cells.first.y
        while y <= cells.last.y {
            var x = cells.first.x
            while x <= cells.last.x {
                body(Self.hash(SIMD2(x, y)))
                x += 1
            }
            y += 1
        }
    }

    private mutating func place(_ position: UInt32, _ area: Area) {
        guard let cells = cells(of: area) else { return wide.append(position) }
        var hashes: [UInt32] = []
        forEachCell(cells) { hashes.append($0) }
        for hash in hashes {
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
        let bounded = entries.compactMap(\.self).filter(\.area.isBounded)
        for axis in 0...1 {
            let widths = bounded.map { $0.area.high[axis] - $0.area.low[axis] }.filter { $0 >= 0 }.sorted()
            // Twice what three of four areas measure: most are then in one or two cells on each axis.
            let width = widths.isEmpty ? 0 : widths[widths.count * 3 / 4]
            size[axis] = width > 0 && width.isFinite ? width * 2 : 1
        }
        slots = []
        slotCount = 0
        wide = []
        for (position, entry) in entries.enumerated() {
            if let entry { place(UInt32(position), entry.area) }
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
