/// Which transaction a handle belongs to. Made by the database, passed on by generated code.
///
/// It keeps the database in memory but not the transaction open: used after the transaction it is refused.
public struct TransactionReference {
    @usableFromInline package let core: DatabaseCore
    @usableFromInline package let serial: UInt64

    @inlinable
    package init(core: DatabaseCore, serial: UInt64) {
        self.core = core
        self.serial = serial
    }

    /// True while the transaction runs.
    @inlinable
    package var isCurrent: Bool { core.state.pointee.serial == serial }

    /// Stops the program if the transaction is over. Reading memory of the engine then could read freed pages.
    @inlinable
    package func requireCurrent() {
        if core.state.pointee.serial != serial { Self.stale() }
    }

    @inlinable
    package func requireWritable() throws(DatabaseError) {
        if core.state.pointee.writableSerial != serial { throw refusedWrite() }
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
