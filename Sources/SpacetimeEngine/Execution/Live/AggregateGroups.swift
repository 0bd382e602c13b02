// Memory safety. Valid images: keys and values are whole, and of the types of the shape. Own memory: records and images are
// those of the pools, until they are given back. Lent buffers: scratch buffers have one use in a function.

/// Groups of rows with what aggregates keep of them: `GROUP BY` as a hash table.
///
/// A query that is run adds its rows and reads one result row for each group. One that is kept up to date also takes rows out
/// again, and gets the same result rows, bit for bit, as if only those that are left had ever been added: so there is one
/// definition of what an aggregate is.
///
/// ```text
/// var groups = AggregateGroups(shape)
/// groups.add(values, to: groups.group(key))    // for each row
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
    /// All values of the columns with extremes, if rows may be taken out.
    private var extremes: Buffer<ExtremeValues>
    private var canonicalKey = KeyBuffer()
    private var valueKey = KeyBuffer()

    /// True if rows may be taken out. What is the least value then is known from all values; otherwise the least so far is
    /// kept alone.
    let isMaintained: Bool

    /// - Parameter isMaintained: rows will be taken out again. Then `min` and `max` take time in the logarithm of the values,
    ///   and memory for each different one.
    init(_ shape: AggregateShape, isMaintained: Bool = false) {
        self.shape = shape
        self.isMaintained = isMaintained
        columns = Buffer(shape.columns)
        outputs = Buffer(shape.outputs)
        records = RecordPool(recordByteCount: shape.recordByteCount)
        extremes = Self.extremes(shape, isMaintained: isMaintained)
        if !shape.isGrouped { _ = makeGroup() }
    }

    private static func extremes(_ shape: AggregateShape, isMaintained: Bool) -> Buffer<ExtremeValues> {
        var extremes = Buffer<ExtremeValues>(capacity: 1)
        for column in shape.columns where isMaintained && column.hasExtremes {
            precondition(Int(column.extremesPosition) == extremes.count, "columns are out of order")
            extremes.append(ExtremeValues(isExact: column.isExact))
        }
        return extremes
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

    /// Bytes of all memory.
    var byteCount: Int {
        var sum = records.byteCount + hashes.byteCount + images.byteCount + distinct.byteCount
        for position in 0..<extremes.count { sum += extremes[position].byteCount }
        return sum
    }

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

    /// The group of a key, made if there is none; a row is to be added to it.
    ///
    /// - Parameter key: the values of the keys, in BSATN behind each other.
    mutating func group(_ key: UnsafeRawBufferPointer) -> UInt32 {
        if !shape.isGrouped { return 0 }
        if shape.keysAreCanonical { return unsafe group(canonical: key) }
        unsafe canonicalize(key)
        return unsafe group(canonical: canonicalKey.bytes)
    }

    /// The group of a key; nil if there is none.
    ///
    /// - Parameter key: the values of the keys, in BSATN behind each other.
    mutating func find(_ key: UnsafeRawBufferPointer) -> UInt32? {
        if !shape.isGrouped { return 0 }
        if shape.keysAreCanonical { return unsafe find(canonical: key, hash: Self.hash(key)) }
        unsafe canonicalize(key)
        return unsafe find(canonical: canonicalKey.bytes, hash: Self.hash(canonicalKey.bytes))
    }

    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        unsafe finishHash(hashBytes(key, state: 0))
    }

    @inline(__always)
    private func find(canonical key: UnsafeRawBufferPointer, hash: UInt32) -> UInt32? {
        hashes.find(hash) { unsafe equalBytes(self.key(of: $0.rawValue), key) }?.rawValue
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
        let hash = unsafe Self.hash(key)
        if let found = unsafe find(canonical: key, hash: hash) { return found }
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
        unsafe hashes.remove(Self.hash(key(of: group)), RowID(group))
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

    /// Adds a row to a group.
    ///
    /// - Parameters:
    ///   - values: the value of each input in BSATN; nil if it is missing.
    ///   - times: how many such rows there are. Linear in it, if there are sums. One, if rows are to be taken out again.
    mutating func add(_ values: UnsafeBufferPointer<UnsafeRawPointer?>, to group: UInt32, times: Int = 1) {
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
            guard column.hasExtremes else { continue }
            if isMaintained {
                unsafe addToMaintained(record, column, value, group)
            } else {
                unsafe addToExtremes(record, column, value)
            }
        }
        if times > 1 { unsafe addAgain(record, values, times &- 1) }
    }

    /// Takes a row out that was added to the group. The group stays, even if it has no rows any more, until
    /// ``removeIfEmpty(_:)``.
    mutating func remove(_ values: UnsafeBufferPointer<UnsafeRawPointer?>, from group: UInt32) {
        precondition(isMaintained, "rows are taken out of groups that were not made for it")
        let record = record(group)
        // A row that is not there; the counts would go below zero.
        if record.rows == 0 { return }
        record.rows &-= 1
        for position in 0..<columns.count {
            let column = columns[position]
            guard let value = unsafe present(values[Int(column.input)], column) else { continue }
            if column.isDistinct {
                unsafe makeKey(value, column)
                guard unsafe distinct.remove(valueKey.bytes, column: position, of: group) else { continue }
            }
            record.count(column).value &-= 1
            if column.sumKind != .none { unsafe addToSum(record, column, value, isRemoval: true) }
            if column.hasExtremes { unsafe removeFromMaintained(record, column, value, group) }
        }
    }

    /// Counts and adds up a row that has been added, so many times more.
    @inline(never)
    private func addAgain(
        _ record: AggregateRecord, _ values: UnsafeBufferPointer<UnsafeRawPointer?>, _ times: Int
    ) {
        record.rows &+= UInt64(times)
        for position in 0..<columns.count {
            let column = columns[position]
            guard !column.isDistinct, let value = unsafe present(values[Int(column.input)], column) else { continue }
            record.count(column).value &+= UInt64(times)
            if column.sumKind == .none { continue }
            for _ in 0..<times { unsafe addToSum(record, column, value, isRemoval: false) }
        }
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

    // MARK: Other groups

    /// Adds all rows of the one group of others of the same shape, which has no keys: what is known of some rows and of others
    /// becomes what is known of all. Neither are maintained, nor do they ask for different values.
    mutating func add(_ others: borrowing AggregateGroups) {
        precondition(!shape.isGrouped, "groups are put together that have keys")
        precondition(!isMaintained && !others.isMaintained, "groups are put together that rows are taken out of")
        let (record, added) = (record(0), others.record(0))
        record.rows &+= added.rows
        for position in 0..<columns.count {
            let column = columns[position]
            let count = added.count(column).value
            if count == 0 { continue }
            switch column.sumKind {
            case .none: break
            case .unsigned, .signed: record.integerSum(column).value.add(added.integerSum(column).value)
            case .wideUnsigned, .wideSigned: record.wideSum(column).value.add(added.wideSum(column).value)
            case .float, .double: record.floatSum(column).value.add(added.floatSum(column).value)
            }
            if column.hasExtremes { addExtremes(of: added, in: others, to: record, column) }
            record.count(column).value &+= count
        }
    }

    private mutating func addExtremes(
        of added: AggregateRecord, in others: borrowing AggregateGroups, to record: AggregateRecord,
        _ column: AggregateColumn
    ) {
        let isFirst = record.count(column).value == 0
        let (least, greatest) = (record.least(column), record.greatest(column))
        let (otherLeast, otherGreatest) = (added.least(column).value, added.greatest(column).value)
        if column.isExact {
            least.value = isFirst ? otherLeast : min(least.value, otherLeast)
            greatest.value = isFirst ? otherGreatest : max(greatest.value, otherGreatest)
            return
        }
        let lower = unsafe others.images[UInt32(otherLeast)]
        if unsafe isFirst || compareBytes(lower, images[UInt32(least.value)]) < 0 {
            if !isFirst { images.giveBack(UInt32(least.value)) }
            least.value = unsafe UInt64(images.insert(lower))
        }
        let upper = unsafe others.images[UInt32(otherGreatest)]
        if unsafe isFirst || compareBytes(upper, images[UInt32(greatest.value)]) > 0 {
            if !isFirst { images.giveBack(UInt32(greatest.value)) }
            greatest.value = unsafe UInt64(images.insert(upper))
        }
    }

    // MARK: Extremes

    /// The first eight bytes of the key of a value, which are the whole key if the column is exact. Otherwise the key is in
    /// `valueKey` afterwards.
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

    /// The extremes of maintained groups are known from all values; the record only says which they are.
    private mutating func addToMaintained(
        _ record: AggregateRecord, _ column: AggregateColumn, _ value: UnsafeRawPointer, _ group: UInt32
    ) {
        let position = Int(column.extremesPosition)
        let prefix = unsafe keyPrefix(value, column)
        let known = unsafe extremes[position].add(prefix, valueKey.bytes, of: group)
        let (least, greatest) = (record.least(column), record.greatest(column))
        if record.count(column).value == 1 {
            least.value = known
            greatest.value = known
        } else if column.isExact {
            least.value = min(least.value, known)
            greatest.value = max(greatest.value, known)
        } else {
            if unsafe compareBytes(valueKey.bytes, extremes[position].key(least.value)) < 0 { least.value = known }
            if unsafe compareBytes(valueKey.bytes, extremes[position].key(greatest.value)) > 0 {
                greatest.value = known
            }
        }
    }

    private mutating func removeFromMaintained(
        _ record: AggregateRecord, _ column: AggregateColumn, _ value: UnsafeRawPointer, _ group: UInt32
    ) {
        let position = Int(column.extremesPosition)
        let prefix = unsafe keyPrefix(value, column)
        guard let gone = unsafe extremes[position].remove(prefix, valueKey.bytes, of: group) else { return }
        let (least, greatest) = (record.least(column), record.greatest(column))
        // Without any value left they mean nothing.
        if gone == least.value, let next = extremes[position].least(of: group) { least.value = next }
        if gone == greatest.value, let next = extremes[position].greatest(of: group) { greatest.value = next }
    }

    private func appendExtreme(_ known: UInt64, _ column: AggregateColumn, to row: inout Buffer<UInt8>) {
        if column.isExact { return appendValue(exact: known, column, to: &row) }
        let key =
            unsafe isMaintained ? extremes[Int(column.extremesPosition)].key(known) : images[UInt32(known)]
        if let start = key.baseAddress {
            unsafe shape.program.appendValue(column.node, fromKey: start, to: &row)
        }
    }

    private func appendValue(exact key: UInt64, _ column: AggregateColumn, to row: inout Buffer<UInt8>) {
        unsafe withUnsafeBytes(of: key.bigEndian) { bytes in
            _ = unsafe shape.program.appendValue(
                column.node, fromKey: bytes.baseAddress.unsafelyUnwrapped, to: &row)
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

    // MARK: Checks

    /// How many values are kept for functions of different ones.
    var distinctCount: Int { distinct.count }

    /// The walks over the values that extremes are found among; for tests.
    func checkExtremes() throws(InvariantViolation) {
        for column in shape.columns where isMaintained && column.hasExtremes {
            let values = extremes.reference(to: Int(column.extremesPosition))
            try values.value.checkInvariants()
            for group in 0..<bound where isPresent(group) && record(group).count(column).value > 0 {
                try check(
                    values.value.least(of: group) == record(group).least(column).value
                        && values.value.greatest(of: group) == record(group).greatest(column).value,
                    "a group has other extremes")
            }
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
