import NIOCore
import SpacetimeHost

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a server cannot listen, for those who started it.
enum ListeningFailure {
    /// The error of a system call in words that say what to do. Others are left as they are.
    static func explained(_ error: any Error, host: String, port: Int) -> any Error {
        let reason: String
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE:
            reason = "something else listens there; end it, or choose another port"
        case let error as IOError where error.errnoCode == EACCES:
            reason = "this user may not use the port; choose one from 1024, or have the system allow it"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
            reason =
                "this machine does not have the address; 127.0.0.1 is reached from it alone, 0.0.0.0 from everywhere"
        case let error as IOError: reason = "\(error)"
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            reason = "this is no address; 127.0.0.1 is reached from this machine alone, 0.0.0.0 from everywhere"
        default: return error
        }
        return DatabaseError(
            .notPossible, "the server cannot listen on '\(host)', port \(port): \(reason)", cause: error)
    }
}
