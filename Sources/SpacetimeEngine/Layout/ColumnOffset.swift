// Memory safety. Valid images: columns and fields lie inside of the row. Steps have room where the hops were.

/// Where one column lies in the row images of one table: what a reader of single columns looks up once per scan.
///
/// Good until the table is dropped, which no transaction does: a scan may keep it to its end, and the schedules of a
/// database, whose tables are not dropped while it is open, for as long as that.
///
/// `@safe`: offsets are worked out from the layout of the table, and asked for in valid rows of it.
@safe
@frozen @usableFromInline
package struct ColumnOffset {
    /// The way over one counted column and what lies between it and the next one.
    @frozen @usableFromInline
    struct Hop {
        /// Bytes of each counted element: 1 for strings.
        @usableFromInline var elementSize: UInt16 = 0
        /// Bytes of the columns of fixed size that follow.
        @usableFromInline var gap: UInt16 = 0

        @inlinable init() {}
    }

    /// The offset of the column, or of the first counted column to hop over.
    @usableFromInline var start: Int32
    /// How many hops lead from there to the column, or -1 if they do not fit or hop over other things than counted
    /// elements of one size.
    @usableFromInline var hopCount: Int32 = 0
    @usableFromInline var hops = (Hop(), Hop(), Hop())
    @usableFromInline let column: Int32
    /// The table's `TableRows`, whose address never changes.
    @usableFromInline let rows: UnsafeRawPointer

    static let hopLimit = 3

    @inline(__always)
    init(fixed: Int32, _ column: Int, _ table: RowsRef) {
        start = fixed
        self.column = Int32(truncatingIfNeeded: column)
        unsafe rows = UnsafeRawPointer(table.address)
    }

    /// A column without a fixed offset. Apart, so that the others are put together in registers.
    @inline(never)
    init(floating column: Int, _ table: RowsRef) {
        self.init(fixed: -1, column, table)
        planHops(table)
    }

    private mutating func planHops(_ table: RowsRef) {
        let columns = table.layout.columns
        // The first column of varying size is the last one with a fixed offset.
        let first = columns.lastIndex { $0.fixedOffset >= 0 } ?? 0
        start = columns[first].fixedOffset
        guard let list = Self.hops(from: first, to: Int(column), table) else {
            hopCount = -1
            return
        }
        hopCount = Int32(list.count)
        if list.count > 0 { hops.0 = list[0] }
        if list.count > 1 { hops.1 = list[1] }
        if list.count > 2 { hops.2 = list[2] }
    }

    /// A field of nested products, so many of which fit.
    package static let stepLimit = 6

    /// A field inside of a column, by the positions of the fields on the way; nil if there is no such field, or the way
    /// is longer than `stepLimit`.
    @inline(never)
    init?(_ column: Int, fields: [Int], _ table: RowsRef) {
        guard fields.count <= Self.stepLimit else { return nil }
        self.init(fixed: table.layout.columns[column].fixedOffset, column, table)
        let program = table.layout.program
        var node = table.layout.columns[column].node
        var isFixed = start >= 0
        for (number, field) in fields.enumerated() {
            let entry = program.nodes[Int(node)]
            guard entry.kind == .product, field < Int(entry.childCount), let short = UInt16(exactly: field) else {
                return nil
            }
            setStep(number, to: short)
            for before in 0..<field where isFixed {
                let size = program.nodes[Int(program.children[Int(entry.firstChild) + before])].fixedSize
                isFixed = size >= 0
                start += size
            }
            node = program.children[Int(entry.firstChild) + field]
        }
        if !isFixed { hopCount = -1 - Int32(fields.count) }
    }

    /// The steps of the way take the place of the hops.
    private mutating func setStep(_ number: Int, to field: UInt16) {
        unsafe withUnsafeMutableBytes(of: &hops) {
            unsafe $0.storeBytes(of: field, toByteOffset: number * 2, as: UInt16.self)
        }
    }

    private static func hops(from first: Int, to column: Int, _ table: RowsRef) -> [Hop]? {
        var list: [Hop] = []
        for between in table.layout.columns[first..<column] {
            if between.fixedSize >= 0, !list.isEmpty {
                guard let gap = UInt16(exactly: Int(list[list.count - 1].gap) + Int(between.fixedSize)) else {
                    return nil
                }
                list[list.count - 1].gap = gap
                continue
            }
            guard let size = table.layout.program.countedElementSize(between.node) else { return nil }
            var hop = Hop()
            guard let size = UInt16(exactly: size) else { return nil }
            hop.elementSize = size
            list.append(hop)
        }
        return list.count <= hopLimit ? list : nil
    }

    /// The offset in a valid row. A constant for columns up to and including the first of varying size, otherwise
    /// linear in the columns between.
    @inlinable @inline(__always)
    package func offset(in row: UnsafeRawPointer) -> Int { unsafe hopCount == 0 ? Int(start) : floating(in: row) }

    @inline(never) @usableFromInline
    func floating(in row: UnsafeRawPointer) -> Int {
        if hopCount < 0 { return unsafe walk(in: row) }
        var offset = unsafe Self.hop(hops.0, row, Int(start))
        if hopCount > 1 { offset = unsafe Self.hop(hops.1, row, offset) }
        if hopCount > 2 { offset = unsafe Self.hop(hops.2, row, offset) }
        return offset
    }

    @inline(__always)
    private static func hop(_ hop: Hop, _ row: UnsafeRawPointer, _ offset: Int) -> Int {
        // The row is valid, so count and elements lie inside of it and nothing here overflows.
        let count = unsafe UInt32(littleEndian: row.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        return offset &+ 4 &+ Int(count) &* Int(hop.elementSize) &+ Int(hop.gap)
    }

    @inline(never)
    private func walk(in row: UnsafeRawPointer) -> Int {
        // The pointer was made from one of this very type, and the table is still there.
        let rows = unsafe RowsRef(to: UnsafeMutableRawPointer(mutating: rows).assumingMemoryBound(to: TableRows.self))
        var offset = unsafe rows.layout.offset(of: Int(column), in: row)
        var node = rows.layout.columns[Int(column)].node
        for step in 0..<Int(-1 &- hopCount) {
            let field = unsafe withUnsafeBytes(of: hops) { unsafe $0.load(fromByteOffset: step &* 2, as: UInt16.self) }
            let firstChild = Int(rows.layout.program.nodes[Int(node)].firstChild)
            for before in 0..<Int(field) {
                let child = rows.layout.program.children[firstChild &+ before]
                unsafe offset &+= rows.layout.program.size(child, at: row + offset)
            }
            node = rows.layout.program.children[firstChild &+ Int(field)]
        }
        return offset
    }
}

extension TypeProgram {
    /// The bytes of each element of a string, or of an array of elements of one size; nil for any other type.
    func countedElementSize(_ node: Int32) -> Int32? {
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
    /// Where a column of a table is, or a field inside of it; nil if there is no such thing.
    @usableFromInline
    package func columnOffset(_ column: Int, fields: [Int]? = nil, of id: TableID) -> ColumnOffset? {
        guard let table = try? table(id) else { return nil }
        let rows = table.rows
        guard column >= 0, column < rows.layout.columns.count else { return nil }
        if let fields { return ColumnOffset(column, fields: fields, rows) }
        let fixed = rows.layout.columns[column].fixedOffset
        return fixed >= 0
            ? ColumnOffset(fixed: fixed, column, rows) : ColumnOffset(floating: column, rows)
    }
}
