import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: of rows. Checked bytes: keys that callers give were validated, and then are read as an
// image of the key columns is.

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
                case 8: unsafe address.loadUnaligned(as: UInt64.self)
                case 4: unsafe UInt64(address.loadUnaligned(as: UInt32.self))
                case 2: unsafe UInt64(address.loadUnaligned(as: UInt16.self))
                default: unsafe UInt64(address.load(as: UInt8.self))
                }
            return raw ^ flip
        }

        /// The key that a value of the column is, in BSATN.
        func load(value: [UInt8]) -> UInt64 {
            // A value of one integer has bytes, and so an address.
            unsafe value.withBytes { unsafe load($0.baseAddress.unsafelyUnwrapped) }
        }

        /// The key of a row.
        @inline(__always)
        func key(ofRow row: UnsafeRawPointer, _ table: RowsRef) -> UInt64 {
            if offset >= 0 { return unsafe load(row + Int(offset)) }
            return unsafe load(row + table.layout.offset(of: Int(column), in: row))
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
    /// Positions, among the key's columns, of optional ones whose nil is no value: a row with nil there has no key.
    let optionals: [Int]

    /// - Parameter exemptsNil: nil in an optional column is no value, as in unique constraints.
    init(
        columns: [Int], types: [AlgebraicType], layout: RowLayout, exemptsNil: Bool = false
    ) throws(TypeProgramError) {
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
        optionals =
            exemptsNil && integer == nil ? columns.indices.filter { types[columns[$0]].optionPayload != nil } : []
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
            unsafe layout.program.appendKey(
                layout.columns[column].node, at: row + layout.offset(of: column, in: row), to: &key)
        }
    }

    /// Appends the order-preserving bytes of values that a caller gives: the BSATN of `count` of the key columns, from the
    /// `first` on, which was validated.
    func appendKey(values: UnsafeRawBufferPointer, first: Int = 0, count: Int, to key: inout KeyBuffer) {
        guard var address = values.baseAddress else { return }
        for column in first..<(first + count) {
            unsafe address += probeLayout.program.appendKey(probeLayout.columns[column].node, at: address, to: &key)
        }
    }

    /// Appends the encoded ends of a validated range.
    ///
    /// - Returns: for each end, whether it lies behind all keys that begin with those bytes instead of before them.
    func appendBounds(
        of range: IndexRange, lower: inout KeyBuffer, upper: inout KeyBuffer
    ) -> (lowerIsSuccessor: Bool, upperIsSuccessor: Bool) {
        let prefixColumns = range.prefixColumns
        unsafe range.prefix.withBytes { prefix in
            unsafe appendKey(values: prefix, count: prefixColumns, to: &lower)
            unsafe appendKey(values: prefix, count: prefixColumns, to: &upper)
        }
        unsafe range.lower.value?.withBytes { unsafe appendKey(values: $0, first: prefixColumns, count: 1, to: &lower) }
        unsafe range.upper.value?.withBytes { unsafe appendKey(values: $0, first: prefixColumns, count: 1, to: &upper) }
        return (range.lower.isExcluded, !range.upper.isExcluded)
    }

    /// Appends the BSATN of the key columns of a row: what a caller would give to find it.
    func appendProbe(row: UnsafeRawPointer, layout: borrowing RowLayout, to key: inout KeyBuffer) {
        for column in columns { unsafe key.append(layout.bytes(of: column, in: row)) }
    }

    // MARK: What the same key is

    /// Appends bytes that are equal exactly for equal keys.
    ///
    /// These bytes, and the single integer of ``integer``, are what hashes, comparisons and the pairing of changes go by.
    /// They tell no more apart than the order does: the zeros of a float are one key, and so are all its NaNs.
    func appendIdentity(row: UnsafeRawPointer, layout: borrowing RowLayout, to key: inout KeyBuffer) {
        if isCanonical {
            unsafe appendProbe(row: row, layout: layout, to: &key)
        } else {
            unsafe appendKey(row: row, layout: layout, to: &key)
        }
    }

    /// The same for a key that a caller gives.
    func appendIdentity(probe: UnsafeRawBufferPointer, to key: inout KeyBuffer) {
        if isCanonical {
            unsafe key.append(probe)
        } else {
            unsafe appendKey(values: probe, count: columns.count, to: &key)
        }
    }

    /// Whether a row has nil in one of ``optionals``.
    func hasNil(row: UnsafeRawPointer, layout: borrowing RowLayout) -> Bool {
        for position in optionals {
            let offset = unsafe layout.offset(of: columns[position], in: row)
            if unsafe row.load(fromByteOffset: offset, as: UInt8.self) == Self.nilTag { return true }
        }
        return false
    }

    /// The same for a key that a caller gives.
    func hasNil(probe: UnsafeRawPointer) -> Bool {
        for position in optionals {
            let offset = unsafe probeLayout.offset(of: position, in: probe)
            if unsafe probe.load(fromByteOffset: offset, as: UInt8.self) == Self.nilTag { return true }
        }
        return false
    }

    /// The tag of `none`, the second variant of an option.
    private static let nilTag: UInt8 = 1

    /// Checks that `bytes` are the BSATN of exactly `count` key columns starting at `first`.
    func validate(_ bytes: UnsafeRawBufferPointer, first: Int = 0, count: Int) throws(BSATNError) {
        var offset = 0
        for column in first..<(first + count) {
            try unsafe probeLayout.program.validate(probeLayout.columns[column].node, in: bytes, at: &offset)
        }
        guard offset == bytes.count else { throw .trailingBytes(at: offset, count: bytes.count - offset) }
    }

    /// Checks that the values of a range are BSATN of their columns, of which there are so many.
    ///
    /// - Parameter index: its name, for the error.
    func validate(_ range: IndexRange, index: String) throws(EngineError) {
        do throws(BSATNError) {
            try unsafe range.prefix.withBytes { (bytes) throws(BSATNError) in
                try unsafe validate(bytes, count: range.prefixColumns)
            }
            for bound in [range.lower, range.upper] {
                try unsafe bound.value?.withBytes { (bytes) throws(BSATNError) in
                    try unsafe validate(bytes, first: range.prefixColumns, count: 1)
                }
            }
        } catch {
            throw .malformedKey(index: index, cause: error)
        }
    }
}
