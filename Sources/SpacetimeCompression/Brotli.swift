import CBrotli
package import SpacetimeSATS

/// Brotli (RFC 7932). The library's contexts serve one stream each, so there is nothing to keep between two.
package enum Brotli {
    /// The second fastest level, which is the first that is worth its bytes.
    static let quality: Int32 = 1

    /// Appends one stream.
    ///
    /// - Throws: `tooLong`, `outOfMemory`.
    package static func compress(_ bytes: RawSpan, into writer: inout BSATNWriter) throws(CompressionError) {
        let bound = BrotliEncoderMaxCompressedSize(bytes.byteCount)
        guard bound > 0 else { throw .tooLong(bytes.byteCount) }
        try bytes.withUnsafeBytes { input throws(CompressionError) in
            try writer.append(upTo: bound) { output throws(CompressionError) in
                var count = output.count
                // The library wants an address even for no bytes.
                var nothing: UInt8 = 0
                let isDone = withUnsafePointer(to: &nothing) { nothing in
                    BrotliEncoderCompress(
                        quality, window(for: input.count), BROTLI_MODE_GENERIC, input.count,
                        input.bindMemory(to: UInt8.self).baseAddress ?? nothing, &count,
                        output.bindMemory(to: UInt8.self).baseAddress)
                }
                // It fails for want of memory only, since there was room for the largest result.
                guard isDone != 0 else { throw .outOfMemory }
                return count
            }
        }
    }

    /// The logarithm of the window: no larger than the input needs, because a decoder allocates it.
    private static func window(for byteCount: Int) -> Int32 {
        let bits = Int32(Int.bitWidth - max(byteCount, 1).leadingZeroBitCount)
        return min(max(bits, Int32(BROTLI_MIN_WINDOW_BITS)), Int32(BROTLI_DEFAULT_WINDOW))
    }

    /// Appends what one stream stands for.
    ///
    /// - Throws: see ``CompressionError``. At most `limit` bytes were appended then.
    package static func decompress(
        _ bytes: RawSpan, limit: Int, into writer: inout BSATNWriter
    ) throws(CompressionError) {
        guard let decoder = BrotliDecoderCreateInstance(nil, nil, nil) else { throw .outOfMemory }
        defer { BrotliDecoderDestroyInstance(decoder) }
        var output = BoundedOutput(limit: limit, for: bytes.byteCount)
        try bytes.withUnsafeBytes { input throws(CompressionError) in
            var next = input.bindMemory(to: UInt8.self).baseAddress
            var available = input.count
            var outcome = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT
            repeat {
                try output.withRoom(in: &writer) { room throws(CompressionError) in
                    var start = room.bindMemory(to: UInt8.self).baseAddress
                    var left = room.count
                    outcome = BrotliDecoderDecompressStream(decoder, &available, &next, &left, &start, nil)
                    return room.count - left
                }
                switch outcome {
                case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: throw .truncated
                case BROTLI_DECODER_RESULT_ERROR: throw failure(of: decoder)
                default: break
                }
            } while outcome != BROTLI_DECODER_RESULT_SUCCESS
            if available > 0 { throw .trailingBytes(available) }
        }
    }

    private static func failure(of decoder: OpaquePointer) -> CompressionError {
        // The codes from -30 to -21 are those of failed allocations.
        (-30 ... -21).contains(BrotliDecoderGetErrorCode(decoder).rawValue) ? .outOfMemory : .damaged
    }
}
