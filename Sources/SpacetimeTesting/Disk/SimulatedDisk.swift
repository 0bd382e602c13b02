public import SpacetimeDurability
public import SpacetimeHost
import Synchronization

/// A disk in memory that can lose power, tear writes, run full and fail, all repeatable.
///
/// Give it to a database, let things happen, and look at what a restart makes of them:
///
/// ```swift
/// let disk = SimulatedDisk()
/// let db = try Database.open(.directory("chat", .simulated(disk)), module: Chat.self)
/// try db.call(Chat.send, "lobby", "hello", until: .durable)
/// disk.powerOff()
/// let later = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
/// let again = try Database.open(.directory("chat", .simulated(later)), module: Chat.self)
/// ```
///
/// What it promises is what `Disk` promises and no more: written bytes are safe after a sync of the file, names after
/// a sync of the directory. Every change to the disk counts as one operation, and one can be named at which the power
/// goes off.
public final class SimulatedDisk: Disk {
    /// What goes wrong, and when.
    public struct Faults: Sendable {
        /// The power goes off at this operation, counted from 0: it and all later ones throw. A write at that moment may
        /// have reached the disk in part.
        public var powerOffAt: Int?
        /// Syncs of files, counted from 0, that fail once.
        public var failingSyncs: Set<Int> = []
        /// Files that cannot be read, as if their sectors had gone bad.
        public var unreadable: Set<String> = []
        /// All files together may not grow beyond this many bytes.
        public var capacity: UInt64?
        /// Called before each operation, with its number: to be slow, to count, to interfere.
        public var onOperation: (@Sendable (Int) -> Void)?

        /// Nothing goes wrong.
        public init() {}
    }

    /// What a loss of power takes of the changes that no sync had made safe: of what was written to files, and of names
    /// that were given, changed or removed. Directories that were made stay in any case.
    public enum Loss: String, CaseIterable, Sendable {
        /// All of these changes.
        case everythingUnsynced
        /// None of them, as when only the process ended.
        case nothing
        /// Those behind some point in time; all before it survive.
        case suffix
        /// Each of them or not, by chance and whatever came before it: of a write, each sector of 512 bytes by itself.
        case arbitrarySectors
        /// None of them, but one written sector in four holds other bytes than were written: its beginning only, or garbage.
        case tornSectors
    }

    private let state: Mutex<DiskState>

    /// An empty disk.
    public init(faults: Faults = Faults()) { state = Mutex(DiskState(faults)) }

    private init(_ state: DiskState) { self.state = Mutex(state) }

    /// Operations so far.
    public var operationCount: Int { state.withLock { $0.operationCount } }
    /// Syncs of files so far.
    public var syncCount: Int { state.withLock { $0.syncCount } }
    /// The last operations, oldest first, each with its number: what led to a failure.
    public var recentOperations: [String] { state.withLock { $0.history } }
    /// Bytes in all files.
    public var byteCount: UInt64 { state.withLock { $0.byteCount } }

    /// Changes what goes wrong from now on.
    public func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }

    /// From now on everything throws.
    public func powerOff() { state.withLock { $0.isOff = true } }

    /// The disk as the next start finds it; this one stays as it is. Locks are gone.
    public func afterPowerLoss(_ loss: Loss, seed: UInt64) -> SimulatedDisk {
        SimulatedDisk(state.withLock { $0.afterPowerLoss(loss, seed: seed) })
    }

    /// The paths of all files, sorted.
    public var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    /// The bytes of a file.
    public func contents(_ path: String) -> [UInt8]? { state.withLock { $0.file(path)?.bytes } }

    /// Replaces the bytes of a file, as if it had been so all along.
    public func setContents(_ path: String, _ bytes: [UInt8]) {
        state.withLock { $0.setContents(path, bytes) }
    }

    /// Flips one bit of a file.
    public func flipBit(_ bit: Int, of path: String) {
        guard var bytes = contents(path) else { return }
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        setContents(path, bytes)
    }

    // MARK: Disk

    public func createDirectory(_ path: String) throws(DiskError) {
        try change("make directory \(path)") { (state) throws(DiskError) in try state.makeDirectory(path) }
    }

    public func list(_ directory: String) throws(DiskError) -> [String] {
        try read { (state) throws(DiskError) in try state.list(directory) }
    }

    public func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        if case .create = mode {
            let id = try change("create \(path)") { (state) throws(DiskError) in try state.create(path) }
            return SimulatedFile(self, id, path)
        }
        let id = try read { (state) throws(DiskError) in
            try state.requireNotADirectory(path, "opening")
            guard let id = state.names[path] else {
                throw DiskError(.notFound, operation: "opening", path: path, reason: "there is no such file")
            }
            return id
        }
        return SimulatedFile(self, id, path)
    }

    public func rename(_ path: String, to newPath: String) throws(DiskError) {
        try change("rename \(path) to \(newPath)") { (state) throws(DiskError) in try state.rename(path, newPath) }
    }

    public func remove(_ path: String) throws(DiskError) {
        try change("remove \(path)") { (state) throws(DiskError) in try state.remove(path) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        try change("sync directory \(path)") { (state) throws(DiskError) in state.syncDirectory(path) }
    }

    public func lock(_ directory: String) throws(DiskError) -> any DiskLock {
        try read { (state) throws(DiskError) in try state.lock(directory) }
        return SimulatedLock(self, directory)
    }

    fileprivate func unlock(_ path: String) { state.withLock { _ = $0.locks.remove(path) } }

    fileprivate func read<Result>(
        _ body: (inout DiskState) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        try withState { (state) throws(DiskError) in
            try state.requirePower()
            return try body(&state)
        }
    }

    /// One counted operation.
    fileprivate func change<Result>(
        _ name: String, _ body: (inout DiskState) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        let (hook, number) = state.withLock { ($0.faults.onOperation, $0.operationCount) }
        hook?(number)
        return try withState { (state) throws(DiskError) in
            try state.requirePower()
            let isLast = state.faults.powerOffAt.map { state.operationCount >= $0 } ?? false
            state.note("\(state.operationCount) \(name)")
            state.operationCount += 1
            guard isLast else { return try body(&state) }
            // What was going on when the power went off may have happened.
            _ = try? body(&state)
            state.isOff = true
            throw DiskState.noPower
        }
    }

    private func withState<Result>(
        _ body: (inout DiskState) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        let result = state.withLock { state -> Swift.Result<Result, DiskError> in
            do throws(DiskError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

private final class SimulatedLock: DiskLock {
    private let disk: SimulatedDisk
    private let path: String
    private let isHeld = Atomic(true)

    init(_ disk: SimulatedDisk, _ path: String) {
        self.disk = disk
        self.path = path
    }

    deinit { release() }

    func release() { if isHeld.exchange(false, ordering: .relaxed) { disk.unlock(path) } }
}

private final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let id: Int
    private let path: String

    init(_ disk: SimulatedDisk, _ id: Int, _ path: String) {
        self.disk = disk
        self.id = id
        self.path = path
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int {
        let bytes = try disk.read { (state) throws(DiskError) in
            if state.faults.unreadable.contains(path) {
                throw DiskError(.inputOutput, operation: "reading", path: path, reason: "the disk reported an error")
            }
            return state.files[id]?.read(at: offset, count: buffer.count) ?? []
        }
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        let copy = Array(bytes)
        try disk.change("write \(copy.count) bytes at \(offset) of \(path)") { (state) throws(DiskError) in
            try state.write(id, copy, at: offset, path)
        }
    }

    func sync() throws(DiskError) {
        try disk.change("sync \(path)") { (state) throws(DiskError) in try state.sync(id, path) }
    }

    func preallocate(to size: UInt64) throws(DiskError) {
        try disk.change("preallocate \(path) to \(size)") { (state) throws(DiskError) in
            try state.lengthen(id, to: size, path)
        }
    }

    func truncate(to size: UInt64) throws(DiskError) {
        try disk.change("cut \(path) to \(size)") { (state) throws(DiskError) in try state.truncate(id, to: size, path)
        }
    }

    func size() throws(DiskError) -> UInt64 {
        try disk.read { (state) throws(DiskError) in UInt64(state.files[id]?.bytes.count ?? 0) }
    }

    func close() {}
}

extension StorageOptions {
    /// Small files on a simulated disk, all work done by the calling threads: equal calls make equal files.
    public static func simulated(_ disk: SimulatedDisk) -> StorageOptions {
        var options = StorageOptions(disk: disk)
        options.runsInBackground = false
        options.snapshotLogByteCount = 16 << 10
        options.segmentByteCount = 8 << 10
        options.pendingByteLimit = 2 << 10
        return options
    }
}
