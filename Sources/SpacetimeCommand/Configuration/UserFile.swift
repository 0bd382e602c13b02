#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Small files of the user's own, and files that are read whole.
enum UserFile {
    /// Nil if there is no such file.
    static func read(_ path: String) throws(CommandFailure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("cannot be read", path) }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw CommandFailure(.refused, "'\(path)' is a directory, and a file is wanted")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = systemRead(descriptor, &piece)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read", path) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Replaces a file, or makes it.
    ///
    /// - Parameter mode: who may read it, from its first moment on: only the user, if nothing else is said.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(CommandFailure) {
        let new = "\(path).\(getpid()).new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("cannot be written", path) }
        var written = 0
        var isWhole = true
        while written < bytes.count {
            let count = systemWrite(descriptor, bytes, from: written)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                isWhole = false
                break
            }
            written += count
        }
        isWhole = isWhole && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWhole, rename(new, path) == 0 else {
            if isWhole == false { errno = code }
            let failure = failure("cannot be written", path)
            unlink(new)
            throw failure
        }
    }

    /// Makes the directory that a file is to be in, and those around it.
    ///
    /// - Parameter mode: who may look into those that are made: only the user, if nothing else is said.
    static func makeDirectory(of path: String, mode: mode_t = 0o700) throws(CommandFailure) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        if mkdir(directory, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw failure("cannot be made", directory) }
        try makeDirectory(of: directory, mode: mode)
        guard mkdir(directory, mode) == 0 || errno == EEXIST else { throw failure("cannot be made", directory) }
    }

    private static func failure(_ what: String, _ path: String) -> CommandFailure {
        CommandFailure(.refused, "'\(path)' \(what): \(String(cString: strerror(errno)))")
    }
}

// Inside of the type the names mean its own functions.
private func systemRead(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Int {
    bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
}

/// - Parameter start: less than the count.
private func systemWrite(_ descriptor: Int32, _ bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
        return write(descriptor, rest.baseAddress, rest.count)
    }
}
