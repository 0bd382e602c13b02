public import SpacetimeEngine
public import SpacetimeSATS

/// What changes from transaction to transaction. It lives behind one pointer of ``TransactionRunner`` instead of in the
/// fields of the class, which would cost an exclusivity check per access. Touched only with the database's lock held, but
/// for ``serial``, which a stale handle may read at any time to find out that it is stale.
@usableFromInline
package struct TransactionState {
    /// Number of the running transaction; changes when one begins and when it ends, so that no handle of an earlier
    /// one is ever taken for current.
    @usableFromInline package var serial: UInt64 = 1
    /// ``serial`` if the running transaction may write, else 0.
    @usableFromInline package var writableSerial: UInt64 = 0
    @usableFromInline package var duties: Duties = []

    // What handles need of the database; valid while a transaction runs
    @usableFromInline package let scratch: Scratch
    @usableFromInline package let tableMap: TableMap
    // Not counted: the runner owns this state, not the other way round.
    var runner: Unmanaged<TransactionRunner>?
    /// Nil while somebody wants to know what is read: see `ReadSet.swift`.
    @usableFromInline var datastore: Unmanaged<Datastore>?
    /// What was read since; nil if nobody wants to know.
    var reads: ReadSet?
    /// What rows are read from instead of the datastore; nil but for views of snapshots.
    var picture: PictureReader?

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

    // The database
    /// The offset that the next commit which takes one gets.
    var nextOffset: UInt64 = 0
    /// What the last call that was recorded in the short way has as its time.
    var recordedTime = Timestamp(microsecondsSinceUnixEpoch: 0)

    // What the duties are about; each is there exactly if its duty is
    @usableFromInline private(set) var failure: DatabaseError?
    private(set) var rollbackWork: [RollbackWork] = []
    private(set) var refusal: DatabaseError?

    /// Work after a rollback that failed, until the lock is released.
    var rollbackFailures: [AfterRollbackFailure] = []

    init(owner: Caller, scratch: Scratch, tableMap: TableMap) {
        caller = owner
        self.scratch = scratch
        self.tableMap = tableMap
    }

    /// What there is to do at the ends of a transaction beside the transaction. Mostly nothing: a call in memory, which
    /// nobody watches, then asks one question at its beginning and one at its end.
    @frozen @usableFromInline
    package struct Duties: OptionSet {
        @usableFromInline package let rawValue: UInt8

        @inlinable
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Whether one of them is due. (`contains` takes several times as many instructions before optimization, which is
        /// what decides whether a call is inlined into the caller's code.)
        @inlinable @inline(__always)
        package func has(_ duty: Duties) -> Bool { rawValue & duty.rawValue != 0 }

        /// Commits are recorded, and the arguments of calls with them.
        @inlinable package static var record: Duties { Duties(rawValue: 1) }
        /// Somebody follows the commits.
        @inlinable package static var observe: Duties { Duties(rawValue: 2) }
        /// The running transaction must not end well: a read could not be made that has no way to say so itself.
        @inlinable package static var fail: Duties { Duties(rawValue: 4) }
        /// Something is to be done if the running call is undone.
        @inlinable package static var followRollback: Duties { Duties(rawValue: 8) }
        /// There are no writes any more.
        @inlinable package static var refuse: Duties { Duties(rawValue: 16) }
        /// The module has views, which may be out of date by what the transaction writes.
        @inlinable package static var refreshViews: Duties { Duties(rawValue: 32) }
    }

    /// True if the arguments of a typed call must be encoded for its record.
    @inlinable package var recordsArguments: Bool { duties.has(.record) }

    // MARK: Changing duties

    mutating func set(_ duty: Duties, _ isDue: Bool) {
        if isDue { duties.insert(duty) } else { duties.remove(duty) }
    }

    /// Why the running transaction must not end well. The first reason stays.
    mutating func note(failure error: DatabaseError) {
        if failure == nil { failure = error }
        duties.insert(.fail)
    }

    /// Takes the reason out.
    mutating func takeFailure() -> DatabaseError? {
        defer { failure = nil }
        duties.remove(.fail)
        return failure
    }

    mutating func add(rollbackWork work: @escaping RollbackWork) {
        rollbackWork.append(work)
        duties.insert(.followRollback)
    }

    /// Takes the work out.
    mutating func takeRollbackWork() -> [RollbackWork] {
        defer { rollbackWork = [] }
        duties.remove(.followRollback)
        return rollbackWork
    }

    /// There are no writes from now on. The first reason stays.
    mutating func refuse(_ reason: DatabaseError) {
        if refusal == nil { refusal = reason }
        duties.insert(.refuse)
    }

    /// Lets go of what the next database, which gets this memory, must not inherit.
    mutating func retire() {
        serial &+= 1
        writableSerial = 0
        duties = []
        runner = nil
        datastore = nil
        reads = nil
        picture = nil
        failure = nil
        rollbackWork = []
        rollbackFailures = []
        refusal = nil
    }
}

/// Memory in which rows, keys and arguments are encoded before they go on. Its content is whoever's who has the database's
/// lock, and stays until the next one writes there.
@frozen @usableFromInline
package struct Scratch {
    @usableFromInline package let row: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let key: UnsafeMutablePointer<BSATNWriter>
    /// The arguments of a typed call, if its commit is recorded, behind room for the head of the record.
    @usableFromInline package let arguments: UnsafeMutablePointer<BSATNWriter>

    /// Begins the record of a typed call: the arguments are encoded behind what this leaves open.
    @inlinable @inline(__always)
    package func beginArguments() {
        arguments.pointee.removeAll(keepingCapacity: true)
        arguments.pointee.appendHeadRoom()
    }

    /// Bytes of the longest head of a record of a reducer's call.
    @inlinable package static var headRoom: Int { BSATNWriter.headRoom }

    init() {
        func writer() -> UnsafeMutablePointer<BSATNWriter> {
            let writer = UnsafeMutablePointer<BSATNWriter>.allocate(capacity: 1)
            writer.initialize(to: BSATNWriter(reservingCapacity: 256))
            return writer
        }
        row = writer()
        key = writer()
        arguments = writer()
    }

    func deallocate() {
        for writer in [row, key, arguments] { writer.deinitialize(count: 1).deallocate() }
    }
}
