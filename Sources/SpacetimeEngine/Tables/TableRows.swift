/// What an index needs to know of its table: where columns are, and where rows are.
struct TableRows: ~Copyable {
    let layout: RowLayout
    var storage: RowStorage
    /// How often a row has left an index or got another key: as long as this stays, a row that was found by a key is there.
    var removals: UInt64 = 0

    init(layout: RowLayout, pool: PagePool) {
        self.layout = layout
        storage = RowStorage(geometry: PageGeometry(fixedSize: layout.fixedSize), pool: pool)
    }
}

typealias RowsRef = Ref<TableRows>

extension RowsRef {
    var layout: RowLayout {
        @inline(__always) _read { yield value.layout }
    }

    var storage: RowStorage {
        @inline(__always) _read { yield value.storage }
        @inline(__always) nonmutating _modify { yield &value.storage }
    }
}
