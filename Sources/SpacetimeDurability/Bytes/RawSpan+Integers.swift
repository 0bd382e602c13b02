extension [UInt8] {
    /// The bytes of the array.
    var rawSpan: RawSpan {
        // Integers have no padding: each byte of them is initialised.
        @_lifetime(borrow self) get { unsafe span.bytes }
    }
}

/// Reading fields out of bytes: checked, so that what lies in a file can be wrong without doing harm.
extension RawSpan {
    /// A little-endian integer. The caller has checked that it lies within the bytes.
    @inline(__always)
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        precondition(offset >= 0 && byteCount - offset >= MemoryLayout<Value>.size, "outside of the bytes")
        // The precondition proves that all of it is there, and any bits are an integer.
        return unsafe Value(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type))
    }

    /// So many bytes from a place on. The caller has checked that they are there.
    @_lifetime(copy self)
    func part(_ offset: Int, _ count: Int) -> RawSpan { extracting(offset..<(offset + count)) }

    /// A copy of the bytes.
    // The pointer lives as long as the closure that copies from it.
    func toArray() -> [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
