import SpacetimeSATS

// Memory safety. Valid images: a column begins inside of its row and ends there.

/// Where the columns of a table's row image are.
///
/// Columns up to and including the first one of variable size start at offsets that are constants of the table; later
/// ones are found by skipping from there.
struct RowLayout {
    struct Column {
        /// Offset in the row, or -1 if it depends on the row.
        var fixedOffset: Int32
        /// Bytes of every value, or -1.
        var fixedSize: Int32
        var node: Int32
    }

    private(set) var program = TypeProgram()
    private(set) var columns: [Column] = []
    /// Bytes of every row, or nil if rows differ in size.
    let fixedSize: Int?
    /// True if a row of the right length is a row.
    let isUnchecked: Bool
    /// The first column without a fixed offset.
    private let firstFloating: Int

    init(_ types: [AlgebraicType]) throws(TypeProgramError) {
        var offset: Int32 = 0
        var floating: Int?
        var unchecked = true
        for type in types {
            let node = try program.add(type)
            let entry = program.nodes[Int(node)]
            let index = columns.count
            columns.append(Column(fixedOffset: floating == nil ? offset : -1, fixedSize: entry.fixedSize, node: node))
            unchecked = unchecked && entry.isUnchecked
            if floating == nil {
                let (sum, overflow) = offset.addingReportingOverflow(entry.fixedSize)
                if entry.fixedSize < 0 || overflow { floating = index + 1 } else { offset = sum }
            }
        }
        fixedSize = floating == nil ? Int(offset) : nil
        isUnchecked = unchecked && floating == nil
        firstFloating = floating ?? columns.count
    }

    /// The offset of a column in a valid row. O(1) for columns of the fixed prefix, else linear in the columns between.
    func offset(of column: Int, in row: UnsafeRawPointer) -> Int {
        let fixed = columns[column].fixedOffset
        if fixed >= 0 { return Int(fixed) }
        var index = firstFloating - 1
        var offset = Int(columns[index].fixedOffset)
        while index < column {
            unsafe offset &+= program.size(columns[index].node, at: row + offset)
            index &+= 1
        }
        return offset
    }

    /// The bytes of one column in a valid row.
    func bytes(of column: Int, in row: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        let start = unsafe row + offset(of: column, in: row)
        return unsafe UnsafeRawBufferPointer(start: start, count: program.size(columns[column].node, at: start))
    }

    /// Checks that the bytes are one row and nothing else.
    func validate(_ row: UnsafeRawBufferPointer) throws(BSATNError) {
        if isUnchecked, let fixedSize {
            guard row.count >= fixedSize else { throw .truncated(at: row.count, needed: fixedSize - row.count) }
            guard row.count == fixedSize else { throw .trailingBytes(at: fixedSize, count: row.count - fixedSize) }
            return
        }
        var offset = 0
        var emptyValues = 0
        for column in columns { try unsafe program.validate(column.node, in: row, at: &offset, &emptyValues) }
        guard offset == row.count else { throw .trailingBytes(at: offset, count: row.count - offset) }
    }
}
