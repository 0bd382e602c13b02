#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What changes with a file whenever somebody writes to it, as a rule: its time and its size.
package struct FileMark: Hashable, Sendable {
    private let seconds: Int
    private let nanoseconds: Int
    private let byteCount: Int64

    /// Nil if there is no such file.
    package init?(_ path: String) {
        var facts = stat()
        // The path is a text that ends with a zero for the call, and the facts outlive it.
        guard unsafe stat(path, &facts) == 0 else { return nil }
        #if canImport(Darwin)
        let time = facts.st_mtimespec
        #else
        let time = facts.st_mtim
        #endif
        seconds = Int(time.tv_sec)
        nanoseconds = Int(time.tv_nsec)
        byteCount = Int64(facts.st_size)
    }
}
