package import SpacetimeProtocol
package import SpacetimeSATS

/// zlib and Brotli behind the seams of the protocols, at their fastest levels. From any thread.
///
/// Compressing takes about 5 ms per megabyte of rows: what is long belongs on a thread that serves no connections.
package struct PayloadCodec: PayloadCompressor, PayloadDecompressor {
    /// The one there is.
    package init() {}

    package func compress(_ bytes: RawSpan, with compression: Compression, into writer: inout BSATNWriter) -> Bool {
        do throws(CompressionError) {
            switch compression {
            case .none: writer.append(bytes)
            case .brotli: try Brotli.compress(bytes, into: &writer)
            case .gzip: try Gzip.compress(bytes, into: &writer)
            }
            return true
        } catch { return false }
    }

    package func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool {
        do throws(CompressionError) {
            switch compression {
            case .none:
                guard bytes.byteCount <= limit else { return false }
                writer.append(bytes)
            case .brotli: try Brotli.decompress(bytes, limit: limit, into: &writer)
            case .gzip: try Gzip.decompress(bytes, limit: limit, into: &writer)
            }
            return true
        } catch { return false }
    }
}

/// Decompresses into a writer, piece by piece, since the length is not known before: pieces grow with what came, so that
/// a short stream that promises much costs little.
struct BoundedOutput {
    /// What is left of the limit.
    private var remaining: Int
    private let limit: Int
    private var piece: Int

    init(limit: Int, for byteCount: Int) {
        remaining = limit
        self.limit = limit
        piece = max(4_096, min(byteCount, 1 << 20) * 4)
    }

    /// Lends room for the next piece. `body` returns how many bytes it made.
    ///
    /// Behind the limit there is room for one byte that is thrown away: a stream that is complete makes none, one that is
    /// too large uses it.
    mutating func withRoom(
        in writer: inout BSATNWriter, _ body: (UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int
    ) throws(CompressionError) {
        guard remaining > 0 else {
            var excess: UInt8 = 0
            var made = 0
            try withUnsafeMutableBytes(of: &excess) { room throws(CompressionError) in made = try body(room) }
            if made > 0 { throw .tooLarge(limit: limit) }
            return
        }
        let before = writer.count
        try writer.append(upTo: min(piece, remaining)) { room throws(CompressionError) in try body(room) }
        remaining -= writer.count - before
        piece = min(piece * 2, 16 << 20)
    }
}
