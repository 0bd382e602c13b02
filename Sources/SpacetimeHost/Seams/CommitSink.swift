package import SpacetimeEngine
package import SpacetimeSATS

/// Where commits go to be kept: the durable log, or a test's list.
///
/// ``append(_:)`` is called once per commit that took an offset, in commit order, by the committing thread with the
/// database's lock held. It must not block on a disk, and must not call the database.
package protocol CommitSink: AnyObject, Sendable {
    /// Takes one commit. What the record points to is valid during the call only.
    ///
    /// - Throws: if the commit cannot be kept. The database then refuses all further writes, because memory and log
    ///   have parted.
    func append(_ commit: CommitRecord) throws(DatabaseError)
}

/// One commit: its place in history, the call that made it, and what it changed.
package struct CommitRecord {
    package let offset: TxOffset
    package let call: CallRecord
    /// Net changes by table id; event tables have inserts. Nil for a call that only took an offset.
    package let changes: ChangeSet?
}

/// The call behind a commit, complete enough to run it again.
package struct CallRecord {
    package enum Kind: UInt8, Sendable {
        /// The creation of the database, with `init` if the module has it.
        case creation = 0
        case reducer = 1
        case connect = 2
        case disconnect = 3
    }

    package let kind: Kind
    /// Position of the reducer in the module schema; nil if none ran.
    package let reducer: Int?
    /// BSATN of the arguments, valid during the call of the sink only.
    package let arguments: UnsafeRawBufferPointer
    package let caller: Caller
    package let timestamp: Timestamp
}
