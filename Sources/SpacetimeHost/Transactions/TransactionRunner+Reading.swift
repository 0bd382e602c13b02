package import SpacetimeEngine
import SpacetimeSATS

/// Transactions that only read, and pictures to be read without the lock.
extension TransactionRunner {
    /// Begins a transaction that cannot write. Other threads wait, as for any transaction.
    @usableFromInline
    package func beginRead() throws(DatabaseError) -> UInt64 {
        try acquire()
        return beginReadHoldingLock()
    }

    /// ``beginRead()`` for a task, inside of ``takingLock(toWrite:_:)``.
    @usableFromInline
    package func beginReadHoldingLock() -> UInt64 {
        // The engine's transaction cuts off scans that outlive the read.
        datastore.begin()
        state.serial &+= 1
        state.hasTimestamp = false
        state.isRandomSeeded = false
        actAsOwner()
        return state.serial
    }

    @usableFromInline
    package func endRead() {
        datastore.rollback()
        if state.duties.has(.fail) { _ = state.takeFailure() }
        state.serial &+= 1
        release()
    }

    // MARK: Pictures

    /// A frozen picture of all tables, to be read without the lock for as long as it is kept.
    package func snapshot() throws(DatabaseError) -> DatastoreSnapshot { try snapshotWithOffset().0 }

    /// A frozen picture, and the last commit in it.
    package func snapshotWithOffset() throws(DatabaseError) -> (DatastoreSnapshot, TxOffset) {
        try acquire()
        return snapshotAndRelease()
    }

    /// A frozen picture, and the last commit in it. Suspends while others have the lock.
    package func snapshotWithOffset() async throws(DatabaseError) -> (DatastoreSnapshot, TxOffset) {
        try await takingLock { snapshotAndRelease() }
    }

    private func snapshotAndRelease() -> (DatastoreSnapshot, TxOffset) {
        defer { release() }
        return (datastore.snapshot(), TxOffset(state.nextOffset &- 1))
    }

    /// The offset of the last commit.
    package func lastOffset() throws(DatabaseError) -> TxOffset {
        try acquire()
        defer { release() }
        return TxOffset(state.nextOffset &- 1)
    }

    /// Checks that rows and indexes agree. Linear in the data.
    package func checkInvariants() throws {
        try acquire()
        defer { release() }
        try datastore.checkInvariants()
    }
}
