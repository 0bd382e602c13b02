/// Finds the rows of one table by the bytes of one of their columns, or of several.
///
/// Rows of an equal key form a ring in the order in which they came; one that is updated keeps its place. That a key is unique is the
/// server's promise, and nothing here breaks if it is not kept. Only the first row of a ring is in the hash table, and knows that it
/// is, so that most rows come and go without a look at it.
struct KeyIndex: ~Copyable {
    // Not private: Swift 6.3 does not compile an array of such in another file's copy of this type.
    struct Link: BitwiseCopyable {
        var next: UInt32
        /// The row before, with ``first`` added if this one is the ring's first.
        var previous: UInt32
    }

    private static let first: UInt32 = 1 << 31

    let shape: KeyShape
    /// The first row of each ring.
    private var slots = HashSlots()
    /// By the number of the row.
    private var links = PlainArray<Link>()
    /// The hashes of a few rows, see ``insert(_:in:)``; above 32 bits whether there is one.
    private var hashes = PlainArray<UInt64>()

    init(_ shape: KeyShape) { self.shape = shape }

    var reservedBytes: Int { slots.reservedBytes + links.capacity * MemoryLayout<Link>.stride }

    // MARK: Changing

    /// Follows what a message changed in the store.
    mutating func update(from store: borrowing RowStore) {
        if store.deleted.isEmpty { return insert(store.inserted, in: store) }
        for place in 0..<store.deleted.count {
            let (old, new) = (store.deleted[place], store.successors[place])
            if new == RowStore.none { remove(old, in: store) } else { replace(old, with: new, in: store) }
        }
        for place in 0..<store.inserted.count where store.isNew(store.inserted[place]) {
            insert(store.inserted[place], in: store)
        }
    }

    /// Notes rows that are in the store. Rows in which a column has no place are in no index.
    mutating func insert(_ rows: borrowing PlainArray<UInt32>, in store: borrowing RowStore) {
        let batch = 32
        links.reserve(max(0, store.numberLimit - links.count))
        var start = 0
        while start < rows.count {
            let end = min(start &+ batch, rows.count)
            hashes.removeAll()
            for place in start..<end {
                let hash = shape.hash(of: store.bytes(of: rows[place]))
                hashes.append(hash.map { 1 << 32 | UInt64($0) } ?? 0)
                if let hash { slots.prefetch(hash) }
            }
            for place in start..<end {
                let hash = hashes[place &- start]
                insert(rows[place], hash == 0 ? nil : UInt32(truncatingIfNeeded: hash), in: store)
            }
            start = end
        }
    }

    /// Notes a row that is in the store.
    mutating func insert(_ row: UInt32, in store: borrowing RowStore) {
        insert(row, shape.hash(of: store.bytes(of: row)), in: store)
    }

    @inline(__always)
    private mutating func insert(_ row: UInt32, _ hash: UInt32?, in store: borrowing RowStore) {
        // Rows that are not in the index have links, too, which lead nowhere.
        while links.count <= Int(row) { links.append(Link(next: row, previous: row)) }
        guard let hash else { return links[Int(row)] = Link(next: row, previous: row) }
        let bytes = store.bytes(of: row)
        switch slots.find(hash, { shape.isEqual(bytes, store.bytes(of: $0)) }) {
        case .found(let first, _):
            // Rows of a ring have links.
            let last = links[Int(first)].previous & ~Self.first
            links[Int(row)] = Link(next: first, previous: last)
            links[Int(last)].next = row
            links[Int(first)].previous = row | Self.first
        case .free(let index):
            slots.insert(row, hash, at: index)
            links[Int(row)] = Link(next: row, previous: row | Self.first)
        }
    }

    /// Takes a row out that is still in the store.
    mutating func remove(_ row: UInt32, in store: borrowing RowStore) {
        let link = links[Int(row)]
        let isFirst = link.previous & Self.first != 0
        let previous = link.previous & ~Self.first
        if link.next == row {
            if isFirst, case .found(_, let index)? = place(ofFirst: row, in: store) { slots.remove(at: index) }
            return
        }
        links[Int(previous)].next = link.next
        links[Int(link.next)].previous = previous | links[Int(link.next)].previous & Self.first
        if isFirst { makeFirst(link.next, insteadOf: row, in: store) }
    }

    /// Puts a row in the place of another one, which is still in the store.
    mutating func replace(_ old: UInt32, with new: UInt32, in store: borrowing RowStore) {
        let link = links[Int(old)]
        guard shape.isEqual(store.bytes(of: old), store.bytes(of: new)) else {
            remove(old, in: store)
            return insert(new, in: store)
        }
        while links.count <= Int(new) { links.append(Link(next: new, previous: new)) }
        let isFirst = link.previous & Self.first != 0
        if link.next == old {
            links[Int(new)] = Link(next: new, previous: new)
        } else {
            let previous = link.previous & ~Self.first
            links[Int(new)] = Link(next: link.next, previous: previous)
            links[Int(previous)].next = new
            links[Int(link.next)].previous = new | links[Int(link.next)].previous & Self.first
        }
        if isFirst { makeFirst(new, insteadOf: old, in: store) }
    }

    private mutating func makeFirst(_ row: UInt32, insteadOf old: UInt32, in store: borrowing RowStore) {
        guard let hash = shape.hash(of: store.bytes(of: old)),
            case .found(_, let index)? = place(ofFirst: old, in: store)
        else { return }
        slots.replace(row, hash, at: index)
        links[Int(row)].previous |= Self.first
    }

    private func place(ofFirst row: UInt32, in store: borrowing RowStore) -> HashSlots.Place? {
        shape.hash(of: store.bytes(of: row)).map { hash in slots.find(hash) { $0 == row } }
    }

    // MARK: Reading

    /// Calls `body` with each row with this key, in the order in which they came, until it returns false.
    ///
    /// - Parameter key: the bytes of each column, in the order of the index.
    func forEach(_ key: [[UInt8]], in store: borrowing RowStore, _ body: (UInt32) -> Bool) {
        guard let hash = shape.hash(of: key),
            case .found(let first, _) = slots.find(hash, { shape.matches(key, store.bytes(of: $0)) })
        else { return }
        var row = first
        repeat {
            guard body(row) else { return }
            row = links[Int(row)].next
        } while row != first
    }
}
