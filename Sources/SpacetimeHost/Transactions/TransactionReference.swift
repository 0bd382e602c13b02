import SpacetimeEngine

/// Which transaction a handle belongs to. Made by the database, passed on by generated code.
///
/// It keeps neither the transaction open nor the database in memory: used after the transaction it is refused. While
/// the transaction runs, whoever runs it holds the database.
public struct TransactionReference {
    // Plain data, so that handles are copied for nothing. The memory is never given back: see `StateBlocks`.
    @usableFromInline package let stateAddress: UnsafeMutablePointer<TransactionState>
    @usableFromInline package let serial: UInt64

    @inlinable
    package init(runner: TransactionRunner, serial: UInt64) {
        stateAddress = runner.stateAddress
        self.serial = serial
    }

    /// Of a state that is not the runner's.
    init(_ stateAddress: UnsafeMutablePointer<TransactionState>) {
        self.stateAddress = stateAddress
        serial = stateAddress.pointee.serial
    }

    /// Lies where it is, and is not copied.
    @inlinable
    package var state: TransactionState {
        @inline(__always) unsafeAddress { UnsafePointer(stateAddress) }
        @inline(__always) nonmutating unsafeMutableAddress { stateAddress }
    }

    /// True while the transaction runs.
    @inlinable
    package var isCurrent: Bool { state.serial == serial }

    /// What runs the transaction. Stops the program if it is over.
    @usableFromInline
    package var runner: TransactionRunner {
        requireCurrent()
        guard let runner = state.runner else { Self.stale() }
        // Alive: the code that runs the transaction holds a reference until it has ended it.
        return runner.takeUnretainedValue()
    }

    /// Calls `body` with the datastore, without counting references. The transaction must be current.
    @inline(__always)
    func withDatastore<Result>(
        _ body: (Datastore) throws(EngineError) -> Result
    ) throws(DatabaseError) -> Result {
        guard let datastore = state.datastore else { return try withFollowedDatastore(body) }
        // Alive as the database is, see `runner`. The error goes around the callee, which has no typed throws; a
        // `Result` would be destroyed through its metadata each time.
        var failure: EngineError?
        let result: Result? = datastore._withUnsafeGuaranteedRef { datastore in
            do throws(EngineError) { return try body(datastore) } catch {
                failure = error
                return nil
            }
        }
        if let result { return result }
        throw Self.failed(failure)
    }

    /// The same while somebody wants to know what is read, see `ReadSet.swift`.
    @inline(never)
    private func withFollowedDatastore<Result>(
        _ body: (Datastore) throws(EngineError) -> Result
    ) throws(DatabaseError) -> Result {
        do throws(EngineError) { return try body(runner.datastore) } catch { throw DatabaseError(error) }
    }

    /// Only failures come without a result.
    @inline(never)
    private static func failed(_ error: EngineError?) -> DatabaseError {
        error.map { DatabaseError($0) } ?? DatabaseError(.internalInconsistency, "an operation had no outcome")
    }

    /// Stops the program if the transaction is over. Reading memory of the engine then could read freed pages.
    @inlinable
    package func requireCurrent() {
        if state.serial != serial { Self.stale() }
    }

    /// Lets the transaction fail at its end, because of a read that cannot throw.
    @inline(never) @usableFromInline
    package func fail(_ error: DatabaseError) {
        requireCurrent()
        state.note(failure: error)
    }

    /// Throws what ``fail(_:)`` noted.
    @inlinable
    package func requireIntact() throws(DatabaseError) {
        if state.duties.has(.fail), let failure = state.failure { throw failure }
    }

    @inlinable
    package func requireWritable() throws(DatabaseError) {
        if state.writableSerial != serial { throw refusedWrite() }
    }

    @inline(never) @usableFromInline
    package static func stale() -> Never {
        fatalError(
            "a table handle, row sequence or context was used after its transaction ended; "
                + "use it only inside the reducer or the read closure it was made in, and copy rows out instead")
    }

    @inline(never) @usableFromInline
    package func refusedWrite() -> DatabaseError {
        guard isCurrent else {
            return DatabaseError(
                .transactionEnded,
                "a table handle was used after its transaction ended; use it only inside the reducer it was made in")
        }
        return DatabaseError(.readOnly, "a read cannot write; move the change into a reducer")
    }
}

// A reference must stay on the thread that runs its transaction, which is what makes unlocked access safe.
@available(*, unavailable)
extension TransactionReference: Sendable {}
