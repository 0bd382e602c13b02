public import SpacetimeSATS

/// Compresses bodies: the seam to zlib and Brotli, which this target does not link.
public protocol PayloadCompressor: Sendable {
    /// Appends the compressed form of `bytes`. Returns false, and may leave anything behind what was there, if it has no such
    /// algorithm or fails.
    func compress(_ bytes: RawSpan, with compression: Compression, into writer: inout BSATNWriter) -> Bool
}

/// Takes compressed bodies apart.
public protocol PayloadDecompressor: Sendable {
    /// Appends what `bytes` stand for. Returns false, and may leave anything behind what was there, if they are damaged, stand
    /// for more than `limit` bytes (of which it makes no more than that), or if it has no such algorithm.
    func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool
}

/// Knows no algorithm: for servers and clients that were built without.
public struct NoCompression: PayloadCompressor, PayloadDecompressor {
    /// The one there is.
    public init() {}

    public func compress(_ bytes: RawSpan, with compression: Compression, into writer: inout BSATNWriter) -> Bool {
        false
    }

    public func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool { false }
}
