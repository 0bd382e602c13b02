#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A number from the environment.
func environment(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }

/// How many seeds a random test goes through: so many, times SPACETIME_EFFORT.
func seedCount(_ usual: UInt64) -> UInt64 { usual * UInt64(max(1, environment("SPACETIME_EFFORT") ?? 1)) }
