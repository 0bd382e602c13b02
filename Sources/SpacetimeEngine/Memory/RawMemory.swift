import CPrefetch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// Memory safety. Callers pass as many bytes as there are. The C library and the system keep no address.

/// `memcmp`, here so that one file imports the C library.
func compareMemory(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe Int(memcmp(lhs, rhs, count))
}

/// Brings a cache line closer that will be read soon. Costs one instruction; the address need not be valid.
@inline(__always)
func prefetch(_ address: UnsafeRawPointer) { unsafe spacetime_prefetch(address) }

/// Whether two images have the same bytes.
@inline(__always)
func equalBytes(_ lhs: UnsafeRawBufferPointer, _ rhs: UnsafeRawBufferPointer) -> Bool {
    guard lhs.count == rhs.count else { return false }
    guard let left = lhs.baseAddress, let right = rhs.baseAddress else { return true }
    if lhs.count <= 16, lhs.count >= 8 {
        // Two words that may overlap cover every such length, for less than a call costs.
        let last = lhs.count &- 8
        let head = unsafe left.loadUnaligned(as: UInt64.self) ^ right.loadUnaligned(as: UInt64.self)
        let tail =
            unsafe left.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            ^ right.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        return head | tail == 0
    }
    return unsafe memcmp(left, right, lhs.count) == 0
}

/// Copies an image to memory that does not overlap it.
@inline(__always)
func copyImage(_ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount <= 16, byteCount >= 8 {
        let last = byteCount &- 8
        let head = unsafe source.loadUnaligned(as: UInt64.self)
        let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        unsafe destination.storeBytes(of: head, as: UInt64.self)
        unsafe destination.storeBytes(of: tail, toByteOffset: last, as: UInt64.self)
    } else if byteCount <= 32, byteCount > 16 {
        let last = byteCount &- 16
        let head = unsafe source.loadUnaligned(as: SIMD2<UInt64>.self)
        let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: SIMD2<UInt64>.self)
        unsafe destination.storeBytes(of: head, as: SIMD2<UInt64>.self)
        unsafe destination.storeBytes(of: tail, toByteOffset: last, as: SIMD2<UInt64>.self)
    } else {
        unsafe memcpy(destination, source, byteCount)
    }
}

/// Copies a value whose size differs from one to the next, to memory that does not overlap it.
///
/// Sizes of 8 to 32 bytes, as those of most names, are copied without asking how many they are: the size is the last thing that
/// comes out of memory, and a processor that guesses it wrongly gives up the loads of the rows behind, which it had begun.
@inline(__always)
func copyValue(_ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= 8, byteCount <= 32 else {
        unsafe memcpy(destination, source, byteCount)
        return
    }
    // Words that may overlap; each goes to where it came from, so what is written twice is the same.
    let last = byteCount &- 8
    let (second, third) = (min(8, last), min(16, last))
    let head = unsafe source.loadUnaligned(as: UInt64.self)
    let next = unsafe source.loadUnaligned(fromByteOffset: second, as: UInt64.self)
    let further = unsafe source.loadUnaligned(fromByteOffset: third, as: UInt64.self)
    let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: UInt64.self)
    unsafe destination.storeBytes(of: head, as: UInt64.self)
    unsafe destination.storeBytes(of: next, toByteOffset: second, as: UInt64.self)
    unsafe destination.storeBytes(of: further, toByteOffset: third, as: UInt64.self)
    unsafe destination.storeBytes(of: tail, toByteOffset: last, as: UInt64.self)
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
        let memory = unsafe mapAligned(byteCount: byteCount)
        #if os(Linux)
        if inHugePages { unsafe madvise(memory, roundedToHugePages(byteCount), MADV_HUGEPAGE) }
        #endif
        return unsafe memory
    }
    guard let memory = unsafe calloc(1, max(byteCount, 1)) else { outOfMemory(byteCount) }
    return unsafe memory
}

/// - Parameter released: bytes from the start that ``freeZeroedPart(_:byteCount:)`` has freed.
func freeZeroed(_ memory: UnsafeMutableRawPointer, byteCount: Int, released: Int = 0) {
    if byteCount >= hugePageByteCount {
        unsafe munmap(memory + released, roundedToHugePages(byteCount) - released)
    } else {
        unsafe free(memory)
    }
}

/// Frees whole huge pages of memory of at least one, before the rest.
func freeZeroedPart(_ memory: UnsafeMutableRawPointer, byteCount: Int) { unsafe munmap(memory, byteCount) }

/// The size of a huge page on x86-64, and a harmless choice elsewhere.
let hugePageByteCount = 1 << 21

private func roundedToHugePages(_ byteCount: Int) -> Int {
    (byteCount + hugePageByteCount - 1) & ~(hugePageByteCount - 1)
}

/// Maps zeroed memory that starts at a huge page.
private func mapAligned(byteCount: Int) -> UnsafeMutableRawPointer {
    let size = roundedToHugePages(byteCount)
    // The system aligns to small pages only: map one huge page more, and give back what lies outside.
    let mapped = unsafe mmap(nil, size + hugePageByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { outOfMemory(byteCount) }
    let start = unsafe UnsafeMutableRawPointer(
        bitPattern: UInt(bitPattern: mapped + hugePageByteCount - 1) & ~UInt(hugePageByteCount - 1)
    ).unsafelyUnwrapped
    let before = unsafe start - mapped
    if before > 0 { unsafe munmap(mapped, before) }
    if before < hugePageByteCount { unsafe munmap(start + size, hugePageByteCount - before) }
    return unsafe start
}

/// Lets the system take the memory behind addresses that stay valid; what was there is lost.
func discard(_ address: UInt, byteCount: Int) {
    guard let memory = unsafe UnsafeMutableRawPointer(bitPattern: address) else { return }
    #if os(Linux)
    unsafe madvise(memory, byteCount, MADV_DONTNEED)
    #else
    // Elsewhere the same advice is only a hint that frees nothing.
    madvise(memory, byteCount, MADV_FREE)
    #endif
}

private func outOfMemory(_ byteCount: Int) -> Never {
    preconditionFailure("out of memory: \(byteCount) bytes could not be allocated")
}
