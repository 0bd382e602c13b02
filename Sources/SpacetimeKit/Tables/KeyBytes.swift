public import SpacetimeHost
public import SpacetimeSATS

/// An encoded key that a lazy sequence keeps until its loop begins. Up to 32 bytes, which is every fixed-size key type
/// and most names, lie in the value itself; longer keys cost one allocation.
@frozen @usableFromInline
struct KeyBytes {
    @usableFromInline typealias Words = (UInt64, UInt64, UInt64, UInt64)
    @usableFromInline let short: Words
    @usableFromInline let count: Int
    @usableFromInline let long: [UInt8]?

    @inlinable static var shortLimit: Int { 32 }

    /// Copies the key out of the database's scratch.
    @inlinable @inline(__always)
    init(_ writer: borrowing BSATNWriter) {
        var words: Words = (0, 0, 0, 0)
        count = writer.count
        let isShort = writer.count <= Self.shortLimit
        if isShort {
            writer.withUnsafeBytes { bytes in
                withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
            }
        }
        short = words
        long = isShort ? nil : writer.toArray()
    }

    /// Lends the bytes.
    @inlinable @inline(__always)
    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        if let long { return try long.withBytes(body) }
        return try withUnsafePointer(to: short) { words throws(DatabaseError) in
            try body(UnsafeRawBufferPointer(start: words, count: count))
        }
    }
}
