#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A number from the environment.
func environment(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
