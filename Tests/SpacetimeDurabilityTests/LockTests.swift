import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@testable import SpacetimeDurability

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A lock belongs to the directory itself.
@Suite struct LockTests {
    private let temporary: TemporaryDirectory
    private let disks: [(disk: any Disk, directory: String)]

    init() throws {
        temporary = try TemporaryDirectory()
        disks = [(SystemDisk(), temporary.path + "/db"), (SimulatedDisk(), "db")]
        for (disk, directory) in disks { try disk.createDirectory(directory) }
    }

    private func isLocked(_ disk: any Disk, _ directory: String) throws -> Bool {
        do throws(DiskError) {
            try disk.lock(directory).release()
            return false
        } catch {
            #expect(error.code == .locked)
            return true
        }
    }

    @Test func locksAreExclusiveUntilReleasedOrDropped() throws {
        for (disk, directory) in disks {
            var lock: (any DiskLock)? = try disk.lock(directory)
            #expect(try isLocked(disk, directory))
            withExtendedLifetime(lock) {}
            lock = nil
            #expect(try !isLocked(disk, directory))
            let again = try disk.lock(directory)
            again.release()
            again.release()
            #expect(try !isLocked(disk, directory))
        }
    }

    @Test func nothingIsWrittenForALock() throws {
        for (disk, directory) in disks {
            let lock = try disk.lock(directory)
            #expect(try disk.list(directory) == [])
            lock.release()
        }
    }

    @Test func onlyADirectoryThatIsThereCanBeLocked() throws {
        for (disk, directory) in disks {
            let missing = #expect(throws: DiskError.self) { try disk.lock(directory + "/nothing") }
            #expect(missing?.code == .notFound)
            disk.makeFile(directory + "/file")
            let file = #expect(throws: DiskError.self) { try disk.lock(directory + "/file") }
            #expect(file?.code == .notADirectory)
        }
    }

    @Test func theLockFollowsARenamedDirectoryAndTheOldNameIsFree() throws {
        let disk = SystemDisk()
        let (old, new) = (temporary.path + "/db", temporary.path + "/moved")
        let lock = try disk.lock(old)
        try disk.rename(old, to: new)
        #expect(try isLocked(disk, new))
        try disk.createDirectory(old)
        #expect(try !isLocked(disk, old))
        lock.release()
    }

    /// Swift hides it because little may be done in the child; waiting and ending may.
    private func forkFunction() throws -> @convention(c) () -> pid_t {
        unsafeBitCast(try #require(dlsym(nil, "fork")), to: (@convention(c) () -> pid_t).self)
    }

    @Test func aForkedProcessNeitherKeepsNorEndsTheLock() throws {
        let fork = try forkFunction()
        let disk = SystemDisk()
        let directory = temporary.path + "/db"
        let lock = try disk.lock(directory)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let child = fork()
        if child == 0 {
            // What dropping the lock does in another process than the one that took it.
            lock.release()
            var byte: UInt8 = 1
            write(ends[1], &byte, 1)
            while true { pause() }
        }
        defer {
            kill(child, SIGKILL)
            var status: Int32 = 0
            waitpid(child, &status, 0)
            close(ends[0])
            close(ends[1])
        }
        var ready = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        try #require(poll(&ready, 1, 30_000) == 1, "the forked process does not get on")
        #expect(try isLocked(disk, directory))
        lock.release()
        #expect(try !isLocked(disk, directory))
    }

    @Test func theLockEndsWithItsReleaseThoughAForkedProcessHasTheDescriptor() throws {
        let fork = try forkFunction()
        let disk = SystemDisk()
        let directory = temporary.path + "/db"
        let lock = try disk.lock(directory)
        let child = fork()
        if child == 0 { while true { pause() } }
        defer {
            kill(child, SIGKILL)
            var status: Int32 = 0
            waitpid(child, &status, 0)
        }
        #expect(try isLocked(disk, directory))
        lock.release()
        #expect(try !isLocked(disk, directory))
    }

    @Test func aFileSystemThatCannotLockDirectoriesIsNamedAsTheReason() {
        for number in [EBADF, ENOLCK, EOPNOTSUPP, ENOSYS] {
            let error = SystemDisk.lockError(number, "/net/db")
            #expect(error.code == .unsupported)
            #expect(
                error.description.contains("'/net/db'")
                    && error.description.contains("keep the database on a local disk"))
        }
        #expect(SystemDisk.lockError(EWOULDBLOCK, "d").code == .locked)
        #expect(SystemDisk.lockError(EACCES, "d").code == .permission)
    }

    @Test func theRealDiskTellsFilesFromDirectoriesAndFromPipes() throws {
        let disk = SystemDisk()
        let directory = temporary.path + "/db"
        disk.makeFile(directory + "/file")
        func code(_ body: () throws -> Void) -> DiskError.Code? {
            #expect(throws: DiskError.self, performing: body)?.code
        }
        #expect(code { _ = try disk.list(directory + "/file") } == .notADirectory)
        #expect(code { try disk.createDirectory(directory + "/file") } == .notADirectory)
        #expect(code { try disk.createDirectory(directory + "/file/below") } == .notADirectory)
        #expect(code { try disk.createDirectory("") } == .notFound)
        #expect(code { _ = try disk.open(directory, .read) } == .notAFile)
        #expect(code { try disk.remove(directory) } == .notAFile)
        #expect(mkfifo(directory + "/pipe", 0o600) == 0)
        #expect(code { _ = try disk.open(directory + "/pipe", .read) } == .notAFile)
    }
}

extension Disk {
    fileprivate func makeFile(_ path: String) { if let file = try? open(path, .create) { file.close() } }
}
