#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The files of the machine.
///
/// A process that exceeds its limit for the size of files is sent a signal that ends it; opening a `SystemDisk` makes the
/// process ignore that signal (`SIGXFSZ`), so that the write fails instead.
public final class SystemDisk: Disk {
    public init() { signal(SIGXFSZ, SIG_IGN) }

    public func createDirectory(_ path: String) throws(DiskError) {
        // By bytes: a slash is a slash whatever follows it, such as an accent that would merge with it on the screen.
        var made = path.utf8.first == UInt8(ascii: "/") ? "" : "."
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            made += "/" + String(Substring(part))
            guard mkdir(made, 0o755) != 0, errno != EEXIST else { continue }
            throw DiskError(errno: errno, operation: "making the directory", path: path)
        }
    }

    public func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = opendir(directory) else {
            throw DiskError(errno: errno, operation: "listing", path: directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    public func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .update: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        return SystemFile(try Self.descriptor(path, flags | O_CLOEXEC), path: path)
    }

    private static func descriptor(_ path: String, _ flags: Int32) throws(DiskError) -> Int32 {
        while true {
            #if canImport(Darwin)
            let descriptor = Darwin.open(path, flags, 0o644)
            #elseif canImport(Musl)
            let descriptor = Musl.open(path, flags, 0o644)
            #else
            let descriptor = Glibc.open(path, flags, 0o644)
            #endif
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw DiskError(errno: errno, operation: "opening", path: path) }
        }
    }

    public func rename(_ path: String, to newPath: String) throws(DiskError) {
        #if canImport(Darwin)
        let result = Darwin.rename(path, newPath)
        #elseif canImport(Musl)
        let result = Musl.rename(path, newPath)
        #else
        let result = Glibc.rename(path, newPath)
        #endif
        if result != 0 { throw DiskError(errno: errno, operation: "renaming", path: path) }
    }

    public func remove(_ path: String) throws(DiskError) {
        if unlink(path) != 0 { throw DiskError(errno: errno, operation: "removing", path: path) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        let file = SystemFile(try Self.descriptor(path, O_RDONLY | O_CLOEXEC), path: path)
        defer { file.close() }
        try file.sync()
    }

    /// Uses `flock`, which is bound to the open file: a second opening in the same process does not get it, either.
    public func lock(_ path: String) throws(DiskError) -> any DiskLock {
        let descriptor = try Self.descriptor(path, O_RDWR | O_CREAT | O_CLOEXEC)
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return SystemLock(SystemFile(descriptor, path: path)) }
        let number = errno
        SystemFile(descriptor, path: path).close()
        if number == EWOULDBLOCK {
            throw DiskError(.locked, operation: "locking", path: path, reason: "it is in use")
        }
        throw DiskError(errno: number, operation: "locking", path: path)
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
        while done < buffer.count, let base = buffer.baseAddress {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            if count > 0 { done += count } else if errno != EINTR { throw error("reading") }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
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

    func size() throws(DiskError) -> UInt64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw error("measuring") }
        return UInt64(facts.st_size)
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
    private let file: SystemFile
    private let isHeld = Flag(true)

    init(_ file: SystemFile) { self.file = file }

    deinit { release() }

    /// Closing the descriptor ends the lock.
    func release() { if isHeld.clear() { file.close() } }
}

extension DiskError {
    init(errno number: Int32, operation: String, path: String) {
        let code: Code =
            switch number {
            case ENOENT: .notFound
            case EEXIST: .exists
            case ENOSPC, EDQUOT, EFBIG: .full
            case EACCES, EPERM, EROFS: .permission
            default: .inputOutput
            }
        self.init(code, operation: operation, path: path, reason: String(cString: strerror(number)))
    }
}
