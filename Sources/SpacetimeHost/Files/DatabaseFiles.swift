package import SpacetimeDurability
package import SpacetimeEngine
import SpacetimeSATS
import Synchronization

/// The files of an open database: its lock, its log, its snapshots.
///
/// ```
/// <directory>/log/<20 digits>.log              what was committed, from that offset on
/// <directory>/log.manifest                     how far the log is known to reach
/// <directory>/snapshots/<20 digits>.snapshot   the state before that offset
/// <directory>/module-log/<20 digits>.ndjson    what the module had to say: `LogFiles`
/// <directory>/programs/<64 digits>.wasm        the program of a module that was published: `ProgramFiles`
/// ```
///
/// Opening reads only; commits are kept in memory. ``begin()`` is the moment from which on files change, and comes when
/// nothing is left that could refuse the opening.
package final class DatabaseFiles: CommitSink {
    package let directory: String
    package let options: StorageOptions
    package let databaseID: [UInt8]
    package let log: CommitLog
    /// True if this opening creates the database. There may be files of an earlier creation that was interrupted; nobody was
    /// told that it existed.
    private let isNew: Bool
    /// Nil before ``begin()`` if the directory has to be made, and after ``close()``.
    private let lock: Mutex<(any DiskLock)?>

    private struct Snapshots {
        var isTaking = false
        var isClosed = false
        var lastFailure: DatabaseError?
        /// Whether a snapshot was read to its end without an error since the database was opened, by its offset.
        var isSound: [UInt64: Bool] = [:]
    }

    private let snapshots: Monitor<Snapshots>
    private let bytesSinceSnapshot = Atomic<UInt64>(0)
    /// When the last snapshot was written, or the files were opened, on a clock that goes on evenly.
    private let snapshotTime = Atomic<Int64>(monotonicNanoseconds())

    /// What a directory held when it was opened.
    package struct Opening {
        package let files: DatabaseFiles
        /// Nil if there was no database yet.
        package let recovered: RecoveredDatabase?
    }

    /// Locks the directory, if there is one, and recovers what is in it. Nothing is written.
    ///
    /// - Parameter random: for the id of a new database and the seed of its hashes.
    /// - Throws: `notPossible` if the path is no place for a database, `inUse`, and whatever is wrong with the files.
    package static func open(
        _ directory: String, options: StorageOptions, random: inout DeterministicRandom
    ) throws(DatabaseError) -> Opening {
        let disk = options.disk
        var lock: (any DiskLock)?
        if try DatabaseDirectory.requireOpenable(directory, on: disk) != .absent {
            lock = try self.lock(directory, on: disk)
        }
        do throws(DatabaseError) {
            // Looked at once more: before the lock was taken another process may have been at work there.
            _ = try DatabaseDirectory.requireOpenable(directory, on: disk)
            let seed = random.next()
            let recovered = try Recovery(
                disk, directory: directory, hashSeed: seed, threads: options.runsInBackground ? nil : 1
            ).run()
            var id: [UInt8] = []
            for _ in 0..<4 { withUnsafeBytes(of: random.next().littleEndian) { id.append(contentsOf: $0) } }
            return Opening(
                files: DatabaseFiles(directory, options, newID: id, recovered, lock), recovered: recovered)
        } catch {
            lock?.release()
            throw error
        }
    }

    /// - Throws: `inUse` if somebody else has it.
    static func lock(_ directory: String, on disk: any Disk) throws(DatabaseError) -> any DiskLock {
        do throws(DiskError) { return try disk.lock(directory) } catch  where error.code == .locked {
            throw DatabaseError(
                .inUse,
                "the database in '\(directory)' is open already, in another process or in this one; close it there",
                cause: error)
        } catch {
            throw DatabaseError(any: error)
        }
    }

    private init(
        _ directory: String, _ options: StorageOptions, newID: [UInt8], _ recovered: RecoveredDatabase?,
        _ lock: (any DiskLock)?
    ) {
        self.directory = directory
        self.options = options
        databaseID = recovered?.databaseID ?? newID
        isNew = recovered == nil
        log = CommitLog(
            options.disk, directory: DatabaseDirectory.log(of: directory), databaseID: databaseID,
            at: recovered?.logEnd ?? .empty(at: 0), options: options.logOptions)
        self.lock = Mutex(lock)
        var first = Snapshots()
        if let sound = recovered?.snapshotOffset { first.isSound[sound] = true }
        snapshots = Monitor(first)
    }

    /// Begins to write: makes the directory if need be, cuts a torn end of the log, and removes what interrupted writers
    /// left. What was appended so far follows.
    package func begin() throws(DatabaseError) {
        let disk = options.disk
        if lock.withLock({ $0 == nil }) { try makeDirectory() }
        SnapshotFile.removeLeftovers(disk, directory: DatabaseDirectory.snapshots(of: directory))
        SnapshotFile.removeLeftovers(disk, directory: DatabaseDirectory.log(of: directory))
        do throws(StorageError) {
            // The log of a creation that was interrupted goes: nobody was told that it existed.
            if isNew { try removeInterruptedCreation() }
            try log.begin()
        } catch {
            throw DatabaseError(error)
        }
    }

    private func makeDirectory() throws(DatabaseError) {
        do throws(DiskError) { try options.disk.createDirectory(directory) } catch { throw DatabaseError(any: error) }
        let taken = try Self.lock(directory, on: options.disk)
        lock.withLock { $0 = taken }
        guard try DatabaseDirectory.requireOpenable(directory, on: options.disk) == .vacant else {
            throw DatabaseError(.inUse, "somebody else made a database in '\(directory)' meanwhile; open it again")
        }
    }

    private func removeInterruptedCreation() throws(StorageError) {
        let path = log.directory
        let reader = try LogReader(options.disk, directory: path)
        do throws(DiskError) {
            // The manifest goes first, since it promises that the other files are there.
            try LogManifest.remove(options.disk, ofLogIn: path)
            for segment in reader.segments { try options.disk.remove(path + "/" + segment.name) }
        } catch {
            throw StorageError(from: error)
        }
    }

    deinit { try? close() }

    // MARK: Commits

    package func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
        if let failure = appendOrFail(record, at: offset) { throw failure }
    }

    /// ``append(_:at:)`` for callers in whose closures the type of a thrown error would be lost.
    func appendOrFail(_ record: UnsafeRawBufferPointer, at offset: TxOffset) -> DatabaseError? {
        do throws(StorageError) { try log.append(record, at: offset.rawValue) } catch { return DatabaseError(error) }
        // No atomic addition: records are appended by one thread at a time, and a claim that sets it to zero in between
        // may be undone by what is added here, which makes the next snapshot come early.
        let count = bytesSinceSnapshot.load(ordering: .relaxed)
        bytesSinceSnapshot.store(count &+ UInt64(record.count), ordering: .relaxed)
        return nil
    }

    package var isSaturated: Bool { log.isSaturated }

    package func waitForRoom() throws(DatabaseError) {
        do throws(StorageError) { try log.waitForRoom() } catch { throw DatabaseError(error) }
    }

    package func waitUntilDurable(_ offset: TxOffset) throws(DatabaseError) {
        do throws(StorageError) { try log.waitUntilDurable(offset.rawValue) } catch { throw notDurable(error) }
    }

    /// ``waitUntilDurable(_:)`` without blocking a thread.
    package func durable(_ offset: TxOffset) async throws(DatabaseError) {
        guard log.durableEnd <= offset.rawValue else { return }
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<Void, StorageError>, Never>) in
            log.whenDurable(offset.rawValue) { done.resume(returning: $0) }
        }
        if case .failure(let error) = result { throw notDurable(error) }
    }

    private func notDurable(_ error: StorageError) -> DatabaseError {
        DatabaseError(
            .storageFailure,
            "the commit is visible but could not be made durable, and no more writes are taken; reopen the database to "
                + "learn what was kept: \(error)", cause: error)
    }

    // MARK: Snapshots

    /// True if enough was logged since the last snapshot.
    var isSnapshotDue: Bool {
        bytesSinceSnapshot.load(ordering: .relaxed) >= options.snapshotLogByteCount
    }

    /// True if a snapshot is due and none is being taken; the caller then must take it.
    package func claimSnapshot() -> Bool {
        guard isSnapshotDue else { return false }
        return snapshots.withLock { snapshots in
            guard !snapshots.isTaking, !snapshots.isClosed else { return false }
            snapshots.isTaking = true
            bytesSinceSnapshot.store(0, ordering: .relaxed)
            return true
        }
    }

    /// Waits for a snapshot that is being taken, and claims the next.
    package func claimNextSnapshot() throws(DatabaseError) {
        snapshots.wait { !$0.isTaking }
        let isClosed = snapshots.withLock { snapshots in
            if !snapshots.isClosed { snapshots.isTaking = true }
            return snapshots.isClosed
        }
        if isClosed { throw DatabaseError(.closed, "the database was closed; open it again to go on") }
        bytesSinceSnapshot.store(0, ordering: .relaxed)
    }

    /// Ends a claim for which no snapshot could be written.
    package func abandonClaim(_ failure: DatabaseError) {
        snapshots.wake { snapshots in
            snapshots.isTaking = false
            snapshots.lastFailure = failure
        }
    }

    /// Writes the claimed snapshot, waits until the log has reached it, completes it, and removes what is no longer to
    /// be kept. Ends the claim in any case.
    @discardableResult
    package func write(
        _ snapshot: DatastoreSnapshot, schema: StoredSchema, nextOffset: UInt64
    ) throws(DatabaseError) -> UInt64 {
        var failure: DatabaseError?
        defer {
            snapshots.wake { snapshots in
                snapshots.isTaking = false
                snapshots.lastFailure = failure
            }
        }
        do throws(StorageError) {
            var writer = try SnapshotFileWriter(
                options.disk, directory: snapshotDirectory, nextOffset: nextOffset,
                databaseID: databaseID, compresses: options.compresses)
            let byteCount: UInt64
            do throws(StorageError) {
                try SnapshotContent.write(snapshot, schema: schema, to: &writer)
                // Else a crash could leave a snapshot that holds commits which the log has lost.
                if nextOffset > 0 { try log.waitUntilDurable(nextOffset - 1) }
                byteCount = try writer.finish()
            } catch {
                writer.abandon()
                throw error
            }
            try readBack(nextOffset)
            snapshotTime.store(monotonicNanoseconds(), ordering: .relaxed)
            log.rotate()
            try removeOld()
            return byteCount
        } catch {
            let wrapped = DatabaseError(error)
            failure = wrapped
            throw wrapped
        }
    }

    /// Why the last snapshot in the background could not be written, if so. The log then holds everything.
    package var snapshotFailure: DatabaseError? { snapshots.withLock { $0.lastFailure } }

    /// How long ago the last snapshot was written, or the database was opened.
    package var secondsSinceSnapshot: Double {
        Double(monotonicNanoseconds() - snapshotTime.load(ordering: .relaxed)) / 1e9
    }

    private var snapshotDirectory: String { DatabaseDirectory.snapshots(of: directory) }

    /// What comes back from a disk is not always what was written to it, and the log is cut on the strength of this file.
    private func readBack(_ nextOffset: UInt64) throws(StorageError) {
        do throws(StorageError) {
            try SnapshotFileReader.check(options.disk, directory: snapshotDirectory, nextOffset: nextOffset)
        } catch {
            try? options.disk.remove(SnapshotFile.path(snapshotDirectory, nextOffset))
            throw error
        }
        snapshots.withLock { $0.isSound[nextOffset] = true }
    }

    /// Retention: the newest sound snapshots, and the log from the oldest of them on. A snapshot counts if this process
    /// has read all of it: when it opened the database, when it wrote it, or now. What is damaged is no base to start
    /// from, and goes when it is older than those that count.
    private func removeOld() throws(StorageError) {
        guard let count = options.retention.snapshotCount else { return }
        let all = try SnapshotFile.list(options.disk, directory: snapshotDirectory)
        var sound = 0
        let oldest = all.first { nextOffset in
            if isSound(nextOffset) { sound += 1 }
            return sound == count
        }
        guard let oldest else { return }
        let old = all.filter { $0 < oldest }
        for nextOffset in old {
            do throws(DiskError) {
                try options.disk.remove(SnapshotFile.path(snapshotDirectory, nextOffset))
            } catch  where error.code == .notAFile {
                // A directory that somebody made under such a name is not the database's to remove.
            } catch {
                throw StorageError(from: error)
            }
        }
        if !old.isEmpty {
            do throws(DiskError) { try options.disk.syncDirectory(snapshotDirectory) } catch {
                throw StorageError(from: error)
            }
        }
        snapshots.withLock { $0.isSound = $0.isSound.filter { $0.key >= oldest } }
        try log.removeSegments(below: oldest)
    }

    private func isSound(_ nextOffset: UInt64) -> Bool {
        if let known = snapshots.withLock({ $0.isSound[nextOffset] }) { return known }
        let owner = SnapshotFileReader.owner(options.disk, directory: snapshotDirectory, nextOffset: nextOffset)
        var isSound = owner == databaseID
        if isSound {
            do throws(StorageError) {
                try SnapshotFileReader.check(options.disk, directory: snapshotDirectory, nextOffset: nextOffset)
            } catch { isSound = false }
        }
        snapshots.withLock { $0.isSound[nextOffset] = isSound }
        return isSound
    }

    /// The files of the module's log.
    func logFiles(_ log: ModuleLogOptions) -> LogFiles {
        LogFiles(
            options.disk, directory: DatabaseDirectory.moduleLog(of: directory), byteLimit: log.fileByteLimit,
            runsInBackground: options.runsInBackground)
    }

    // MARK: The end

    /// Waits for a running snapshot, makes everything durable, and gives the directory free.
    package func close() throws(DatabaseError) {
        snapshots.wait { !$0.isTaking }
        let isFirst = snapshots.withLock { snapshots in
            defer { snapshots.isClosed = true }
            return !snapshots.isClosed
        }
        guard isFirst else { return }
        defer {
            lock.withLock { lock in
                lock?.release()
                lock = nil
            }
        }
        do throws(StorageError) { try log.close() } catch { throw DatabaseError(error) }
    }
}
