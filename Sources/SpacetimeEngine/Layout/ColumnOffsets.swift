/// Where one column lies in the row images of one table: what a reader of single columns looks up once per scan.
///
/// Valid as long as the table is: it is never dropped inside a transaction, so to the end of the running one.
@frozen @usableFromInline
package struct ColumnOffset {
    /// The way over one counted column and what lies between it and the next one.
    @frozen @usableFromInline
    struct Hop {
        /// Bytes of each counted element: 1 for strings.
        @usableFromInline var elementSize: Int32 = 0
        /// Bytes of the columns of fixed size that follow.
        @usableFromInline var gap: Int32 = 0

        @inlinable init() {}
    }

    /// The offset of the column, or of the first counted column to hop over.
    @usableFromInline var start: Int
    /// How many hops lead from there to the column, or -1 if they do not fit or hop over other things than counted
    /// elements of one size.
    @usableFromInline var hopCount = 0
    @usableFromInline var hops = (Hop(), Hop(), Hop())
    @usableFromInline let column: Int
    /// The table's `TableRows`, whose address never changes.
    @usableFromInline let rows: UnsafeRawPointer

    static let hopLimit = 3

    init(_ column: Int, _ table: TableRows.Pointer) {
        self.column = column
        rows = UnsafeRawPointer(table)
        start = Int(table.pointee.layout.columns[column].fixedOffset)
        if start < 0 { planHops(table) }
    }

    @inline(never)
    private mutating func planHops(_ table: TableRows.Pointer) {
        let columns = table.pointee.layout.columns
        // The first column of varying size is the last one with a fixed offset.
        let first = columns.lastIndex { $0.fixedOffset >= 0 } ?? 0
        start = Int(columns[first].fixedOffset)
        guard let list = Self.hops(from: first, to: column, table) else {
            hopCount = -1
            return
        }
        hopCount = list.count
        if list.count > 0 { hops.0 = list[0] }
        if list.count > 1 { hops.1 = list[1] }
        if list.count > 2 { hops.2 = list[2] }
    }

    private static func hops(from first: Int, to column: Int, _ table: TableRows.Pointer) -> [Hop]? {
        var list: [Hop] = []
        for between in table.pointee.layout.columns[first..<column] {
            if between.fixedSize >= 0, !list.isEmpty {
                let (sum, overflow) = list[list.count - 1].gap.addingReportingOverflow(between.fixedSize)
                if overflow { return nil }
                list[list.count - 1].gap = sum
                continue
            }
            guard let size = table.pointee.layout.program.countedElementSize(between.node) else { return nil }
            var hop = Hop()
            hop.elementSize = size
            list.append(hop)
        }
        return list.count <= hopLimit ? list : nil
    }

    /// The offset in a valid row. A constant for columns up to and including the first of varying size, otherwise
    /// linear in the columns between.
    @inlinable @inline(__always)
    package func offset(in row: UnsafeRawPointer) -> Int { hopCount == 0 ? start : floating(in: row) }

    @inlinable
    func floating(in row: UnsafeRawPointer) -> Int {
        if hopCount < 0 { return walk(in: row) }
        var offset = Self.hop(hops.0, row, start)
        if hopCount > 1 { offset = Self.hop(hops.1, row, offset) }
        if hopCount > 2 { offset = Self.hop(hops.2, row, offset) }
        return offset
    }

    @inlinable @inline(__always)
    static func hop(_ hop: Hop, _ row: UnsafeRawPointer, _ offset: Int) -> Int {
        // The row is valid, so count and elements lie inside of it and nothing here overflows.
        let count = UInt32(littleEndian: row.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        return offset &+ 4 &+ Int(count) &* Int(hop.elementSize) &+ Int(hop.gap)
    }

    @inline(never) @usableFromInline
    func walk(in row: UnsafeRawPointer) -> Int {
        // The pointer was made from one of this very type, and the table is still there.
        rows.assumingMemoryBound(to: TableRows.self).pointee.layout.offset(of: column, in: row)
    }
}

extension TypeProgram {
    /// The bytes of each element of a string, or of an array of elements of one size; nil for any other type.
    fileprivate func countedElementSize(_ node: Int32) -> Int32? {
        let entry = nodes[Int(node)]
        switch entry.kind {
        case .string, .bytes: return 1
        case .array:
            let size = nodes[Int(children[Int(entry.firstChild)])].fixedSize
            return size >= 0 ? size : nil
        default: return nil
        }
    }
}

extension Datastore {
    /// Where a column of a table is; nil if there is no such column.
    @usableFromInline
    package func columnOffset(_ column: Int, of id: TableID) -> ColumnOffset? {
        guard let table = try? table(id) else { return nil }
        let rows = table.pointee.rows
        guard column >= 0, column < rows.pointee.layout.columns.count else { return nil }
        return ColumnOffset(column, rows)
    }
}
