/// Finds the rows of one table by the bytes of one of their columns, or of several.
///
/// Rows of an equal key form a ring in the order in which they came: for a unique key it is one row. That a key is unique is the
/// server's promise, and nothing here breaks if it is not kept.
struct KeyIndex: ~Copyable {
    private struct Link {
        var next: UInt32
        var previous: UInt32
    }

    let columns: [Int]
    private let hash: RowHash
    /// The first row of each ring.
    private var slots = HashSlots()
    /// By the number of the row.
    private var links: [Link] = []

    init(columns: [Int], hash: RowHash) {
        self.columns = columns
        self.hash = hash
    }

    var reservedBytes: Int { slots.count * 11 + links.capacity * MemoryLayout<Link>.stride }

    mutating func reserve(_ rows: Int) { slots.reserve(rows) }

    /// Notes a row that is in the store. Rows in which a column has no place are in no index.
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

    /// The first row with the same key as a row that is, or was, in the store.
    func first(like row: UInt32, in store: borrowing RowStore, _ layout: RowLayout) -> UInt32? {
        guard case .found(let first, _)? = place(of: row, in: store, layout)?.0 else { return nil }
        return first
    }

    /// Where the ring of a row's key is or belongs, and the key's hash.
    private func place(
        of row: UInt32, in store: borrowing RowStore, _ layout: RowLayout
    ) -> (HashSlots.Place, UInt32)? {
        store.withBytes(row) { bytes in
            var keyHash: UInt32?
            for column in columns {
                guard let range = layout.range(of: column, in: bytes) else { return nil }
                let piece = hash(UnsafeRawBufferPointer(rebasing: bytes[range]))
                keyHash = keyHash.map { hash.combine($0, piece) } ?? piece
            }
            guard let keyHash else { return nil }
            let place = slots.find(keyHash) { other in
                store.withBytes(other) { other in
                    columns.allSatisfy { column in
                        guard let left = layout.range(of: column, in: bytes),
                            let right = layout.range(of: column, in: other)
                        else { return false }
                        return equal(
                            UnsafeRawBufferPointer(rebasing: bytes[left]),
                            UnsafeRawBufferPointer(rebasing: other[right]))
                    }
                }
            }
            return (place, keyHash)
        }
    }

    /// Calls `body` with each row with this key, in the order in which they came, until it returns false.
    ///
    /// - Parameter key: the bytes of each column, in the order of the index.
    func forEach(
        _ key: [[UInt8]], in store: borrowing RowStore, _ layout: RowLayout, _ body: (UInt32) -> Bool
    ) {
        guard let first = first(key, in: store, layout) else { return }
        var row = first
        repeat {
            guard body(row) else { return }
            row = links[Int(row)].next
        } while row != first
    }

    private func first(_ key: [[UInt8]], in store: borrowing RowStore, _ layout: RowLayout) -> UInt32? {
        var keyHash: UInt32?
        for piece in key {
            let piece = piece.withUnsafeBytes { hash($0) }
            keyHash = keyHash.map { hash.combine($0, piece) } ?? piece
        }
        guard let keyHash else { return nil }
        let place = slots.find(keyHash) { row in
            store.withBytes(row) { bytes in
                zip(columns, key).allSatisfy { layout.has($1, in: $0, of: bytes) }
            }
        }
        guard case .found(let row, _) = place else { return nil }
        return row
    }
}

extension RowLayout {
    /// Whether a column of a row has this value, byte for byte.
    func has(_ value: [UInt8], in column: Int, of row: UnsafeRawBufferPointer) -> Bool {
        guard let range = range(of: column, in: row) else { return false }
        return value.withUnsafeBytes { equal($0, UnsafeRawBufferPointer(rebasing: row[range])) }
    }
}
