extension BSATNReader {
    /// Reads a counted array of numbers. `Element` must be one whose little-endian image in memory is its BSATN.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    mutating func readFixedArray<Element: BitwiseCopyable & SpacetimeType>(
        _ type: Element.Type
    ) throws(BSATNError) -> [Element] {
        let size = MemoryLayout<Element>.stride
        let count = try readCount(minimumElementSize: size)
        #if _endian(little)
        let span = try readSpan(count &* size)
        return unsafe span.withUnsafeBytes { source in
            unsafe [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
                // `buffer` has room for `count` elements, and `source` is exactly as long.
                if count > 0 { unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source) }
                initialized = count
            }
        }
        #else
        var values: [Element] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try Element(from: &self)) }
        return values
        #endif
    }
}

extension BSATNWriter {
    /// Writes a counted array of numbers. `Element` must be one whose little-endian image in memory is its BSATN.
    @inlinable @inline(__always)
    mutating func writeFixedArray<Element: BitwiseCopyable & SpacetimeType>(_ values: [Element]) {
        reserve(values.count &* MemoryLayout<Element>.stride &+ 4)
        writeCount(values.count)
        #if _endian(little)
        unsafe values.withUnsafeBytes { unsafe append($0) }
        #else
        for value in values { value.encode(to: &self) }
        #endif
    }
}
