#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A fresh directory of the system's temporary ones.
func temporaryDirectory() -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/spacetimekit-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { preconditionFailure("no temporary directory can be made") }
    return String(cString: path)
}
