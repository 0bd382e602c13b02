// Memory safety. The batch is read through the scan, and the state keeps it.

/// An open scan: hands out the rows that its table held when it was opened, in batches.
///
/// Costs three allocations (itself, what it keeps, the batch), however many rows there are. When the table is written while
/// scans are open on it, each copies what it still has to show; without such a write nothing is copied. A scan ends with its transaction: `refill` then traps with a message,
/// because the memory that it would read belongs to whoever writes next.
///
/// `@safe`: the batch is the state's, which ends with this object.
@safe
@usableFromInline
package final class RowScan {
    private let state: Ref<ScanState>
    /// Keeps the pages and the list of open scans alive. Nil if the rows are copies.
    private let datastore: Datastore?
    private let serial: UInt64
    /// The rows that the last `refill` found. Valid until the next `refill`, whatever is written meanwhile.
    @usableFromInline package let batch: UnsafeMutablePointer<UnsafeRawBufferPointer>

    init(
        _ source: ScanState.Source, limit: Int, table: TableRef, predicate: CompiledPredicate?,
        datastore: Datastore
    ) {
        self.datastore = datastore
        serial = datastore.serial
        state = Ref(ScanState(source: source, limit: limit, table: table, predicate: predicate))
        unsafe batch = state.value.batch
        if let first = table.openScans {
            first.value.previous = state
            state.value.next = first
        }
        table.openScans = state
    }

    /// Hands out copies of rows, which belong to no transaction.
    package init(copying rows: RowBatch) {
        datastore = nil
        serial = 0
        state = Ref(ScanState())
        state.value.hold(rows)
        unsafe batch = state.value.batch
    }

    deinit {
        if state.value.table != nil { Self.unlink(state) }
        state.value.destroy()
        state.destroy()
    }

    /// Takes a scan off its table's list.
    static func unlink(_ state: Ref<ScanState>) {
        guard let table = state.value.table else { return }
        if let previous = state.value.previous {
            previous.value.next = state.value.next
        } else {
            table.openScans = state.value.next
        }
        state.value.next?.value.previous = state.value.previous
        state.value.previous = nil
        state.value.next = nil
        state.value.table = nil
    }

    /// Counts what this copies when its table is written, and loses the rows if there is no room.
    package func countCopies(in copies: ScanCopies) { state.value.copies = copies }

    /// Whether the rows were lost. To be asked before the batch is read if copies are counted.
    package var isLost: Bool { state.value.isLost }

    /// Finds the next rows and returns how many are in `batch`; 0 at the end.
    @usableFromInline
    package func refill() -> Int {
        precondition(
            datastore?.serial ?? 0 == serial,
            "a row sequence was used after its transaction ended; collect the rows into an array inside of it")
        return state.value.refill()
    }

    /// Reads all rows now and hands them out again from the last to the first, of these at most `limit`.
    @usableFromInline
    package func turnRound(limit: Int) {
        precondition(
            datastore?.serial ?? 0 == serial,
            "a row sequence was used after its transaction ended; collect the rows into an array inside of it")
        state.value.turnRound(limit: limit)
    }
}

/// How much of a scan is wanted, and from which end.
@frozen
@usableFromInline
package struct ScanWindow: Hashable, Sendable {
    /// From the last row to the first.
    @usableFromInline package var isReversed: Bool
    /// Rows at most.
    @usableFromInline package var limit: Int

    @inlinable
    package init(isReversed: Bool = false, limit: Int = .max) {
        self.isReversed = isReversed
        self.limit = limit
    }
}
