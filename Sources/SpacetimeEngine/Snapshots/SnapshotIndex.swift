import SpacetimeSATS
package import SpacetimeSchema
import Synchronization

// Memory safety. Valid images: of rows of the snapshot, each in a copy that is good until the next. Checked bytes: what is
// searched for was validated.

/// The rows of one table of a snapshot, sorted by some columns.
///
/// The indexes of a table change with every write and are not shared with snapshots, so a snapshot that is searched again
/// and again sorts its rows itself.
struct SnapshotIndex: Sendable {
    private let spec: KeySpec
    private let table: DatastoreSnapshot.Table
    private let layout: RowLayout
    /// By the first eight bytes of the encoded keys, then by the rest of them, then by place.
    private let entries: [SortedEntry]
    /// True if no key is longer than eight bytes, so that equal numbers are equal keys.
    private let isExact: Bool

    /// Reads and sorts all rows. Nil for types that have no layout, which no table has.
    init?(_ table: DatastoreSnapshot.Table, columns: [Int]) {
        let types = table.schema.columns.map(\.type)
        guard let layout = try? RowLayout(types),
            let spec = try? KeySpec(columns: columns, types: types, layout: layout)
        else { return nil }
        self.table = table
        self.layout = layout
        self.spec = spec
        isExact = spec.integer != nil
        var entries: [SortedEntry] = []
        entries.reserveCapacity(table.count)
        var key = KeyBuffer()
        unsafe table.forEachRow { row, image in
            key.removeAll()
            if let start = image.baseAddress { unsafe spec.appendKey(row: start, layout: layout, to: &key) }
            unsafe entries.append(SortedEntry(key: keyPrefix(key.bytes), row: row.rawValue))
        }
        Self.sort(&entries)
        self.entries = isExact ? entries : Self.breakTies(entries, table, spec, layout)
    }

    private static func sort(_ entries: inout [SortedEntry]) {
        unsafe entries.withUnsafeMutableBufferPointer { entries in
            unsafe withUnsafeTemporaryAllocation(of: SortedEntry.self, capacity: entries.count) { scratch in
                unsafe radixSort(entries, scratch: scratch)
            }
        }
    }

    /// Sorts each run of equal beginnings by whole keys.
    private static func breakTies(
        _ entries: [SortedEntry], _ table: DatastoreSnapshot.Table, _ spec: KeySpec, _ layout: RowLayout
    ) -> [SortedEntry] {
        var entries = entries
        var copy = RowCopy()
        var start = 0
        while start < entries.count {
            var end = start + 1
            while end < entries.count, entries[end].key == entries[start].key { end += 1 }
            if end - start > 1 {
                let keys = entries[start..<end].map { entry in
                    var key = KeyBuffer()
                    if let row = unsafe copy.image(RowID(entry.row), of: table).baseAddress {
                        unsafe spec.appendKey(row: row, layout: layout, to: &key)
                    }
                    return unsafe (key: Array(key.bytes), row: entry.row)
                }.sorted { left, right in
                    let order = unsafe left.key.withUnsafeBytes { left in
                        unsafe right.key.withUnsafeBytes { unsafe compareBytes(left, $0) }
                    }
                    return order != 0 ? order < 0 : left.row < right.row
                }
                for (offset, key) in keys.enumerated() { entries[start + offset].row = key.row }
            }
            start = end
        }
        return entries
    }

    // MARK: Searching

    /// Calls `body` with the rows that have such a key, in key order.
    ///
    /// - Parameter key: the BSATN of the columns.
    func forEachRow<E: Error>(
        key: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try unsafe forEachRow(in: IndexRange(prefix: key, prefixColumns: spec.columns.count), body)
    }

    /// Calls `body` with the rows in a range, in key order.
    func forEachRow<E: Error>(
        in range: IndexRange, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var lower = KeyBuffer()
        var upper = KeyBuffer()
        let (isAbove, isThrough) = spec.appendBounds(of: range, lower: &lower, upper: &upper)
        try unsafe forEachRow(from: &lower, isAbove: isAbove, to: &upper, isThrough: isThrough, body)
    }

    /// Calls `body` with the rows that have one of some keys, in key order.
    func forEachRow<E: Error>(
        keys: KeyList, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        guard let (head, ranges) = try? spec.distinctKeys(keys) else { return }
        for range in ranges {
            let key = IndexRange(prefix: head + keys.values.bytes[range], prefixColumns: keys.prefixColumns + 1)
            try unsafe forEachRow(in: key, body)
        }
    }

    /// Takes encoded keys, which it changes.
    private func forEachRow<E: Error>(
        from lower: inout KeyBuffer, isAbove: Bool, to upper: inout KeyBuffer, isThrough: Bool,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        let places = places(from: &lower, isAbove: isAbove, to: &upper, isThrough: isThrough)
        var copy = RowCopy()
        for place in places { try unsafe body(image(at: place, &copy)) }
    }

    /// Where the rows between two encoded keys are. Changes the keys.
    func places(
        from lower: inout KeyBuffer, isAbove: Bool, to upper: inout KeyBuffer, isThrough: Bool
    ) -> Range<Int> {
        var copy = RowCopy()
        let start = place(of: &lower, after: isAbove, &copy)
        return start..<max(start, place(of: &upper, after: isThrough, &copy))
    }

    /// The row at a place. Good until the copy is used again.
    func image(at place: Int, _ copy: inout RowCopy) -> UnsafeRawBufferPointer {
        unsafe copy.image(RowID(entries[place].row), of: table)
    }

    /// The first entry whose key is not below those bytes; or, past all keys that begin with them.
    private func place(of probe: inout KeyBuffer, after: Bool, _ copy: inout RowCopy) -> Int {
        // Nothing comes after keys that begin with the greatest bytes there are.
        if after, !probe.advanceToSuccessor() { return entries.count }
        let prefix = unsafe keyPrefix(probe.bytes)
        var key = KeyBuffer()
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let entry = entries[middle]
            var isBelow = entry.key < prefix
            if entry.key == prefix {
                key.removeAll()
                if let row = unsafe copy.image(RowID(entry.row), of: table).baseAddress {
                    unsafe spec.appendKey(row: row, layout: layout, to: &key)
                }
                isBelow = unsafe compareBytes(key.bytes, probe.bytes) < 0
            }
            if isBelow { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Indexes of a snapshot, made once searches have cost as much without them.
final class SnapshotIndexes: Sendable {
    /// Sorting takes as long as so many scans.
    static let scansBeforeSorting = 16

    struct Key: Hashable {
        let table: TableID
        let columns: [Int]
    }

    private struct State {
        var scans: [Key: Int] = [:]
        var indexes: [Key: SnapshotIndex] = [:]
    }

    private let state = Mutex(State())
    /// Those of a snapshot that has the same rows, but for some tables.
    private let others: SnapshotIndexes?
    private let ownTables: Set<TableID>

    init() {
        others = nil
        ownTables = []
    }

    init(besides others: SnapshotIndexes, of ownTables: Set<TableID>) {
        self.others = others
        self.ownTables = ownTables
    }

    /// The index if it is there, or if it is time to make it; nil if the caller should look at all rows once more.
    func index(_ key: Key, of table: DatastoreSnapshot.Table) -> SnapshotIndex? {
        if let others, !ownTables.contains(key.table) { return others.index(key, of: table) }
        let (present, isDue) = state.withLock { state -> (SnapshotIndex?, Bool) in
            if let index = state.indexes[key] { return (index, false) }
            state.scans[key, default: 0] += 1
            return (nil, state.scans[key, default: 0] > Self.scansBeforeSorting)
        }
        if let present { return present }
        guard isDue, let index = SnapshotIndex(table, columns: key.columns) else { return nil }
        // Not under the lock, which other readers want: two of them may sort the same rows, and one result is kept.
        state.withLock { $0.indexes[key] = index }
        return index
    }
}

extension DatastoreSnapshot {
    /// The rows that an index over some columns would find in a range, in the order of their keys. All rows are looked at and
    /// sorted, until the snapshot has an index of its own.
    ///
    /// - Parameters:
    ///   - columns: those of the index.
    ///   - limit: how many there may be.
    package func rows(
        of id: TableID, by columns: [ColumnID], in range: IndexRange, isReversed: Bool = false, limit: Int = .max
    ) throws(EngineError) -> RowBatch {
        guard let table = table(id) else { throw .noSuchTable("#\(id.rawValue)") }
        let columns = columns.map(\.index)
        let types = table.schema.columns.map(\.type)
        guard let layout = try? RowLayout(types),
            let spec = try? KeySpec(columns: columns, types: types, layout: layout)
        else { throw .unsupportedSchema(table: table.schema.name, reason: "its columns cannot be searched by") }
        let isWhole = range.prefixColumns == columns.count && range.lower == .unbounded && range.upper == .unbounded
        guard isWhole || (0..<columns.count).contains(range.prefixColumns) else {
            throw .tooManyPrefixColumns(
                index: table.schema.name, given: range.prefixColumns, limit: columns.count - 1)
        }
        try spec.validate(range, index: table.schema.name)
        var rows = RowBatch()
        var lower = KeyBuffer()
        var upper = KeyBuffer()
        let (isAbove, isThrough) = spec.appendBounds(of: range, lower: &lower, upper: &upper)
        if let index = indexes.index(SnapshotIndexes.Key(table: id, columns: columns), of: table) {
            let places = index.places(from: &lower, isAbove: isAbove, to: &upper, isThrough: isThrough)
            var copy = RowCopy()
            for number in 0..<min(places.count, max(0, limit)) {
                let place = isReversed ? places.upperBound - 1 - number : places.lowerBound + number
                unsafe rows.append(index.image(at: place, &copy))
            }
            return rows
        }
        let isBelow = isAbove && !lower.advanceToSuccessor()
        let isOpen = isThrough && !upper.advanceToSuccessor()
        if isBelow { return rows }
        var found: [(key: [UInt8], row: Int)] = []
        var unsorted = RowBatch()
        var key = KeyBuffer()
        unsafe table.forEachRow { _, image in
            key.removeAll()
            if let start = image.baseAddress { unsafe spec.appendKey(row: start, layout: layout, to: &key) }
            guard unsafe compareBytes(key.bytes, lower.bytes) >= 0 else { return }
            guard unsafe isOpen || compareBytes(key.bytes, upper.bytes) < 0 else { return }
            unsafe found.append((Array(key.bytes), unsorted.count))
            unsafe unsorted.append(image)
        }
        found.sort { $0.key != $1.key ? $0.key.lexicographicallyPrecedes($1.key) : $0.row < $1.row }
        if isReversed { found.reverse() }
        for entry in found.prefix(max(0, limit)) {
            let row = unsorted[entry.row]
            unsafe row.withUnsafeBytes { unsafe rows.append($0) }
        }
        return rows
    }

    /// Calls `body` with the rows that satisfy a predicate and that a look-up in an index finds, once the snapshot has sorted
    /// its rows by the columns of that index.
    ///
    /// - Parameter columns: those of the index.
    /// - Returns: false if it has not, and the caller should look at all rows.
    package func forEachRow<E: Error>(
        of id: TableID, by columns: [ColumnID], _ lookup: IndexLookup, where predicate: CompiledPredicate?,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) -> Bool {
        guard let table = table(id),
            let index = indexes.index(SnapshotIndexes.Key(table: id, columns: columns.map(\.index)), of: table)
        else { return false }
        func matching(_ image: UnsafeRawBufferPointer) throws(E) {
            if let predicate, unsafe !predicate.matches(image) { return }
            try unsafe body(image)
        }
        switch lookup {
        case .key(_, let key): try unsafe index.forEachRow(key: key, matching)
        case .range(_, let range): try unsafe index.forEachRow(in: range, matching)
        case .keys(_, let keys): try unsafe index.forEachRow(keys: keys, matching)
        case .any: return false
        }
        return true
    }
}
