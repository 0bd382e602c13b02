#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `memcmp`, here so that one file imports the C library.
func compareMemory(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ count: Int) -> Int { Int(memcmp(lhs, rhs, count)) }

/// Whether two images have the same bytes.
@inline(__always)
func equalBytes(_ lhs: UnsafeRawBufferPointer, _ rhs: UnsafeRawBufferPointer) -> Bool {
    guard lhs.count == rhs.count else { return false }
    guard let left = lhs.baseAddress, let right = rhs.baseAddress else { return true }
    return memcmp(left, right, lhs.count) == 0
}

/// Memory that comes zeroed from the system without being touched, so that an index that is mostly empty costs what
/// it holds. Freed with `free`.
func allocateZeroed(byteCount: Int) -> UnsafeMutableRawPointer {
    guard let memory = calloc(1, max(byteCount, 1)) else {
        preconditionFailure("out of memory: \(byteCount) bytes could not be allocated")
    }
    return memory
}

func freeZeroed(_ memory: UnsafeMutableRawPointer) { free(memory) }

/// The bytes of an array, for bodies that throw typed errors.
func withRawBytes<Result, E: Error>(
    of array: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> Result
) throws(E) -> Result {
    try array.withUnsafeBufferPointer { (buffer) throws(E) in try body(UnsafeRawBufferPointer(buffer)) }
}
