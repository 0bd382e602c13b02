import CPrefetch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `memcmp`, here so that one file imports the C library.
func compareMemory(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ count: Int) -> Int {
    Int(memcmp(lhs, rhs, count))
}

/// Brings a cache line closer that will be read soon. Costs one instruction; the address need not be valid.
@inline(__always)
func prefetch(_ address: UnsafeRawPointer) { spacetime_prefetch(address) }

/// Whether two images have the same bytes.
@inline(__always)
func equalBytes(_ lhs: UnsafeRawBufferPointer, _ rhs: UnsafeRawBufferPointer) -> Bool {
    guard lhs.count == rhs.count else { return false }
    guard let left = lhs.baseAddress, let right = rhs.baseAddress else { return true }
    if lhs.count <= 16, lhs.count >= 8 {
        // Two words that may overlap cover every such length, for less than a call costs.
        let last = lhs.count &- 8
        let head = left.loadUnaligned(as: UInt64.self) ^ right.loadUnaligned(as: UInt64.self)
        let tail =
            left.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            ^ right.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        return head | tail == 0
    }
    return memcmp(left, right, lhs.count) == 0
}

/// Copies an image to memory that does not overlap it.
@inline(__always)
func copyImage(_ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount <= 16, byteCount >= 8 {
        let last = byteCount &- 8
        let head = source.loadUnaligned(as: UInt64.self)
        let tail = source.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        destination.storeBytes(of: head, as: UInt64.self)
        destination.storeBytes(of: tail, toByteOffset: last, as: UInt64.self)
    } else {
        memcpy(destination, source, byteCount)
    }
}

/// Memory that is zero. Large amounts come straight from the system, untouched, in huge pages where the system has them:
/// random accesses to an index of many megabytes otherwise spend more time on address translation than on data.
///
/// Freed with `freeZeroed` and the same byte count.
///
/// - Parameter inHugePages: false for memory whose first use must not take the milliseconds that the system may need to
///   find and clear a huge page.
func allocateZeroed(byteCount: Int, inHugePages: Bool = true) -> UnsafeMutableRawPointer {
    if byteCount >= hugePageByteCount {
        let memory = mapAligned(byteCount: byteCount)
        #if os(Linux)
        if inHugePages { madvise(memory, roundedToHugePages(byteCount), MADV_HUGEPAGE) }
        #endif
        return memory
    }
    guard let memory = calloc(1, max(byteCount, 1)) else { outOfMemory(byteCount) }
    return memory
}

func freeZeroed(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount >= hugePageByteCount {
        munmap(memory, roundedToHugePages(byteCount))
    } else {
        free(memory)
    }
}

/// The size of a huge page on x86-64, and a harmless choice elsewhere.
let hugePageByteCount = 1 << 21

private func roundedToHugePages(_ byteCount: Int) -> Int {
    (byteCount + hugePageByteCount - 1) & ~(hugePageByteCount - 1)
}

/// Maps zeroed memory that starts at a huge page.
private func mapAligned(byteCount: Int) -> UnsafeMutableRawPointer {
    let size = roundedToHugePages(byteCount)
    // The system aligns to small pages only: map one huge page more, and give back what lies outside.
    let mapped = mmap(nil, size + hugePageByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { outOfMemory(byteCount) }
    let start = UnsafeMutableRawPointer(
        bitPattern: UInt(bitPattern: mapped + hugePageByteCount - 1) & ~UInt(hugePageByteCount - 1)
    ).unsafelyUnwrapped
    let before = start - mapped
    if before > 0 { munmap(mapped, before) }
    if before < hugePageByteCount { munmap(start + size, hugePageByteCount - before) }
    return start
}

/// Lets the system take the memory behind addresses that stay valid; what was there is lost.
func discard(_ address: UInt, byteCount: Int) {
    guard let memory = UnsafeMutableRawPointer(bitPattern: address) else { return }
    #if os(Linux)
    madvise(memory, byteCount, MADV_DONTNEED)
    #else
    // Elsewhere the same advice is only a hint that frees nothing.
    madvise(memory, byteCount, MADV_FREE)
    #endif
}

/// Has the system back memory of zeros, which then costs nothing to write for the first time.
func touch(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    for offset in stride(from: 0, to: byteCount, by: 4_096) {
        memory.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
    }
}

private func outOfMemory(_ byteCount: Int) -> Never {
    preconditionFailure("out of memory: \(byteCount) bytes could not be allocated")
}
