import SpacetimeSchema

// Memory safety. Valid images: rows are those of the table, so the fields at fixed offsets lie in them. The rows whose first
// bytes are loaded are long enough.

/// An order as ``RowOrder`` has it, made ready to compare single rows: fields that are numbers at fixed offsets, as most are that
/// anything is ordered by, are loaded and compared as integers.
struct WindowOrder: ~Copyable {
    enum Form: UInt8 {
        case unsigned, signed, float, double
        /// Anything else, and what is not at one offset.
        case other
    }

    struct Part: BitwiseCopyable {
        var form: Form
        var isDescending: Bool
        /// Of a number.
        var offset: Int32
        var byteCount: Int32
    }

    private let layout: RowLayout
    private let fields: [RowField]
    private let parts: Buffer<Part>
    /// The parts that make the first bits of an entry are all numbers.
    private let hasSimplePrefix: Bool
    /// The column that comes first, if it is a whole one, and whether it descends.
    let leadingColumn: (column: Int, isDescending: Bool)?

    /// - Throws: `invalidCondition` if a field is not there.
    init(_ terms: [RowOrder.Term], for schema: TableSchema) throws(EngineError) {
        let layout: RowLayout
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var fields: [RowField] = []
        var parts: [Part] = []
        for term in terms {
            guard let field = RowField(term.path, schema, layout) else {
                throw .invalidCondition(
                    table: schema.name, reason: "rows are to be ordered by \(term.path), which is not there")
            }
            fields.append(field)
            let (form, byteCount) = Self.form(field, layout)
            parts.append(
                Part(form: form, isDescending: term.isDescending, offset: field.fixedOffset, byteCount: byteCount))
        }
        self.layout = layout
        self.fields = fields
        self.parts = Buffer(parts)
        var byteCount = 0
        for part in parts where byteCount >= 0 && byteCount < TreeEntry.prefixByteCount {
            byteCount = part.form == .other ? -1 : byteCount + Int(part.byteCount)
        }
        hasSimplePrefix = byteCount >= 0
        leadingColumn = terms.first.flatMap {
            $0.path.steps.isEmpty ? ($0.path.column.index, $0.isDescending) : nil
        }
    }

    /// A product of one field, such as a timestamp, is what the field is.
    private static func form(_ field: RowField, _ layout: borrowing RowLayout) -> (Form, Int32) {
        var entry = layout.program.nodes[Int(field.node)]
        while entry.kind == .product, entry.childCount == 1 {
            entry = layout.program.nodes[Int(layout.program.children[Int(entry.firstChild)])]
        }
        let byteCount = entry.fixedSize
        guard field.fixedOffset >= 0, byteCount > 0, byteCount <= 8 else { return (.other, 0) }
        switch entry.kind {
        case .bool, .unsigned: return (.unsigned, byteCount)
        case .signed: return (.signed, byteCount)
        case .float: return (byteCount == 4 ? .float : .double, byteCount)
        case .string, .bytes, .array, .product, .sum: return (.other, 0)
        }
    }

    /// The key of a number as the highest bits of an integer.
    @inline(__always)
    private func number(_ part: Part, in row: UnsafeRawPointer) -> UInt64 {
        let address = unsafe row + Int(part.offset)
        let shift = UInt64(64 &- part.byteCount &* 8)
        switch part.form {
        case .unsigned: return unsafe loadInteger(address, part.byteCount, isSigned: false) &<< shift
        case .signed: return unsafe loadInteger(address, part.byteCount, isSigned: false) &<< shift ^ 1 << 63
        case .float: return unsafe UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self)))) << 32
        case .double: return unsafe orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self)))
        case .other: return 0
        }
    }

    // MARK: Entries

    /// The entry of a row: the first bits of its key, and of the row behind that.
    ///
    /// - Parameter scratch: memory for the key.
    @inline(__always)
    func entry(of row: UnsafeRawBufferPointer, item: UInt32, _ scratch: inout KeyBuffer) -> TreeEntry {
        guard hasSimplePrefix, row.count >= TreeEntry.prefixByteCount, let start = row.baseAddress else {
            return unsafe generalEntry(of: row, item: item, &scratch)
        }
        var bits: UInt128 = 0
        var filled = 0
        for position in 0..<parts.count where filled < TreeEntry.prefixByteCount {
            let part = parts[position]
            var number = unsafe number(part, in: start)
            if part.isDescending { number = ~number & ~0 &<< UInt64(64 &- part.byteCount &* 8) }
            bits |= (UInt128(number) &<< 64) &>> UInt128(filled &* 8)
            filled &+= Int(part.byteCount)
        }
        if filled < TreeEntry.prefixByteCount {
            let first = unsafe UInt64(bigEndian: start.loadUnaligned(as: UInt64.self))
            let next = unsafe UInt32(bigEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            bits |= (UInt128(first) &<< 64 | UInt128(next) &<< 32) &>> UInt128(filled &* 8)
        }
        return TreeEntry(
            high: UInt64(truncatingIfNeeded: bits &>> 64), middle: UInt32(truncatingIfNeeded: bits &>> 32), item: item)
    }

    @inline(never)
    private func generalEntry(
        of row: UnsafeRawBufferPointer, item: UInt32, _ scratch: inout KeyBuffer
    ) -> TreeEntry {
        scratch.removeAll()
        if let start = row.baseAddress {
            for position in 0..<parts.count where scratch.count < TreeEntry.prefixByteCount {
                unsafe layout.append(
                    fields[position], of: start, isDescending: parts[position].isDescending, to: &scratch)
            }
            let rest = max(TreeEntry.prefixByteCount - scratch.count, 0)
            unsafe scratch.append(UnsafeRawBufferPointer(rebasing: row.prefix(rest)))
        }
        return unsafe TreeEntry(scratch.bytes, item: item)
    }

    // MARK: Comparing

    /// Which of two valid rows comes first: negative or positive; zero for rows of equal bytes.
    func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        if let start = left.baseAddress, let other = right.baseAddress {
            for position in 0..<parts.count {
                let order = unsafe compare(position, start, other)
                if order != 0 { return order }
            }
        }
        return unsafe compareBytes(left, right)
    }

    /// Which of two valid rows comes first by the first of the fields alone; zero if they are equal in it.
    func compareLeading(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        guard parts.count > 0, let start = left.baseAddress, let other = right.baseAddress else { return 0 }
        return unsafe compare(0, start, other)
    }

    @inline(__always)
    private func compare(_ position: Int, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Int {
        let part = parts[position]
        if part.form == .other { return unsafe compareOther(position, left, right) }
        let (number, other) = unsafe (number(part, in: left), number(part, in: right))
        return number == other ? 0 : (number < other) != part.isDescending ? -1 : 1
    }

    @inline(never)
    private func compareOther(_ position: Int, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Int {
        let value = unsafe fields[position].locate(in: left, layout)
        let other = unsafe fields[position].locate(in: right, layout)
        let order: Int
        if let value = unsafe value, let other = unsafe other {
            order = unsafe layout.program.compare(fields[position].node, value, other)
        } else {
            order = unsafe (value == nil ? 1 : 0) - (other == nil ? 1 : 0)
        }
        return parts[position].isDescending ? -order : order
    }

    /// The value of the first field, if that is a whole column.
    func leadingValue(of row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let column = leadingColumn?.column, let start = row.baseAddress else { return nil }
        return unsafe layout.bytes(of: column, in: start)
    }
}
