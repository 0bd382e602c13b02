// Memory safety. Valid images: keys and values are whole, and of the types of the shape. Own memory: records and images are
// those of the pools, until they are given back. Lent buffers: scratch buffers have one use in a function.

/// Groups of rows with what aggregates keep of them: `GROUP BY` as a hash table.
///
/// A query that is run adds its rows and reads one result row for each group. One that is kept up to date also takes rows out
/// again, and gets the same result rows, bit for bit, as if only those that are left had ever been added: so there is one
/// definition of what an aggregate is.
///
/// ```swift
/// var groups = AggregateGroups(shape)
/// groups.add(key: key, values)               // for each row
/// for group in 0..<groups.bound where groups.isPresent(group) { groups.appendResult(of: group, to: &row) }
/// ```
///
/// Groups are numbered in the order in which they are met first, as long as none goes.
struct AggregateGroups: ~Copyable {
    let shape: AggregateShape
    private let columns: Buffer<AggregateColumn>
    private let outputs: Buffer<AggregateShape.CompiledOutput>
    private var records: RecordPool
    private var hashes = HashIndex()
    /// Keys of groups that are not in the records, and keys of extremes.
    private var images = ImagePool()
    private var distinct = DistinctValues()
    private var canonicalKey = KeyBuffer()
    private var valueKey = KeyBuffer()

    init(_ shape: AggregateShape) {
        self.shape = shape
        columns = Buffer(shape.columns)
        outputs = Buffer(shape.outputs)
        records = RecordPool(recordByteCount: shape.recordByteCount)
        if !shape.isGrouped { _ = makeGroup() }
    }

    deinit {
        for group in 0..<records.bound where isPresent(group) { releaseSums(record(group)) }
    }

    // MARK: Groups

    /// All numbers of groups are below that.
    var bound: UInt32 { records.bound }
    var count: Int { records.inUse }

    /// Whether there is a group of this number: one that has rows, or the only one without keys.
    func isPresent(_ group: UInt32) -> Bool { !shape.isGrouped || record(group).rows > 0 }

    var byteCount: Int { records.byteCount + hashes.byteCount + images.byteCount + distinct.byteCount }

    @inline(__always)
    func record(_ group: UInt32) -> AggregateRecord { unsafe AggregateRecord(base: records[group]) }

    private var hasInlineKeys: Bool {
        shape.keyByteCount >= 0 && shape.keyByteCount <= AggregateRecord.inlineKeyLimit
    }

    /// The canonical image of a group's key.
    func key(of group: UInt32) -> UnsafeRawBufferPointer {
        let record = record(group)
        guard hasInlineKeys else { return unsafe images[record.keyHandle] }
        return unsafe UnsafeRawBufferPointer(
            start: record.base + AggregateRecord.keyOffset, count: shape.keyByteCount)
    }

    /// The group of a key, made if there is none.
    ///
    /// - Parameter key: the values of the keys, in BSATN behind each other.
    private mutating func group(_ key: UnsafeRawBufferPointer) -> UInt32 {
        if !shape.isGrouped { return 0 }
        if shape.keysAreCanonical { return unsafe group(canonical: key) }
        unsafe canonicalize(key)
        return unsafe group(canonical: canonicalKey.bytes)
    }

    private mutating func canonicalize(_ key: UnsafeRawBufferPointer) {
        canonicalKey.removeAll()
        guard let start = key.baseAddress else { return }
        var offset = 0
        for node in shape.keyNodes {
            unsafe offset += shape.program.appendCanonical(node, at: start + offset, to: &canonicalKey)
        }
    }

    private mutating func group(canonical key: UnsafeRawBufferPointer) -> UInt32 {
        let hash = unsafe finishHash(hashBytes(key, state: 0))
        if let found = hashes.find(hash, { unsafe equalBytes(self.key(of: $0.rawValue), key) }) {
            return found.rawValue
        }
        let group = makeGroup()
        if !hasInlineKeys {
            record(group).keyHandle = unsafe images.insert(key)
        } else if let start = key.baseAddress {
            unsafe copyImage(start, to: record(group).base + AggregateRecord.keyOffset, byteCount: key.count)
        }
        hashes.insert(hash, RowID(group))
        return group
    }

    private mutating func makeGroup() -> UInt32 {
        let group = records.take()
        record(group).clear(columns, byteCount: records.recordByteCount)
        return group
    }

    /// Forgets a group that has no rows any more. The only group without keys stays.
    mutating func removeIfEmpty(_ group: UInt32) {
        let record = record(group)
        guard shape.isGrouped, record.rows == 0 else { return }
        let hash = unsafe finishHash(hashBytes(key(of: group), state: 0))
        hashes.remove(hash, RowID(group))
        if !hasInlineKeys { images.giveBack(record.keyHandle) }
        releaseSums(record)
        records.giveBack(group)
    }

    private func releaseSums(_ record: AggregateRecord) {
        for position in 0..<columns.count {
            let column = columns[position]
            if column.sumKind == .float || column.sumKind == .double { record.floatSum(column).value.release() }
        }
    }

    // MARK: Rows

    /// Adds a row to its group.
    ///
    /// - Parameters:
    ///   - key: the values of the keys, in BSATN behind each other.
    ///   - values: the value of each input in BSATN; nil if it is missing.
    /// - Returns: the group.
    @discardableResult
    mutating func add(key: UnsafeRawBufferPointer, _ values: UnsafeBufferPointer<UnsafeRawPointer?>) -> UInt32 {
        let group = unsafe group(key)
        let record = record(group)
        record.rows &+= 1
        for position in 0..<columns.count {
            let column = columns[position]
            guard let value = unsafe present(values[Int(column.input)], column) else { continue }
            if column.isDistinct {
                unsafe makeKey(value, column)
                guard unsafe distinct.add(valueKey.bytes, column: position, of: group) else { continue }
            }
            record.count(column).value &+= 1
            if column.sumKind != .none { unsafe addToSum(record, column, value, isRemoval: false) }
            if column.hasExtremes { unsafe addToExtremes(record, column, value) }
        }
        return group
    }

    @inline(__always)
    private func present(_ value: UnsafeRawPointer?, _ column: AggregateColumn) -> UnsafeRawPointer? {
        guard let value = unsafe value else { return nil }
        if !column.isOption { return unsafe value }
        return unsafe value.load(as: UInt8.self) == 0 ? value + 1 : nil
    }

    private mutating func makeKey(_ value: UnsafeRawPointer, _ column: AggregateColumn) {
        valueKey.removeAll()
        unsafe shape.program.appendKey(column.node, at: value, to: &valueKey)
    }

    private func addToSum(
        _ record: AggregateRecord, _ column: AggregateColumn, _ value: UnsafeRawPointer, isRemoval: Bool
    ) {
        switch column.sumKind {
        case .none: break
        case .unsigned, .signed:
            let isSigned = column.sumKind == .signed
            record.integerSum(column).value.add(
                unsafe loadInteger(value, column.byteCount, isSigned: isSigned), isSigned: isSigned,
                isRemoval: isRemoval)
        case .wideUnsigned, .wideSigned:
            unsafe record.wideSum(column).value.add(
                value, byteCount: Int(column.byteCount), isSigned: column.sumKind == .wideSigned,
                isRemoval: isRemoval)
        case .float:
            let float = unsafe Float(bitPattern: value.loadUnaligned(as: UInt32.self))
            record.floatSum(column).value.add(Double(float), isRemoval: isRemoval)
        case .double:
            let double = unsafe Double(bitPattern: value.loadUnaligned(as: UInt64.self))
            record.floatSum(column).value.add(double, isRemoval: isRemoval)
        }
    }

    // MARK: Extremes

    /// The first eight bytes of the key of a value, which are the whole key if the column is exact.
    @inline(__always)
    private mutating func keyPrefix(_ value: UnsafeRawPointer, _ column: AggregateColumn) -> UInt64 {
        switch column.kind {
        case .unsigned where column.byteCount <= 8:
            return unsafe loadInteger(value, column.byteCount, isSigned: false) << (64 &- UInt64(column.byteCount) &* 8)
        case .signed where column.byteCount <= 8:
            let number = unsafe loadInteger(value, column.byteCount, isSigned: false)
            return number << (64 &- UInt64(column.byteCount) &* 8) ^ 1 << 63
        case .float where column.byteCount == 8:
            return unsafe orderedBits(Double(bitPattern: value.loadUnaligned(as: UInt64.self)))
        default:
            unsafe makeKey(value, column)
            return unsafe SpacetimeEngine.keyPrefix(valueKey.bytes)
        }
    }

    private mutating func addToExtremes(
        _ record: AggregateRecord, _ column: AggregateColumn, _ value: UnsafeRawPointer
    ) {
        let (least, greatest) = (record.least(column), record.greatest(column))
        let isFirst = record.count(column).value == 1
        if column.isExact {
            let key = unsafe keyPrefix(value, column)
            least.value = isFirst ? key : min(least.value, key)
            greatest.value = isFirst ? key : max(greatest.value, key)
            return
        }
        unsafe makeKey(value, column)
        if unsafe isFirst || compareBytes(valueKey.bytes, images[UInt32(least.value)]) < 0 {
            if !isFirst { images.giveBack(UInt32(least.value)) }
            least.value = unsafe UInt64(images.insert(valueKey.bytes))
        }
        if unsafe isFirst || compareBytes(valueKey.bytes, images[UInt32(greatest.value)]) > 0 {
            if !isFirst { images.giveBack(UInt32(greatest.value)) }
            greatest.value = unsafe UInt64(images.insert(valueKey.bytes))
        }
    }

    private func appendExtreme(_ key: UInt64, _ column: AggregateColumn, to row: inout Buffer<UInt8>) {
        if column.isExact {
            unsafe withUnsafeBytes(of: key.bigEndian) { bytes in
                _ = unsafe shape.program.appendValue(
                    column.node, fromKey: bytes.baseAddress.unsafelyUnwrapped, to: &row)
            }
        } else if let key = unsafe images[UInt32(key)].baseAddress {
            unsafe shape.program.appendValue(column.node, fromKey: key, to: &row)
        }
    }

    // MARK: Results

    /// Appends the result row of a group: its key, then the aggregates, in BSATN of the shape's result types.
    func appendResult(of group: UInt32, to row: inout Buffer<UInt8>) {
        let record = record(group)
        if shape.isGrouped { unsafe row.append(key(of: group)) }
        for position in 0..<outputs.count {
            let output = outputs[position]
            if output.column < 0 {
                row.append(littleEndian: record.rows, 8)
            } else {
                append(output, record, columns[Int(output.column)], to: &row)
            }
        }
    }

    private func append(
        _ output: AggregateShape.CompiledOutput, _ record: AggregateRecord, _ column: AggregateColumn,
        to row: inout Buffer<UInt8>
    ) {
        let count = record.count(column).value
        if output.function == .count { return row.append(littleEndian: count, 8) }
        if count == 0 { return row.append(1) }
        if output.isNullable { row.append(0) }
        switch output.function {
        case .count: break
        case .sum: appendSum(record, column, to: &row)
        case .average: row.append(littleEndian: average(record, column, count).bitPattern, 8)
        case .min: appendExtreme(record.least(column).value, column, to: &row)
        case .max: appendExtreme(record.greatest(column).value, column, to: &row)
        }
    }

    private func appendSum(_ record: AggregateRecord, _ column: AggregateColumn, to row: inout Buffer<UInt8>) {
        switch column.sumKind {
        case .none: break
        case .unsigned, .signed:
            let (low, high) = record.integerSum(column).value.bits
            row.append(littleEndian: low, 8)
            row.append(littleEndian: high, 8)
        case .wideUnsigned, .wideSigned:
            guard let words = record.wideSum(column).value.bits(isSigned: column.sumKind == .wideSigned) else {
                // Only sums of 256-bit numbers can exceed the type of the result, which is an option then.
                row.truncate(to: row.count - 1)
                return row.append(1)
            }
            row.append(littleEndian: words.0, 8)
            row.append(littleEndian: words.1, 8)
            row.append(littleEndian: words.2, 8)
            row.append(littleEndian: words.3, 8)
        case .float, .double:
            row.append(littleEndian: record.floatSum(column).value.value(dividedBy: 1).bitPattern, 8)
        }
    }

    private func average(_ record: AggregateRecord, _ column: AggregateColumn, _ count: UInt64) -> Double {
        switch column.sumKind {
        case .none: 0
        case .unsigned: record.integerSum(column).value.value(dividedBy: count, isSigned: false)
        case .signed: record.integerSum(column).value.value(dividedBy: count, isSigned: true)
        case .wideUnsigned, .wideSigned: record.wideSum(column).value.value(dividedBy: count)
        case .float, .double: record.floatSum(column).value.value(dividedBy: count)
        }
    }
}

/// A little-endian integer of 1, 2, 4 or 8 bytes, extended to 64 bits.
@inline(__always)
func loadInteger(_ address: UnsafeRawPointer, _ byteCount: Int32, isSigned: Bool) -> UInt64 {
    switch byteCount {
    case 1:
        let value = unsafe address.load(as: UInt8.self)
        return isSigned ? UInt64(truncatingIfNeeded: Int8(bitPattern: value)) : UInt64(value)
    case 2:
        let value = unsafe address.loadUnaligned(as: UInt16.self)
        return isSigned ? UInt64(truncatingIfNeeded: Int16(bitPattern: value)) : UInt64(value)
    case 4:
        let value = unsafe address.loadUnaligned(as: UInt32.self)
        return isSigned ? UInt64(truncatingIfNeeded: Int32(bitPattern: value)) : UInt64(value)
    default: return unsafe address.loadUnaligned(as: UInt64.self)
    }
}
