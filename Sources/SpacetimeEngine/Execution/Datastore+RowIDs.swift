import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes: keys are validated before one is looked up. Living ids: those of an index lead to rows.
// Lent buffers: each key is an array of this function.

/// Rows found through indexes, as numbers.
extension Datastore {
    /// The rows of a selection in key order.
    func rowIDs(in selection: TableIndex.Selection, _ position: Int, of table: TableRef) -> [UInt32] {
        switch selection {
        case .none: return []
        case .rows(let rows): return rows
        case .keys(let first, let last):
            return table.indexes[position].direct.rows(from: first, through: last)
        case .positions(let start, let end):
            var ids: [UInt32] = []
            var place = start
            while place != end {
                let limit = place.leaf == end.leaf ? end.index : place.leaf.count
                while place.index < limit {
                    ids.append(place.leaf.rows[place.index])
                    place.index += 1
                }
                guard place.leaf != end.leaf, let next = place.leaf.next else { break }
                place = BTree.Position(leaf: next, index: 0)
            }
            return ids
        }
    }

    /// The rows with one of some keys, in the order of the keys. Each is there once, however often its key is listed.
    func rowIDs(of keys: KeyList, _ position: Int, of table: TableRef) throws(EngineError) -> [UInt32] {
        let index = table.indexes.reference(to: position)
        let spec = index.value.spec
        let name = index.value.schema.name
        let isWhole = keys.prefixColumns + 1 == spec.columns.count
        guard isWhole || index.value.isOrdered else { throw .rangeOnHashIndex(index: name) }
        guard keys.prefixColumns >= 0, keys.prefixColumns < spec.columns.count else {
            throw .tooManyPrefixColumns(index: name, given: keys.prefixColumns, limit: spec.columns.count - 1)
        }
        let (head, ranges): ([UInt8], [Range<Int>])
        do throws(BSATNError) { (head, ranges) = try spec.distinctKeys(keys) } catch {
            throw .malformedKey(index: name, cause: error)
        }
        var ids: [UInt32] = []
        var key = head
        for range in ranges {
            key.replaceSubrange(head.count..., with: keys.values.bytes[range])
            if isWhole {
                unsafe key.withUnsafeBytes { probe in
                    if index.value.isUnique, !index.value.exemptsNil, let start = probe.baseAddress {
                        let row = unsafe index.value.find(probe: start, byteCount: probe.count, in: table.rows)
                        if let row { ids.append(row.rawValue) }
                    } else {
                        let found = unsafe index.value.select(probe: probe, table.rows)
                        ids += rowIDs(in: found, position, of: table)
                    }
                }
            } else {
                let found = index.value.select(
                    IndexRange(prefix: key, prefixColumns: keys.prefixColumns + 1), table.rows)
                ids += rowIDs(in: found, position, of: table)
            }
        }
        return ids
    }

    /// The rows that one of several look-ups finds, each once, in the order in which they lie.
    func rowIDs(ofAny lookups: [IndexLookup], in table: TableRef) throws(EngineError) -> [UInt32] {
        var ids: [UInt32] = []
        for lookup in lookups { try appendRowIDs(of: lookup, in: table, to: &ids) }
        ids.sort()
        var kept = 0
        for id in ids where kept == 0 || ids[kept - 1] != id {
            ids[kept] = id
            kept += 1
        }
        ids.removeLast(ids.count - kept)
        return ids
    }

    private func appendRowIDs(
        of lookup: IndexLookup, in table: TableRef, to ids: inout [UInt32]
    ) throws(EngineError) {
        if case .any(let lookups) = lookup {
            ids += try rowIDs(ofAny: lookups, in: table)
            return
        }
        guard let id = lookup.index else { return }
        let (owner, position) = try index(id)
        guard owner == table else { throw noSuchIndex(id) }
        let found: TableIndex.Selection
        switch lookup {
        case .any: return
        case .keys(_, let keys):
            ids += try rowIDs(of: keys, position, of: table)
            return
        case .range(_, let range):
            try validate(range, table, position)
            found = table.indexes[position].select(range, table.rows)
        case .key(_, let key):
            found = try unsafe key.withBytes { (probe) throws(EngineError) in
                try unsafe validateKey(probe, table, position)
                return unsafe table.indexes[position].select(probe: probe, table.rows)
            }
        }
        ids += rowIDs(in: found, position, of: table)
    }

    /// The rows that satisfy a predicate, in the order of an index's keys, without use of the index: for what a hash
    /// index cannot order. Linear in the rows of the table, and what is wanted of them is sorted.
    func sortedRowIDs(
        by position: Int, of table: TableRef, where predicate: CompiledPredicate?, _ window: ScanWindow
    ) -> [UInt32] {
        let rows = table.rows
        let index = table.indexes.reference(to: position)
        if let integer = index.value.integer {
            return unsafe Self.sorted(rows, where: predicate, window) { row, image in
                unsafe SortedEntry(
                    key: image.baseAddress.map { unsafe integer.key(ofRow: $0, rows) } ?? 0, row: row.rawValue)
            } order: {
                $0.key != $1.key ? TypeProgram.order($0.key, $1.key) : TypeProgram.order($0.row, $1.row)
            }.map(\.row)
        }
        let columns = index.value.spec.columns
        return unsafe Self.sorted(rows, where: predicate, window) { row, _ in
            row.rawValue
        } order: { left, right in
            let order = unsafe Self.order(
                rows.storage.image(RowID(left)), rows.storage.image(RowID(right)), columns, rows)
            return order != 0 ? order : TypeProgram.order(left, right)
        }
    }

    @inline(__always)
    private static func sorted<Entry>(
        _ rows: RowsRef, where predicate: CompiledPredicate?, _ window: ScanWindow,
        entry: (RowID, UnsafeRawBufferPointer) -> Entry, order: (Entry, Entry) -> Int
    ) -> [Entry] {
        var entries: [Entry] = []
        let isReversed = window.isReversed
        func trim() {
            entries.sort { isReversed ? order($0, $1) > 0 : order($0, $1) < 0 }
            if entries.count > window.limit { entries.removeLast(entries.count - window.limit) }
        }
        // Of few rows that are wanted, the others are dropped on the way.
        let capacity = window.limit < 1 << 20 ? max(window.limit * 2, 64) : Int.max
        unsafe rows.storage.forEachRow { row, image in
            if let predicate, unsafe !predicate.matches(image) { return }
            unsafe entries.append(entry(row, image))
            if entries.count >= capacity { trim() }
        }
        trim()
        return entries
    }

    static func order(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ columns: [Int], _ rows: RowsRef
    ) -> Int {
        // Rows without bytes are all equal.
        guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        for column in columns {
            let order = unsafe rows.layout.program.compare(
                rows.layout.columns[column].node, left + rows.layout.offset(of: column, in: left),
                right + rows.layout.offset(of: column, in: right))
            if order != 0 { return order }
        }
        return 0
    }
}
