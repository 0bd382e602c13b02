/// Queries by the keys of the rows that they ask for. A query has one key or several, and several queries may have the same.
///
/// Open addressing with linear probing. The keys lie in the queries, so that a key takes one entry of 16 bytes here.
struct QueryIndex {
    private struct Entry {
        var query: LiveQuery
        /// Which of the query's keys.
        var key: UInt32
        var hash: UInt32
    }

    private var slots: [Entry?] = []
    private(set) var count = 0

    /// Calls `body` with the queries that have a key.
    @inline(__always)
    func forEach(_ key: UnsafeRawBufferPointer, _ body: (LiveQuery) -> Void) {
        if count == 0 { return }
        let hash = Self.hash(key)
        var place = Int(hash) & (slots.count - 1)
        while let entry = slots[place] {
            if entry.hash == hash, entry.query.hasKey(entry.key, key) { body(entry.query) }
            place = (place + 1) & (slots.count - 1)
        }
    }

    /// Each query once.
    var queries: [LiveQuery] { slots.compactMap { $0?.key == 0 ? $0?.query : nil } }

    mutating func insert(_ query: LiveQuery) {
        query.forEachKey { position, key in
            // At most three of four slots are taken.
            if (count + 1) * 4 > slots.count * 3 { grow() }
            add(Entry(query: query, key: position, hash: key.withBytes(Self.hash)))
            count += 1
        }
    }

    /// Removes a query, if it is there.
    mutating func remove(_ query: LiveQuery) {
        if count == 0 { return }
        query.forEachKey { position, key in
            let hash = key.withBytes(Self.hash)
            var place = Int(hash) & (slots.count - 1)
            while let entry = slots[place] {
                if entry.query === query, entry.key == position {
                    close(place)
                    count -= 1
                    break
                }
                place = (place + 1) & (slots.count - 1)
            }
        }
        if count == 0 { slots = [] }
    }

    /// Empties a slot, and moves those behind it up that could not be found any more.
    private mutating func close(_ slot: Int) {
        let mask = slots.count - 1
        var hole = slot
        var place = slot
        slots[hole] = nil
        while true {
            place = (place + 1) & mask
            guard let entry = slots[place] else { return }
            let home = Int(entry.hash) & mask
            // It may move if its home does not lie between the hole and it.
            if (place - home) & mask >= (place - hole) & mask {
                slots[hole] = entry
                slots[place] = nil
                hole = place
            }
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: nil, count: max(8, old.count * 2))
        for case let entry? in old { add(entry) }
    }

    private mutating func add(_ entry: Entry) {
        var place = Int(entry.hash) & (slots.count - 1)
        while slots[place] != nil { place = (place + 1) & (slots.count - 1) }
        slots[place] = entry
    }

    /// Seeded anew in each process, so that nobody can choose keys that collide.
    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}
