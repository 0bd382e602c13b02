import SpacetimeSATS
import SpacetimeSchema

/// How an index gets its key out of a row image, or out of the bytes a caller gives.
struct KeySpec {
    /// A key of one integer-like column: up to 64 bits, order kept by flipping the sign bit.
    struct Integer {
        /// Offset in the row, or -1 if it depends on the row.
        var offset: Int32
        var column: Int32
        var width: Int32
        /// Flips the sign bit of signed types, so that unsigned order is numeric order.
        var flip: UInt64

        @inline(__always)
        func load(_ address: UnsafeRawPointer) -> UInt64 {
            let raw: UInt64 =
                switch width {
                case 8: address.loadUnaligned(as: UInt64.self)
                case 4: UInt64(address.loadUnaligned(as: UInt32.self))
                case 2: UInt64(address.loadUnaligned(as: UInt16.self))
                default: UInt64(address.load(as: UInt8.self))
                }
            return raw ^ flip
        }

        /// The key of a row.
        @inline(__always)
        func key(ofRow row: UnsafeRawPointer, _ table: TableRows.Pointer) -> UInt64 {
            if offset >= 0 { return load(row + Int(offset)) }
            return load(row + table.pointee.layout.offset(of: Int(column), in: row))
        }

        /// The greatest key.
        var maximum: UInt64 { width == 8 ? .max : (1 << UInt64(width * 8)) - 1 }
    }

    /// Set if the key is one integer-like column.
    let integer: Integer?
    /// The columns of the table in key order.
    let columns: [Int]
    /// The key columns as if they were a row of their own: the form in which callers give keys.
    let probeLayout: RowLayout
    /// True if equal keys have equal bytes, so that hashing and comparing need no encoding.
    let isCanonical: Bool

    init(columns: [Int], types: [AlgebraicType], layout: RowLayout) throws(TypeProgramError) {
        self.columns = columns
        probeLayout = try RowLayout(columns.map { types[$0] })
        isCanonical = probeLayout.columns.allSatisfy { [probeLayout] in
            probeLayout.program.nodes[Int($0.node)].isCanonical
        }
        if columns.count == 1, let (width, isSigned) = Self.integerForm(types[columns[0]]) {
            integer = Integer(
                offset: layout.columns[columns[0]].fixedOffset, column: Int32(columns[0]), width: Int32(width),
                flip: isSigned ? 1 << UInt64(width * 8 - 1) : 0)
        } else {
            integer = nil
        }
    }

    /// Width and signedness of types whose image is one integer of at most eight bytes: integers, Bool, simple enums,
    /// and products that wrap just one of them (times).
    static func integerForm(_ type: AlgebraicType) -> (width: Int, isSigned: Bool)? {
        switch type {
        case .bool, .u8: (1, false)
        case .u16: (2, false)
        case .u32: (4, false)
        case .u64: (8, false)
        case .i8: (1, true)
        case .i16: (2, true)
        case .i32: (4, true)
        case .i64: (8, true)
        case .product(let product) where product.elements.count == 1: integerForm(product.elements[0].algebraicType)
        case .sum where type.isSimpleEnum: (1, false)
        default: nil
        }
    }

    /// Appends the order-preserving key bytes of a row.
    func appendKey(row: UnsafeRawPointer, layout: borrowing RowLayout, to key: inout KeyBuffer) {
        for column in columns {
            layout.program.appendKey(
                layout.columns[column].node, at: row + layout.offset(of: column, in: row), to: &key)
        }
    }

    /// Appends the order-preserving bytes of a key that a caller gives: the BSATN of the key columns, or of the first
    /// `count` of them.
    func appendKey(probe: UnsafeRawPointer, columns count: Int, to key: inout KeyBuffer) {
        var offset = 0
        for column in 0..<count {
            offset += probeLayout.program.appendKey(probeLayout.columns[column].node, at: probe + offset, to: &key)
        }
    }

    /// Appends the BSATN of the key columns of a row: what a caller would give to find it.
    func appendProbe(row: UnsafeRawPointer, layout: borrowing RowLayout, to key: inout KeyBuffer) {
        for column in columns { key.append(layout.bytes(of: column, in: row)) }
    }

    /// Checks that `bytes` are the BSATN of exactly `count` key columns starting at `first`.
    func validate(_ bytes: UnsafeRawBufferPointer, first: Int = 0, count: Int) throws(BSATNError) {
        var offset = 0
        for column in first..<(first + count) {
            try probeLayout.program.validate(probeLayout.columns[column].node, in: bytes, at: &offset)
        }
        guard offset == bytes.count else { throw .trailingBytes(at: offset, count: bytes.count - offset) }
    }
}
