package import SpacetimeEngine

/// What an evaluation has read, so that it is known which writes make it out of date.
package struct ReadSet: Equatable, Sendable {
    /// A look-up by all columns of an index. That nothing was found is also something that was read.
    package struct Key: Hashable, Sendable {
        package let table: TableID
        package let index: IndexID
        /// BSATN of the index's columns, one after the other.
        package let key: [UInt8]

        package init(table: TableID, index: IndexID, key: [UInt8]) {
            self.table = table
            self.index = index
            self.key = key
        }
    }

    /// Of tables that are not in ``tables``.
    package private(set) var keys: Set<Key> = []
    /// Tables that were scanned, counted, or read by a range or a part of a key: any write to them matters.
    package private(set) var tables: Set<TableID> = []

    package init() {}

    mutating func note(_ key: Key) {
        if !tables.contains(key.table) { keys.insert(key) }
    }

    mutating func note(_ table: TableID) {
        if tables.insert(table).inserted { keys = keys.filter { $0.table != table } }
    }
}

// How reads are noted without costing those anything that are not: while an evaluation is followed, the transaction's
// state has no datastore. Every short way to a row asks for it anyway, and goes the general way if it is missing; the
// general functions look whether it is, and note what they read.

extension TransactionRunner {
    /// Runs code that only reads, inside of the running transaction, and tells what it has read. Writes are refused.
    ///
    /// May be nested: what the inner evaluation reads, the outer one has read, too.
    package func followingReads<Result>(_ body: () throws -> Result) rethrows -> (Result, ReadSet) {
        let (datastore, outer, writable) = (
            state.datastore, state.reads, state.writableSerial
        )
        state.datastore = nil
        state.reads = ReadSet()
        state.writableSerial = 0
        defer {
            state.datastore = datastore
            state.writableSerial = writable
            if var outer {
                for table in state.reads?.tables ?? [] { outer.note(table) }
                for key in state.reads?.keys ?? [] { outer.note(key) }
                state.reads = outer
            } else {
                state.reads = nil
            }
        }
        let result = try body()
        return (result, state.reads ?? ReadSet())
    }

    /// Evaluates a view inside of the running transaction.
    ///
    /// - Parameter caller: whom it is evaluated for; nil for an anonymous view, which sees the database itself.
    package func evaluate(
        _ view: Int, arguments: [UInt8], for caller: Caller?, in transaction: TransactionReference
    ) throws -> (outcome: Outcome, reads: ReadSet) {
        transaction.requireCurrent()
        let (outer, isOwners) = (state.caller, state.isOwnersCall)
        state.caller = caller ?? Caller(identity: catalog.identity)
        state.isOwnersCall = false
        defer {
            state.caller = outer
            state.isOwnersCall = isOwners
        }
        let (outcome, reads) = try followingReads {
            try arguments.withUnsafeBytes { try module.call(.view(view), arguments: $0, in: transaction) }
        }
        return (outcome, reads)
    }
}

extension TransactionReference {
    /// True if somebody wants to know what is read.
    @inline(__always)
    var followsReads: Bool { state.datastore == nil }

    @inline(never)
    func noteRead(_ index: IndexID, key: UnsafeRawBufferPointer) {
        guard let table = runner.catalog.table(of: index) else { return }
        state.reads?.note(ReadSet.Key(table: table, index: index, key: Array(key)))
    }

    @inline(never)
    func noteRead(_ table: TableID) { state.reads?.note(table) }

    @inline(never)
    func noteRead(_ index: IndexID, range: IndexRange) {
        guard let table = runner.catalog.table(of: index) else { return }
        guard let key = range.key(columns: runner.catalog.columnCount(of: index)) else { return noteRead(table) }
        state.reads?.note(ReadSet.Key(table: table, index: index, key: key))
    }
}

extension IndexRange {
    /// The one key that the range consists of, if it pins all columns of its index.
    fileprivate func key(columns: Int) -> [UInt8]? {
        guard prefixColumns == columns - 1, case .included(let first) = lower, case .included(let last) = upper,
            first == last
        else { return nil }
        return prefix + first
    }
}
