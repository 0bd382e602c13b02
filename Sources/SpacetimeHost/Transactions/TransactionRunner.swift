package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Runs the transactions of a database, one at a time.
///
/// The thread that calls runs the transaction itself, under the lock. What a write goes through is in `WritePath.swift`,
/// from top to bottom; how the lock is taken in `TransactionRunner+Locking.swift`; reading in
/// `TransactionRunner+Reading.swift`.
///
/// `Sendable` is unchecked, and holds because everything mutable is reached with ``lock`` held only: the state, the datastore,
/// the cache of ``reducers``, the record of ``durability``, the observers. The rest is immutable.
@usableFromInline
package final class TransactionRunner: @unchecked Sendable {
    @usableFromInline package let stateAddress: UnsafeMutablePointer<TransactionState>
    package let datastore: Datastore
    @usableFromInline package let catalog: Catalog
    let lock = TransactionLock()
    let module: any ModuleHost
    let reducers: ReducerTable
    package let clock: any HostClock
    let durability: Durability
    /// What the module and the database have to say.
    package let log: ModuleLog
    /// Told of each commit, in this order.
    let observers: [any CommitObserver]
    /// Told of work after a rollback that failed, without the lock.
    let onAfterRollbackFailure: (@Sendable (AfterRollbackFailure) -> Void)?
    package let search: TableSearch
    /// Nil if the module has no views, and no rules for which rows are looked at as those of views.
    let views: ViewInstances?
    /// Nil until another core has taken over.
    let successor = Mutex<Successor?>(nil)
    let immediateCalls = ImmediateCalls()
    /// Whether the tables that describe the module have their rows; see ``fillSystemTables()``. With the lock held only.
    var hasSystemRows = false
    /// Keeps what commits change while an update is made; nil if none is. With the lock held only.
    var trail: ChangeTrail?

    /// What runs the database's transactions once its module was replaced.
    struct Successor: Sendable {
        let runner: TransactionRunner
        /// Whether ids of tables and indexes mean the same there, so that code of the old module can go on.
        let keepsIDs: Bool
    }

    /// - Parameter stateAddress: the state becomes the runner's, which gives it back in the end.
    init(
        _ stateAddress: UnsafeMutablePointer<TransactionState>, _ datastore: Datastore, _ catalog: Catalog,
        module: any ModuleHost, clock: any HostClock, durability: consuming Durability,
        log: ModuleLog, observers: [any CommitObserver],
        onAfterRollbackFailure: (@Sendable (AfterRollbackFailure) -> Void)?
    ) {
        self.stateAddress = stateAddress
        self.datastore = datastore
        self.catalog = catalog
        self.module = module
        self.clock = clock
        self.log = log
        self.observers = observers
        self.onAfterRollbackFailure = onAfterRollbackFailure
        reducers = ReducerTable(catalog.schema, owner: catalog.owner.identity)
        search = TableSearch(planner: catalog.planner, datastore: datastore)
        views = catalog.viewTables.isEmpty ? nil : ViewInstances(catalog, search)
        let keepsCommits = durability.keepsCommits
        self.durability = durability
        state.set(.refreshViews, views != nil)
        state.set(.record, keepsCommits)
        state.runner = .passUnretained(self)
        state.datastore = .passUnretained(datastore)
    }

    deinit {
        // Nobody else refers to the database any more, so no lock is needed.
        let scratch = state.scratch
        StateBlocks.give(stateAddress)
        scratch.deallocate()
    }

    /// Lies where it is, and is not copied.
    @inlinable
    package var state: TransactionState {
        @inline(__always) unsafeAddress { UnsafePointer(stateAddress) }
        @inline(__always) unsafeMutableAddress { stateAddress }
    }
}
