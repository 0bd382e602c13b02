/// Where commits go to be kept: the durable log, or a test's list.
package protocol CommitSink: AnyObject, Sendable {
    /// Takes one commit: the bytes that ``CommitRecord`` reads. Called once per commit that takes an offset, in commit
    /// order, by the committing thread with the database's lock held, just before the commit becomes final. It must not
    /// block on a disk and must not call the database. The bytes are valid during the call only.
    ///
    /// - Throws: if the commit cannot be kept. The transaction is rolled back then, and all further writes are refused.
    func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError)

    /// True if commits come faster than they can be kept. Asked before each write transaction; cheap.
    var isSaturated: Bool { get }

    /// Waits until there is room again. Called without the database's lock.
    func waitForRoom() throws(DatabaseError)
}

extension CommitSink {
    package var isSaturated: Bool { false }
    package func waitForRoom() throws(DatabaseError) {}
}
