/// Finds the rows of one table by the bytes of one of their columns.
///
/// Rows of an equal key form a ring in the order in which they came: for a unique column it is one row. That a column is
/// unique is the server's promise, and nothing here breaks if it is not kept.
struct KeyIndex: ~Copyable {
    private struct Link {
        var next: UInt32
        var previous: UInt32
    }

    let column: Int
    private let hash: RowHash
    /// The first row of each ring.
    private var slots = HashSlots()
    /// By the number of the row.
    private var links: [Link] = []

    init(column: Int, hash: RowHash) {
        self.column = column
        self.hash = hash
    }

    var reservedBytes: Int { slots.count * 11 + links.capacity * MemoryLayout<Link>.stride }

    mutating func reserve(_ rows: Int) { slots.reserve(rows) }

    /// Notes a row that is in the store. Rows in which the column has no place are in no index.
    mutating func insert(_ row: UInt32, in store: borrowing RowStore, _ layout: RowLayout) {
        let alone = Link(next: row, previous: row)
        while links.count <= Int(row) { links.append(alone) }
        links[Int(row)] = alone
        guard let (place, hash) = place(of: row, in: store, layout) else { return }
        switch place {
        case .found(let first, _):
            let last = links[Int(first)].previous
            links[Int(row)] = Link(next: first, previous: last)
            links[Int(last)].next = row
            links[Int(first)].previous = row
        case .free(let index): slots.insert(row, hash, at: index)
        }
    }

    /// Takes a row out that is still in the store.
    mutating func remove(_ row: UInt32, in store: borrowing RowStore, _ layout: RowLayout) {
        guard let (place, hash) = place(of: row, in: store, layout), case .found(let first, let index) = place else {
            return
        }
        let link = links[Int(row)]
        if link.next == row { return slots.remove(at: index) }
        links[Int(link.previous)].next = link.next
        links[Int(link.next)].previous = link.previous
        if first == row { slots.replace(link.next, hash, at: index) }
    }

    /// Where the ring of a row's key is or belongs, and the key's hash.
    private func place(
        of row: UInt32, in store: borrowing RowStore, _ layout: RowLayout
    ) -> (HashSlots.Place, UInt32)? {
        store.withBytes(row) { bytes in
            guard let range = layout.range(of: column, in: bytes) else { return nil }
            let key = UnsafeRawBufferPointer(rebasing: bytes[range])
            let hash = hash(key)
            return (find(key, hash, in: store, layout), hash)
        }
    }

    /// The first row with this key.
    func first(_ key: UnsafeRawBufferPointer, in store: borrowing RowStore, _ layout: RowLayout) -> UInt32? {
        guard case .found(let row, _) = find(key, hash(key), in: store, layout) else { return nil }
        return row
    }

    /// Calls `body` with each row with this key, in the order in which they came.
    func forEach<Failure: Error>(
        _ key: UnsafeRawBufferPointer, in store: borrowing RowStore, _ layout: RowLayout,
        _ body: (UInt32) throws(Failure) -> Void
    ) throws(Failure) {
        guard let first = first(key, in: store, layout) else { return }
        var row = first
        repeat {
            try body(row)
            row = links[Int(row)].next
        } while row != first
    }

    @inline(__always)
    private func find(
        _ key: UnsafeRawBufferPointer, _ hash: UInt32, in store: borrowing RowStore, _ layout: RowLayout
    ) -> HashSlots.Place {
        slots.find(hash) { row in
            store.withBytes(row) { bytes in
                guard let range = layout.range(of: column, in: bytes) else { return false }
                return equal(key, UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        }
    }
}
