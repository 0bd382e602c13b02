import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// Calls of the system with a path are unsafe because Swift passes it as a pointer to a null-terminated copy, which lives
// during the call; the system keeps none.

/// The files of the machine.
///
/// A process that exceeds its limit for the size of files is sent a signal that ends it; opening a `SystemDisk` makes the
/// process ignore that signal (`SIGXFSZ`), so that the write fails instead.
public final class SystemDisk: Disk {
    /// All of them are the same disk.
    public init() { signal(SIGXFSZ, SIG_IGN) }

    public func createDirectory(_ path: String) throws(DiskError) {
        // By bytes: a slash is a slash whatever follows it, such as an accent that would merge with it on the screen.
        var made = path.utf8.first == UInt8(ascii: "/") ? "" : "."
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            let parent = made.isEmpty ? "/" : made
            made += "/" + String(Substring(part))
            if unsafe mkdir(made, 0o755) == 0 {
                // A directory that may be written to and not read cannot be synced by anybody.
                do throws(DiskError) { try syncDirectory(parent) } catch  where error.code == .permission {}
            } else if errno != EEXIST {
                throw DiskError(errno: errno, operation: "making the directory", path: path)
            }
        }
        var facts = stat()
        // Here and below: the system fills the structure and keeps no pointer.
        guard unsafe stat(path, &facts) == 0 else {
            throw DiskError(errno: errno, operation: "making the directory", path: path)
        }
        if facts.st_mode & S_IFMT != S_IFDIR {
            throw DiskError(errno: ENOTDIR, operation: "making the directory", path: path)
        }
    }

    public func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            throw DiskError(errno: errno, operation: "listing", path: directory)
        }
        // The stream is open until here, and this thread's alone; an entry is valid until the next one is read.
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    public func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        let flags =
            switch mode {
            // Opening a pipe would wait for somebody to write to it; files do not care.
            case .read: O_RDONLY | O_NONBLOCK
            case .update: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        let file = SystemFile(try Self.descriptor(path, flags | O_CLOEXEC), path: path)
        do throws(DiskError) { try file.requireFile() } catch {
            file.close()
            throw error
        }
        return file
    }

    private static func descriptor(_ path: String, _ flags: Int32) throws(DiskError) -> Int32 {
        while true {
            #if canImport(Darwin)
            let descriptor = unsafe Darwin.open(path, flags, 0o644)
            #elseif canImport(Musl)
            let descriptor = unsafe Musl.open(path, flags, 0o644)
            #else
            let descriptor = unsafe Glibc.open(path, flags, 0o644)
            #endif
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw DiskError(errno: errno, operation: "opening", path: path) }
        }
    }

    public func rename(_ path: String, to newPath: String) throws(DiskError) {
        #if canImport(Darwin)
        let result = unsafe Darwin.rename(path, newPath)
        #elseif canImport(Musl)
        let result = unsafe Musl.rename(path, newPath)
        #else
        let result = unsafe Glibc.rename(path, newPath)
        #endif
        if result != 0 { throw DiskError(errno: errno, operation: "renaming", path: path) }
    }

    public func remove(_ path: String) throws(DiskError) {
        guard unsafe unlink(path) != 0 else { return }
        let number = errno
        var facts = stat()
        // Darwin says that it is not permitted.
        let isDirectory = unsafe lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
        throw DiskError(errno: isDirectory ? EISDIR : number, operation: "removing", path: path)
    }

    public func removeDirectory(_ path: String) throws(DiskError) {
        if unsafe rmdir(path) != 0 { throw DiskError(errno: errno, operation: "removing", path: path) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        let file = SystemFile(try Self.descriptor(path, O_RDONLY | O_CLOEXEC), path: path)
        defer { file.close() }
        try file.sync()
    }

    /// Uses `flock` on the directory, which is bound to the opening: a second one in the same process does not get it,
    /// either. It follows the directory when that is renamed, and a copy of the directory is another one.
    public func lock(_ directory: String) throws(DiskError) -> any DiskLock {
        let descriptor = try Self.descriptor(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return SystemLock(descriptor, path: directory) }
        let number = errno
        SystemFile(descriptor, path: directory).close()
        throw Self.lockError(number, directory)
    }

    static func lockError(_ number: Int32, _ directory: String) -> DiskError {
        switch number {
        case EWOULDBLOCK:
            DiskError(.locked, operation: "locking", path: directory, reason: "it is in use")
        // What network file systems and some of those in user space answer.
        case EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, ENOTSUP:
            DiskError(
                .unsupported, operation: "locking", path: directory,
                reason:
                    "its file system cannot lock directories (\(systemText(of: number))), as most network "
                    + "file systems cannot; keep the database on a local disk")
        default: DiskError(errno: number, operation: "locking", path: directory)
        }
    }
}

/// An open file descriptor.
final class SystemFile: DiskFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    private func error(_ operation: String, _ number: Int32 = errno) -> DiskError {
        DiskError(errno: number, operation: operation, path: path)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int {
        var done = 0
        // The system writes to the part of the buffer that is not filled yet.
        while done < buffer.count, let base = buffer.baseAddress {
            let count = unsafe pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            if count > 0 { done += count } else if errno != EINTR { throw error("reading") }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        var done = 0
        // The system reads the part of the bytes that is not written yet.
        while done < bytes.count, let base = bytes.baseAddress {
            let count = unsafe pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count == 0 { throw DiskError(.full, operation: "writing", path: path, reason: "nothing was written") }
            if count > 0 { done += count } else if errno != EINTR { throw error("writing") }
        }
    }

    func sync() throws(DiskError) {
        #if canImport(Darwin)
        if fcntl(descriptor, F_FULLFSYNC) == 0 || fsync(descriptor) == 0 { return }
        #else
        if fdatasync(descriptor) == 0 { return }
        #endif
        throw error("syncing")
    }

    func preallocate(to size: UInt64) throws(DiskError) {
        #if os(Linux)
        let number = posix_fallocate(descriptor, 0, off_t(size))
        // File systems that cannot are no worse off without.
        if number != 0, number != EOPNOTSUPP, number != EINVAL, number != EINTR {
            throw error("reserving space", number)
        }
        #endif
    }

    func truncate(to size: UInt64) throws(DiskError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw error("cutting") }
        }
    }

    func size() throws(DiskError) -> UInt64 { UInt64(try facts("measuring").st_size) }

    private func facts(_ operation: String) throws(DiskError) -> stat {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { throw error(operation) }
        return facts
    }

    fileprivate func requireFile() throws(DiskError) {
        let kind = try facts("opening").st_mode & S_IFMT
        if kind == S_IFREG { return }
        throw DiskError(
            .notAFile, operation: "opening", path: path,
            reason: kind == S_IFDIR ? "it is a directory, not a file" : "it is no ordinary file")
    }

    func close() {
        #if canImport(Darwin)
        _ = Darwin.close(descriptor)
        #elseif canImport(Musl)
        _ = Musl.close(descriptor)
        #else
        _ = Glibc.close(descriptor)
        #endif
    }
}

private final class SystemLock: DiskLock {
    private let descriptor: Int32
    private let path: String
    private let owner = getpid()
    private let isHeld = Atomic(true)

    init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { release() }

    /// Ends the lock itself, because a forked process that still has the descriptor would go on holding it. In such a
    /// process only the descriptor is closed: the lock is the parent's.
    func release() {
        guard isHeld.exchange(false, ordering: .acquiringAndReleasing) else { return }
        if getpid() == owner { flock(descriptor, LOCK_UN) }
        SystemFile(descriptor, path: path).close()
    }
}

extension DiskError {
    init(errno number: Int32, operation: String, path: String) {
        let code: Code =
            switch number {
            case ENOENT: .notFound
            case EEXIST: .exists
            case ENOSPC, EDQUOT, EFBIG: .full
            case EACCES, EPERM, EROFS: .permission
            case ENOTDIR: .notADirectory
            case EISDIR: .notAFile
            default: .inputOutput
            }
        self.init(code, operation: operation, path: path, reason: systemText(of: number))
    }
}

/// What the system calls an error.
private func systemText(of number: Int32) -> String {
    // Null-terminated, and copied before anybody can ask for the next one on this thread.
    unsafe String(cString: strerror(number))
}
