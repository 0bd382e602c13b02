import CZlib
package import SpacetimeSATS

/// gzip (RFC 1952) by zlib.
package enum Gzip {
    /// Appends one member whose trailer holds the true number of bytes: one client allocates by it.
    ///
    /// - Throws: `tooLong` for bytes whose number has no place in the trailer, `outOfMemory`.
    package static func compress(_ bytes: RawSpan, into writer: inout BSATNWriter) throws(CompressionError) {
        guard bytes.byteCount <= Int(UInt32.max) else { throw .tooLong(bytes.byteCount) }
        let encoder = try encoders.take()
        try encoder.compress(bytes, into: &writer)
        encoders.give(encoder)
    }

    /// Appends what one member stands for.
    ///
    /// - Throws: see ``CompressionError``. At most `limit` bytes were appended then.
    package static func decompress(
        _ bytes: RawSpan, limit: Int, into writer: inout BSATNWriter
    ) throws(CompressionError) {
        guard bytes.byteCount <= Int(UInt32.max) else { throw .tooLong(bytes.byteCount) }
        let decoder = try decoders.take()
        defer { decoders.give(decoder) }
        try decoder.decompress(bytes, limit: limit, into: &writer)
    }

    private static let encoders = ContextPool<GzipEncoder>(limit: 16) { () throws(CompressionError) in try GzipEncoder()
    }
    private static let decoders = ContextPool<GzipDecoder>(limit: 16) { () throws(CompressionError) in try GzipDecoder()
    }

    /// Added to the size of the window, this makes zlib write and expect gzip instead of its own format.
    static let windowBits: Int32 = 15 + 16
}

/// One `z_stream` for compressing.
///
/// `Sendable` is unchecked: a pool hands it to one thread at a time.
private final class GzipEncoder: @unchecked Sendable {
    // zlib keeps the address of the stream.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let outcome = deflateInit2_(
            stream, Z_BEST_SPEED, Z_DEFLATED, Gzip.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        // A failed initialisation left nothing to end, which deflateEnd in `deinit` only states.
        guard outcome == Z_OK else { throw .outOfMemory }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func compress(_ bytes: RawSpan, into writer: inout BSATNWriter) throws(CompressionError) {
        guard deflateReset(stream) == Z_OK else { throw .damaged }
        let bound = Int(deflateBound(stream, UInt(bytes.byteCount)))
        guard bound <= Int(UInt32.max) else { throw .tooLong(bytes.byteCount) }
        try bytes.withUnsafeBytes { input throws(CompressionError) in
            // zlib does not write to what it reads; its interface is older than `const`.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            try writer.append(upTo: bound) { output throws(CompressionError) in
                stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                guard deflate(stream, Z_FINISH) == Z_STREAM_END else { throw .damaged }
                return output.count - Int(stream.pointee.avail_out)
            }
        }
    }
}

/// One `z_stream` for decompressing.
///
/// `Sendable` is unchecked: a pool hands it to one thread at a time.
private final class GzipDecoder: @unchecked Sendable {
    // zlib keeps the address of the stream.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let outcome = inflateInit2_(stream, Gzip.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard outcome == Z_OK else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decompress(
        _ bytes: RawSpan, limit: Int, into writer: inout BSATNWriter
    ) throws(CompressionError) {
        guard inflateReset(stream) == Z_OK else { throw .damaged }
        var output = BoundedOutput(limit: limit, for: bytes.byteCount)
        try bytes.withUnsafeBytes { input throws(CompressionError) in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            var outcome = Z_OK
            repeat {
                try output.withRoom(in: &writer) { room throws(CompressionError) in
                    stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(room.count)
                    outcome = inflate(stream, Z_NO_FLUSH)
                    return room.count - Int(stream.pointee.avail_out)
                }
                switch outcome {
                case Z_OK, Z_STREAM_END: break
                // No progress although there was room: there is no input any more.
                case Z_BUF_ERROR: throw .truncated
                case Z_MEM_ERROR: throw .outOfMemory
                default: throw .damaged
                }
            } while outcome != Z_STREAM_END
            if stream.pointee.avail_in > 0 { throw .trailingBytes(Int(stream.pointee.avail_in)) }
        }
    }
}
