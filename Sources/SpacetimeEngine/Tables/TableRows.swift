/// What an index needs to know of its table: where columns are, and where rows are.
struct TableRows: ~Copyable {
    typealias Pointer = UnsafeMutablePointer<TableRows>

    let layout: RowLayout
    var storage: RowStorage

    init(layout: RowLayout, pool: PagePool) {
        self.layout = layout
        storage = RowStorage(geometry: PageGeometry(fixedSize: layout.fixedSize), pool: pool)
    }
}
