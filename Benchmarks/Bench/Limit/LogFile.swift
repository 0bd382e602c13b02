import SpacetimeDurability
import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Bytes gathered in a buffer and written to a plain file when it is full; never synced.
final class LogFile {
    static let bufferByteCount = 1 << 20
    private let directory: TemporaryDirectory
    private let descriptor: Int32
    private let buffer: UnsafeMutableRawPointer
    private var used = 0
    private var checksum: UInt32 = 0

    init() throws {
        directory = try TemporaryDirectory()
        descriptor = open(directory.path + "/log", O_CREAT | O_WRONLY, 0o600)
        guard descriptor >= 0 else { throw BenchError.system("cannot make a file in \(directory.path)") }
        buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 64)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Room for so many bytes, to be filled at once.
    @inline(__always)
    func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if used &+ byteCount > Self.bufferByteCount { flush() }
        defer { used &+= byteCount }
        return buffer + used
    }

    @inline(never)
    func flush() {
        checksum = crc32c(RawSpan(_unsafeStart: buffer, byteCount: used), continuing: checksum)
        var written = 0
        while written < used {
            let count = write(descriptor, buffer + written, used - written)
            precondition(count > 0, "the benchmark's log file cannot be written")
            written += count
        }
        used = 0
    }

    /// Empties the file, so that long runs fill no disk.
    func truncate() {
        _ = ftruncate(descriptor, 0)
        lseek(descriptor, 0, SEEK_SET)
    }
}
