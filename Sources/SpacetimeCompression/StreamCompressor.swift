import CBrotli
import CZlib
package import NIOCore
package import SpacetimeProtocol

/// Compresses a body that is never there as a whole: piece by piece, into one stream.
///
/// `Sendable` is unchecked: one thread at a time uses it.
package final class StreamCompressor: @unchecked Sendable {
    private enum Context {
        case gzip(UnsafeMutablePointer<z_stream>)
        case brotli(OpaquePointer)
    }

    private let context: Context
    /// Room for what comes out at once.
    private static let roomByteCount = 64 << 10

    /// Nil if there is nothing to be compressed with.
    package init?(_ compression: Compression) {
        switch compression {
        case .none: return nil
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            let outcome = deflateInit2_(
                stream, Z_BEST_SPEED, Z_DEFLATED, Gzip.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size))
            guard outcome == Z_OK else {
                stream.deallocate()
                return nil
            }
            context = .gzip(stream)
        case .brotli:
            guard let encoder = BrotliEncoderCreateInstance(nil, nil, nil) else { return nil }
            BrotliEncoderSetParameter(encoder, BROTLI_PARAM_QUALITY, UInt32(Brotli.quality))
            context = .brotli(encoder)
        }
    }

    deinit {
        switch context {
        case .gzip(let stream):
            deflateEnd(stream)
            stream.deallocate()
        case .brotli(let encoder): BrotliEncoderDestroyInstance(encoder)
        }
    }

    /// Takes in the next piece of the body, and appends what comes out, which may be nothing yet.
    ///
    /// - Parameter isLast: the stream ends behind it.
    package func append(
        _ piece: UnsafeRawBufferPointer, isLast: Bool, to output: inout ByteBuffer
    ) throws(CompressionError) {
        switch context {
        case .gzip(let stream): try append(piece, isLast, to: &output, by: stream)
        case .brotli(let encoder): try append(piece, isLast, to: &output, by: encoder)
        }
    }

    private func append(
        _ piece: UnsafeRawBufferPointer, _ isLast: Bool, to output: inout ByteBuffer,
        by stream: UnsafeMutablePointer<z_stream>
    ) throws(CompressionError) {
        // zlib does not write to what it reads; its interface is older than `const`.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: piece.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(piece.count)
        var outcome = Z_OK
        repeat {
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.roomByteCount) { room in
                stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                outcome = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                return room.count - Int(stream.pointee.avail_out)
            }
            // No progress is no failure: there was nothing left to be done.
            guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(outcome) else { throw .outOfMemory }
        } while isLast ? outcome != Z_STREAM_END : stream.pointee.avail_out == 0
    }

    private func append(
        _ piece: UnsafeRawBufferPointer, _ isLast: Bool, to output: inout ByteBuffer, by encoder: OpaquePointer
    ) throws(CompressionError) {
        var next = piece.bindMemory(to: UInt8.self).baseAddress
        var left = piece.count
        var isDone = BROTLI_TRUE
        repeat {
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.roomByteCount) { room in
                var start = room.bindMemory(to: UInt8.self).baseAddress
                var free = room.count
                isDone = BrotliEncoderCompressStream(
                    encoder, isLast ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, &left, &next, &free, &start,
                    nil
                )
                return room.count - free
            }
            guard isDone != 0 else { throw .outOfMemory }
        } while left > 0 || BrotliEncoderHasMoreOutput(encoder) != 0
            || (isLast && BrotliEncoderIsFinished(encoder) == 0)
    }
}
