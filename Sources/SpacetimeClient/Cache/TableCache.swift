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
    /// The primary key's first.
    private var indexes: [IndexBox] = []
    /// The last column that an index needs: a row that has this one has those before it.
    private var lastIndexed: Int?
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
        indexes = whole.indexes.map { IndexBox(KeyIndex(columns: $0, hash: hash)) }
        lastIndexed = whole.indexes.joined().max()
        for box in indexes { store.forEach { box.index.insert($0, in: store, rowLayout) } }
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
        // Most of them may be known already; then the room is not used.
        if store.count == 0 { store.reserve(rows: count, bytes: rows.data.count) }
        // In locals: the store is being changed while it asks.
        let (rowLayout, layout, name, column) = (rowLayout, layout, name, lastIndexed)
        try store.retain(rows, upTo: count, in: generation) { (row, number) throws(CacheViolation) in
            guard let column, rowLayout.range(of: column, in: row) == nil else { return }
            let missing = layout?.columns[column].name ?? "\(column)"
            throw CacheViolation(table: name, row: number, problem: .noColumn(missing))
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
        rows.forEachRow(upTo: rows.count) { events.append($0) }
    }

    func takeNext() {
        isTouched = true
        store.takeNext()
    }

    func dropNext() {
        isTouched = true
        store.dropNext()
    }

    /// Ends a message: brings the indexes up to date, and tells what has changed, if somebody wants to know.
    func finish() -> TableChanges? {
        isTouched = false
        let difference = store.finish()
        if !difference.isEmpty {
            for box in indexes {
                for row in difference.deleted { box.index.remove(row, in: store, rowLayout) }
                if difference.inserted.count > 64 { box.index.reserve(difference.inserted.count) }
                for row in difference.inserted { box.index.insert(row, in: store, rowLayout) }
            }
        }
        defer { store.discard(difference) }
        guard isWatched, !(difference.inserted.isEmpty && difference.deleted.isEmpty && events.isEmpty) else {
            return nil
        }
        var changes = TableChanges(table: name)
        changes.inserted = events
        events = PackedRows()
        describe(difference, in: &changes)
        return changes
    }

    /// Copies rows that changed, and puts those together that a primary key makes one.
    private func describe(_ difference: RowStore.Difference, in changes: inout TableChanges) {
        var successors: Set<UInt32> = []
        if layout?.primaryKey.isEmpty == false, !difference.inserted.isEmpty, !difference.deleted.isEmpty {
            let inserted = Set(difference.inserted)
            for row in difference.deleted {
                guard let successor = successor(of: row), inserted.contains(successor),
                    successors.insert(successor).inserted
                else {
                    store.withBytes(row) { changes.deleted.append($0) }
                    continue
                }
                store.withBytes(row) { changes.updated.old.append($0) }
                store.withBytes(successor) { changes.updated.new.append($0) }
            }
        } else {
            for row in difference.deleted { store.withBytes(row) { changes.deleted.append($0) } }
        }
        for row in difference.inserted where !successors.contains(row) {
            store.withBytes(row) { changes.inserted.append($0) }
        }
    }

    /// The row that has the primary key now that a row had which is gone.
    private func successor(of row: UInt32) -> UInt32? { indexes.first?.index.first(like: row, in: store, rowLayout) }

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
            let isWanted = store.withBytes(row) { bytes in
                search.test?(bytes) ?? equalities.allSatisfy { rowLayout.has($0.value, in: $0.key, of: bytes) }
            }
            if isWanted { found.append(row) }
            return found.count < limit
        }
        var best: IndexBox?
        for box in indexes where box.index.columns.allSatisfy({ search.equalities[$0] != nil }) {
            if box.index.columns.count > best?.index.columns.count ?? 0 { best = box }
        }
        if let best {
            let key = best.index.columns.map { search.equalities[$0] ?? [] }
            best.index.forEach(key, in: store, rowLayout, take)
        } else {
            store.forEachUntil(take)
        }
        return found
    }

    private func read<Failure: Error>(
        _ row: UInt32, _ body: (inout BSATNReader) throws(Failure) -> Void
    ) throws(Failure) {
        let outcome = store.withBytes(row) { bytes -> Result<Void, Failure> in
            // The store lends the bytes for as long as this closure runs.
            var reader = BSATNReader(RawSpan(_unsafeBytes: bytes))
            do throws(Failure) { return .success(try body(&reader)) } catch { return .failure(error) }
        }
        try outcome.get()
    }
}

/// Which rows of a cached table are looked for.
package struct CacheSearch: Sendable {
    /// What columns must be, byte for byte, by their places.
    var equalities: [Int: [UInt8]] = [:]
    /// What a row must meet; it decides alone, and the equalities are only a way to it. Nil if there are no conditions but these.
    var test: (@Sendable (UnsafeRawBufferPointer) -> Bool)?

    /// All rows.
    package init() {}

    package init(
        equalities: [Int: [UInt8]], test: (@Sendable (UnsafeRawBufferPointer) -> Bool)? = nil
    ) {
        self.equalities = equalities
        self.test = test
    }

    /// Columns with these values.
    package init(columns: [Int], key: [[UInt8]]) {
        equalities = Dictionary(zip(columns, key)) { first, _ in first }
    }
}

/// What a message may not do to a cache.
struct CacheViolation: Error, Hashable {
    enum Problem: Hashable {
        /// A row is deleted that no query delivered.
        case notThere
        /// A row ends before one of its columns.
        case noColumn(String)
    }

    let table: String
    /// Which row of the list it was.
    let row: Int
    let problem: Problem
}

extension CacheViolation: CustomStringConvertible {
    var description: String {
        switch problem {
        case .notThere: "a row of table \(table) was deleted that was not there"
        case .noColumn(let column):
            "a row of table \(table) ends before column \(column); does the program have the server's version of the table?"
        }
    }
}
