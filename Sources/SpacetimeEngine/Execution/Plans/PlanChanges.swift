import SpacetimeSchema

// Memory safety. Own memory: the images are copied into one block, which goes with the object. Valid images: of rows of
// the table, as they came with the commit.

/// What a commit did, made ready for plans that find out what it does to the results of queries.
///
/// Made once per commit and handed to all of them: what it works out on demand serves the next one, too. Belongs to one
/// thread at a time.
package final class PlanChanges {
    /// Which rows a run of a plan takes as its changes.
    package enum Side: UInt8, Sendable, CaseIterable {
        case deletes, inserts
    }

    /// Row images that lie still.
    ///
    /// `@safe`: the images are those of the block.
    @safe
    final class Images {
        private let block: UnsafeMutableRawPointer
        private let places: Buffer<UnsafeRawBufferPointer>
        /// Above so many rows, whether one is among them is found by its hash.
        private static let linearLimit = 8
        private var hashed: Ref<NumberedBytes>?

        init(_ rows: RowBatch) {
            let block = UnsafeMutableRawPointer.allocate(byteCount: max(rows.bytes.count, 1), alignment: 16)
            unsafe self.block = block
            unsafe rows.bytes.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress { unsafe block.copyMemory(from: start, byteCount: bytes.count) }
            }
            var places = unsafe Buffer<UnsafeRawBufferPointer>(capacity: rows.count)
            var start = 0
            for end in rows.ends {
                unsafe places.append(UnsafeRawBufferPointer(start: block + start, count: end - start))
                start = end
            }
            unsafe self.places = places
        }

        deinit {
            unsafe block.deallocate()
            hashed?.destroy()
        }

        var count: Int { unsafe places.count }

        subscript(position: Int) -> UnsafeRawBufferPointer { unsafe places[position] }

        /// Whether a row with these bytes is among them.
        func contains(_ row: UnsafeRawBufferPointer) -> Bool {
            if count <= Self.linearLimit {
                for position in 0..<count where unsafe equalBytes(self[position], row) { return true }
                return false
            }
            if let hashed { return unsafe hashed.value.number(of: row) != nil }
            let hashed = Ref(NumberedBytes())
            for position in 0..<count { _ = unsafe hashed.value.enter(self[position]) }
            self.hashed = hashed
            return unsafe hashed.value.number(of: row) != nil
        }
    }

    private struct Table {
        let id: TableID
        let deletes: RowBatch
        let inserts: RowBatch
        var deleteImages: Images?
        var insertImages: Images?
    }

    private var tables: [Table]

    package init(_ changes: ChangeSet) {
        tables = changes.tables.map { Table(id: $0.table, deletes: $0.deletes, inserts: $0.inserts) }
    }

    /// For changes of one table.
    package init(_ table: TableID, deletes: RowBatch = RowBatch(), inserts: RowBatch = RowBatch()) {
        tables = [Table(id: table, deletes: deletes, inserts: inserts)]
    }

    /// How many rows of a table came or went.
    package func count(_ side: Side, of id: TableID) -> Int {
        guard let table = tables.first(where: { $0.id == id }) else { return 0 }
        return side == .inserts ? table.inserts.count : table.deletes.count
    }

    /// Nil if there are none.
    func images(_ side: Side, of id: TableID) -> Images? {
        guard let position = tables.firstIndex(where: { $0.id == id }) else { return nil }
        switch side {
        case .deletes:
            if tables[position].deletes.isEmpty { return nil }
            if tables[position].deleteImages == nil { tables[position].deleteImages = Images(tables[position].deletes) }
            return tables[position].deleteImages
        case .inserts:
            if tables[position].inserts.isEmpty { return nil }
            if tables[position].insertImages == nil { tables[position].insertImages = Images(tables[position].inserts) }
            return tables[position].insertImages
        }
    }
}
