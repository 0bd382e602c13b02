import NIOCore
import SpacetimeCompression
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

/// The rows that a set begins with, as one message in many frames, each made when the socket has room for it.
///
/// The rows themselves are shared by all who get them. So a client who is told a gigabyte costs a few frames of memory, and
/// between the frames there is room for pings. If the client wants them compressed, the frames together are one compressed
/// stream, of which no more is made than is sent.
///
/// `Sendable` is unchecked: whoever makes the next frame is the only one who touches it.
final class FirstRowsStream: @unchecked Sendable {
    private enum Part {
        case bytes([UInt8])
        /// Where the rows begin, from this one on.
        case offsets(RowBatch, next: Int)
        /// The rows, from this byte on.
        case rows(RowBatch, next: Int)
    }

    private var parts: [Part]
    private var position = 0
    private var isFirst = true
    private let compression: Compression
    /// Nil if the rows are sent as they are.
    private let compressor: StreamCompressor?
    /// A piece that is about to be compressed.
    private var piece = ByteBuffer()

    /// Fewer bytes are sent in one frame, together with what else there is.
    private static let plainByteLimit = 256 << 10
    /// Fewer bytes are compressed as a whole if the client wants that.
    private static let compressedByteLimit = 8 << 20
    private static let frameByteCount = 256 << 10
    /// A compressed frame is sent with so many bytes, or when it stands for so many.
    private static let compressedFrameByteCount = 64 << 10
    private static let compressedFrameLimit = 4 << 20

    /// Nil if the event is not one of many rows, or the protocol is the first one, whose messages are made as a whole.
    init?(_ event: SessionEvent, of client: ClientConnection) {
        guard client.subprotocol.speaksV2, case .subscribed(let rows) = event else { return nil }
        let byteCount = rows.rows.reduce(0) { $0 + $1.inserts.bytes.count }
        let wanted = client.parameters.compression
        let limit = wanted == .none ? Self.plainByteLimit : Self.compressedByteLimit
        guard byteCount > limit, let message = client.rowsMessage(rows) else { return nil }
        parts = [.bytes(message.head())]
        for (delta, table) in zip(rows.rows, message.tables) { parts += Self.parts(of: delta.inserts, table) }
        // The trailer of gzip has 32 bits for the number of bytes, and one client allocates by it.
        let total = parts.reduce(0) { $0 + Self.byteCount(of: $1) }
        compressor = wanted == .gzip && total > Int(UInt32.max) ? nil : StreamCompressor(wanted)
        compression = compressor == nil ? .none : wanted
    }

    private static func parts(of batch: RowBatch, _ table: String) -> [Part] {
        var parts: [Part] = []
        var writer = BSATNWriter()
        writer.write(table)
        if let size = RowList.commonSize(batch.ends) {
            writer.writeTag(0)
            writer.write(size)
        } else {
            writer.writeTag(1)
            writer.writeCount(batch.count)
            parts.append(.bytes(writer.withUnsafeBytes { Array($0) }))
            parts.append(.offsets(batch, next: 0))
            writer.removeAll()
        }
        writer.writeCount(batch.bytes.count)
        parts.append(.bytes(writer.withUnsafeBytes { Array($0) }))
        parts.append(.rows(batch, next: 0))
        return parts
    }

    private static func byteCount(of part: Part) -> Int {
        switch part {
        case .bytes(let bytes): bytes.count
        case .offsets(let batch, let next): (batch.count - next) * 8
        case .rows(let batch, let next): batch.bytes.count - next
        }
    }

    /// Making a frame takes long enough to be done on another thread.
    var isCompressed: Bool { compressor != nil }

    /// The next frame; nil if there is none.
    ///
    /// - Throws: if there is no memory to compress with. Then there is no end to what was begun.
    func nextFrame() throws(CompressionError) -> ByteBuffer? {
        guard position < parts.count else { return nil }
        var payload = ByteBufferAllocator().buffer(capacity: Self.frameByteCount)
        if isFirst { payload.writeInteger(compression.rawValue) }
        if let compressor {
            var taken = 0
            while position < parts.count, payload.readableBytes < Self.compressedFrameByteCount,
                taken < Self.compressedFrameLimit
            {
                piece.clear(minimumCapacity: Self.frameByteCount)
                fill(&piece)
                taken += piece.readableBytes
                let isLast = position == parts.count
                try piece.withUnsafeReadableBytes { bytes throws(CompressionError) in
                    try compressor.append(bytes, isLast: isLast, to: &payload)
                }
            }
        } else {
            fill(&payload)
        }
        return frame(of: payload)
    }

    private func frame(of payload: ByteBuffer) -> ByteBuffer {
        var payload = payload
        var frame = ByteBufferAllocator().buffer(capacity: payload.readableBytes + WebSocketWriting.headerByteLimit)
        WebSocketWriting.appendHeader(
            isFirst ? .binary : .continuation, payloadCount: payload.readableBytes, isLast: position == parts.count,
            to: &frame)
        frame.writeBuffer(&payload)
        isFirst = false
        return frame
    }

    /// Takes as much of what is left as a frame holds.
    private func fill(_ payload: inout ByteBuffer) {
        while payload.readableBytes < Self.frameByteCount, position < parts.count {
            append(to: &payload)
            skipEmptyParts()
        }
    }

    /// So that the last frame is known to be the last when it is made: no client needs to take an empty one.
    private func skipEmptyParts() {
        while position < parts.count, Self.byteCount(of: parts[position]) == 0 { position += 1 }
    }

    private func append(to payload: inout ByteBuffer) {
        let room = max(8, Self.frameByteCount - payload.readableBytes)
        switch parts[position] {
        case .bytes(let bytes):
            payload.writeBytes(bytes)
            position += 1
        case .offsets(let batch, let next):
            let end = min(batch.count, next + room / 8)
            for row in next..<end {
                payload.writeInteger(row == 0 ? 0 : UInt64(batch.ends[row - 1]), endianness: .little)
            }
            parts[position] = .offsets(batch, next: end)
        case .rows(let batch, let next):
            let end = min(batch.bytes.count, next + room)
            payload.writeBytes(batch.bytes[next..<end])
            parts[position] = .rows(batch, next: end)
        }
    }
}
