import SpacetimeEngine
import SpacetimeSATS

/// Where the commits of a database are kept: in its files, in a test's sink, or nowhere.
struct Durability: ~Copyable {
    /// Nil if the database is in memory only.
    let files: DatabaseFiles?
    private let sink: (any CommitSink)?
    private let keeper: Keeper
    /// Where the record of a commit is put together. Guarded by the database's lock.
    private let record: UnsafeMutablePointer<BSATNWriter>

    /// Which of the two it is. Each call looks at this, so it counts no references.
    private enum Keeper {
        case none
        // Alive: `files` keeps it.
        case files(Unmanaged<DatabaseFiles>)
        case sink
    }

    init(_ files: DatabaseFiles?, sink: (any CommitSink)?) {
        self.files = files
        self.sink = sink
        keeper = if sink != nil { .sink } else if let files { .files(.passUnretained(files)) } else { .none }
        record = .allocate(capacity: 1)
        record.initialize(to: BSATNWriter(reservingCapacity: 256))
    }

    deinit { record.deinitialize(count: 1).deallocate() }

    var keepsCommits: Bool { if case .none = keeper { false } else { true } }

    /// True if commits come faster than they can be kept.
    @inline(__always)
    var isSaturated: Bool {
        switch keeper {
        case .none: false
        case .files(let files): files._withUnsafeGuaranteedRef { $0.isSaturated }
        case .sink: isSinkSaturated
        }
    }

    /// Apart, so that calls do not make room for it.
    @inline(never)
    private var isSinkSaturated: Bool { sink?.isSaturated == true }

    /// Waits until there is room for more.
    func waitForRoom() throws(DatabaseError) {
        try sink?.waitForRoom()
        try files?.waitForRoom()
    }

    /// True if so much was logged that a snapshot should be taken.
    @inline(__always)
    var isSnapshotDue: Bool {
        if case .files(let files) = keeper { files._withUnsafeGuaranteedRef { $0.isSnapshotDue } } else { false }
    }

    /// Hands a record over that was put together elsewhere. With the lock held.
    func keep(_ record: [UInt8], at offset: TxOffset) throws(DatabaseError) {
        if let failure = record.withBytes({ hand($0, at: offset) }) { throw failure }
    }

    /// Puts the record of the running transaction together and hands it to whoever keeps it. With the lock held.
    ///
    /// - Returns: why it cannot be kept; nil if it is. (Not thrown: the record is made in a closure over raw memory, which
    ///   would lose the type of the error.)
    func keep(
        _ kind: CommitKind, function: Int?, arguments: UnsafeRawBufferPointer, caller: Caller?, timestamp: Timestamp,
        schema: [UInt8]?, changesIn datastore: Datastore, at offset: TxOffset
    ) -> DatabaseError? {
        record.pointee.removeAll(keepingCapacity: true)
        // The record of a large transaction does not keep its memory.
        defer { if record.pointee.count > 4 << 20 { record.pointee.removeAll(keepingCapacity: false) } }
        CommitRecord.writeHead(
            kind, function: function, arguments: arguments, caller: caller, timestamp: timestamp,
            schema: schema, to: &record.pointee)
        datastore.encodeChanges(into: &record.pointee)
        // The bytes stay where they are during the call.
        return hand(record.pointee.withUnsafeBytes { $0 }, at: offset)
    }

    /// ``keep(_:function:arguments:caller:timestamp:schema:changesIn:at:)`` for a typed call, whose record is put together
    /// where its arguments are: in less time, and the same bytes.
    @inline(__always)
    func keepCall(
        of reducer: Int, in scratch: Scratch, caller: @autoclosure () -> Caller?, timestamp: Timestamp,
        changesIn datastore: Datastore, at offset: TxOffset
    ) -> DatabaseError? {
        let record = scratch.arguments
        let start = CommitRecord.completeHead(
            reducer: reducer, caller: caller(), timestamp: timestamp, in: &record.pointee)
        datastore.encodeChanges(into: &record.pointee)
        // The bytes stay where they are during the call.
        let bytes = record.pointee.withUnsafeBytes {
            UnsafeRawBufferPointer(start: $0.baseAddress.unsafelyUnwrapped + start, count: $0.count &- start)
        }
        let failure = hand(bytes, at: offset)
        if bytes.count > 4 << 20 { record.pointee.removeAll(keepingCapacity: false) }
        return failure
    }

    @inline(__always)
    private func hand(_ bytes: UnsafeRawBufferPointer, at offset: TxOffset) -> DatabaseError? {
        switch keeper {
        case .none: return nil
        case .files(let files): return files._withUnsafeGuaranteedRef { $0.appendOrFail(bytes, at: offset) }
        case .sink: return handToSink(bytes, at: offset)
        }
    }

    @inline(never)
    private func handToSink(_ bytes: UnsafeRawBufferPointer, at offset: TxOffset) -> DatabaseError? {
        do throws(DatabaseError) { try sink?.append(bytes, at: offset) } catch { return error }
        return nil
    }
}
