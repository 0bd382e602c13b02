import SpacetimeEngine
public import SpacetimeSATS

/// What changes from call to call. It lives behind one pointer of ``DatabaseCore`` instead of in the fields of the
/// class, which would cost an exclusivity check per access. Touched only with the database's lock held, but for
/// ``serial``, which a stale handle may read at any time to find out that it is stale.
@usableFromInline
package struct CoreState {
    /// Number of the running transaction; changes when one begins and when it ends, so that no handle of an earlier
    /// one is ever taken for current.
    @usableFromInline package var serial: UInt64 = 1
    /// ``serial`` if the running transaction may write, else 0.
    @usableFromInline package var writableSerial: UInt64 = 0

    // What handles need of the database; valid while a transaction runs
    @usableFromInline package let rowScratch: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let keyScratch: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let tableMap: TableMap
    // Not counted: the database owns this state, not the other way round.
    var core: Unmanaged<DatabaseCore>?
    var datastore: Unmanaged<Datastore>?

    // The running call
    @usableFromInline package var caller: Caller
    /// True if ``caller`` is the owner, so that calls on the owner's behalf need not copy it again.
    var isOwnersCall = true
    @usableFromInline package var timestamp = Timestamp(microsecondsSinceUnixEpoch: 0)
    /// The clock is read when the time is first asked for: most calls in memory never do.
    @usableFromInline package var hasTimestamp = false
    @usableFromInline package var random = DeterministicRandom(seed: 0)
    @usableFromInline package var isRandomSeeded = false
    @usableFromInline package var uuidCounter: UInt32 = 0
    /// Position of the running reducer, -1 if there is none.
    @usableFromInline package var reducer: Int = -1
    /// What is to be done if the running call is undone; nil if nothing.
    var rollbackWork: [RollbackWork]?

    // The database
    /// The offset that the next commit which takes one gets.
    package var nextOffset: UInt64 = 0
    /// True if the arguments of a call must be encoded for its record.
    @usableFromInline package var recordsArguments = false
    /// Why the running transaction must not end well: a read could not be made that has no way to say so itself.
    @usableFromInline package var failure: DatabaseError?
    /// Why there are no writes any more, if so.
    package var refusal: DatabaseError?

    init(
        owner: Caller, rowScratch: UnsafeMutablePointer<BSATNWriter>, keyScratch: UnsafeMutablePointer<BSATNWriter>,
        tableMap: TableMap
    ) {
        caller = owner
        self.rowScratch = rowScratch
        self.keyScratch = keyScratch
        self.tableMap = tableMap
    }
}

/// One slot of the cache from the address of a reducer's name to the reducer's position.
struct ReducerSlot {
    var address: UInt
    var reducer: Int
    /// Only the owner may call it.
    var isPrivate = false
}
