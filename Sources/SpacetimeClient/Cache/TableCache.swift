import SpacetimeProtocol
import SpacetimeSATS

/// What a client has of one table: its rows, its indexes, and what the message at hand does to it.
///
/// Belongs to whoever owns the cache of the database; nothing here may be used from two threads at once.
final class TableCache {
    let name: String
    /// What the program said about the table; nil for a table that only a query's text named.
    private(set) var layout: TableLayout?
    /// Other descriptions of the same columns whose indexes are there, too.
    private var merged: [TableLayout] = []
    private var rowLayout = RowLayout([], in: Typespace())
    private(set) var store: RowStore
    private let hash: RowHash
    /// Those of the description, but for the primary key's if rows are found by it.
    private var indexes: [IndexBox] = []
    /// Rows of an event table in the message at hand.
    private var events = PackedRows()
    /// Whether anybody wants to know what changes. Otherwise nothing is copied for it.
    var isWatched = false
    /// Whether the message at hand has named the table.
    var isTouched = false

    /// An array cannot hold what cannot be copied.
    private final class IndexBox {
        var index: KeyIndex
        init(_ index: consuming KeyIndex) { self.index = index }
    }

    init(name: String, layout: TableLayout?, hash: RowHash) {
        self.name = name
        self.hash = hash
        store = RowStore(hash: hash)
        if let layout { describe(layout) }
    }

    /// Says what the table's columns are, and which are looked for. Rows that are there already are put into the indexes.
    ///
    /// A table may be described in several ways, as by its module and by hand: then there are the indexes of all of them, so that
    /// nobody's have to be made again.
    func describe(_ layout: TableLayout) {
        guard self.layout != layout, !merged.contains(layout) else { return }
        var whole = layout
        if let known = self.layout, let both = known.merged(with: layout) {
            merged.append(layout)
            if both == known { return }
            whole = both
        } else {
            merged = []
        }
        self.layout = whole
        rowLayout = RowLayout(whole.columns.map(\.type), in: whole.typespace)
        store.describe(rowLayout, key: whole.primaryKey, lastColumn: whole.indexes.joined().max())
        indexes = whole.indexes.filter { whole.primaryKey.isEmpty || Set($0) != Set(whole.primaryKey) }.map {
            IndexBox(KeyIndex(KeyShape(columns: $0, layout: rowLayout, hash: hash)))
        }
        for box in indexes {
            store.forEach { row in
                box.index.insert(row, in: store)
                return true
            }
        }
    }

    /// How many rows there are.
    var count: Int { store.count }

    /// The bytes that the table takes in memory, about.
    var reservedBytes: Int { indexes.reduce(store.reservedBytes) { $0 + $1.index.reservedBytes } }

    // MARK: Applying

    /// Counts rows in. On an error the rows up to the one it names have been counted.
    func retain(
        _ rows: RowList, upTo end: Int? = nil, in generation: RowStore.Generation
    ) throws(CacheViolation) {
        let count = end ?? rows.count
        let done = store.retain(rows, upTo: count, in: generation)
        guard done == count else {
            let column = layout.flatMap { layout in layout.indexes.joined().max().map { layout.columns[$0].name } }
            throw CacheViolation(table: name, row: done, problem: .noColumn(column ?? ""))
        }
    }

    /// Counts rows out. On an error the rows up to the one it names have been counted.
    func release(
        _ rows: RowList, upTo end: Int? = nil, in generation: RowStore.Generation
    ) throws(CacheViolation) {
        let done = store.release(rows, upTo: end ?? rows.count, in: generation)
        guard done == end ?? rows.count else { throw CacheViolation(table: name, row: done, problem: .notThere) }
    }

    /// Notes rows that are nowhere but in this message.
    func note(events rows: RowList) {
        guard isWatched else { return }
        rows.withSlices { slices in for row in 0..<rows.count { events.append(slices[row]) } }
    }

    // MARK: Foresight

    /// What the message at hand has changed in what queries deliver.
    func confirmedChanges() -> CacheDifference {
        var difference = CacheDifference(table: name)
        store.forEachConfirmedChange { row, isThere in
            if isThere { difference.inserted.append(row) } else { difference.deleted.append(row) }
        }
        return difference
    }

    /// All rows that queries deliver, as if they had just come.
    func confirmedRows() -> CacheDifference {
        var difference = CacheDifference(table: name)
        store.forEachConfirmed { difference.inserted.append($0) }
        return difference
    }

    /// Shows what calls that are under way would change, in the place of what was shown before. Part of the message at hand.
    func foresee(_ difference: CacheDifference?) {
        isTouched = true
        store.clearForesight()
        guard let difference else { return }
        for row in 0..<difference.deleted.count { difference.deleted.withBytes(row) { store.hide($0) } }
        for row in 0..<difference.inserted.count { difference.inserted.withBytes(row) { store.show($0) } }
    }

    var hasForesight: Bool { store.foreseen.count > 0 }

    // MARK: Generations

    func takeNext() {
        isTouched = true
        store.takeNext()
    }

    func dropNext() {
        isTouched = true
        store.dropNext()
    }

    /// Ends a message: brings the indexes up to date, and tells what has changed, if somebody wants to know. Rows that a primary key
    /// makes one are told, and found, as one.
    func finish() -> TableChanges? {
        isTouched = false
        store.finish()
        defer { store.discard() }
        let isTold = isWatched && !(store.inserted.isEmpty && store.deleted.isEmpty && events.isEmpty)
        guard isTold || !indexes.isEmpty else { return nil }
        store.pair()
        for box in indexes { box.index.update(from: store) }
        guard isTold else { return nil }
        var changes = TableChanges(table: name)
        changes.inserted = events
        events = PackedRows()
        store.tell(&changes)
        return changes
    }

    // MARK: Reading

    /// Calls `body` with a reader over each row that is looked for, and no more than so many of them: by an index if one has its
    /// columns among the equalities, the one with the most columns; and else by looking at every row.
    func forEach<Failure: Error>(
        _ search: CacheSearch = CacheSearch(), limit: Int = .max, _ body: (inout BSATNReader) throws(Failure) -> Void
    ) throws(Failure) {
        // Rows are numbered, not lent, so that `body` runs outside of the index.
        for row in find(search, limit: limit) { try read(row, body) }
    }

    /// The numbers of the rows that are looked for.
    func find(_ search: CacheSearch, limit: Int = .max) -> [UInt32] {
        var found: [UInt32] = []
        if limit == 0 { return found }
        let equalities = Array(search.equalities)
        func take(_ row: UInt32) -> Bool {
            let bytes = store.bytes(of: row)
            if search.test?(bytes) ?? equalities.allSatisfy({ rowLayout.has($0.value, in: $0.key, of: bytes) }) {
                found.append(row)
            }
            return found.count < limit
        }
        func isKnown(_ columns: [Int]) -> Bool { columns.allSatisfy { search.equalities[$0] != nil } }
        func key(_ columns: [Int]) -> [[UInt8]] { columns.map { search.equalities[$0] ?? [] } }
        var best: IndexBox?
        for box in indexes where isKnown(box.index.shape.columns) {
            if box.index.shape.columns.count > best?.index.shape.columns.count ?? 0 { best = box }
        }
        let identity = store.identity.columns
        if !identity.isEmpty, isKnown(identity), identity.count >= best?.index.shape.columns.count ?? 0 {
            store.forEach(key(identity), take)
        } else if let best {
            best.index.forEach(key(best.index.shape.columns), in: store, take)
        } else {
            store.forEach(take)
        }
        return found
    }

    private func read<Failure: Error>(
        _ row: UInt32, _ body: (inout BSATNReader) throws(Failure) -> Void
    ) throws(Failure) {
        // The store lends the bytes until it changes, which it does not while this runs.
        var reader = BSATNReader(RawSpan(_unsafeBytes: store.bytes(of: row)))
        try body(&reader)
    }
}
