import NIOCore
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

/// The rows that a set begins with, as one message in many frames, each made when the socket has room for it.
///
/// The rows themselves are shared by all who get them. So a client who is told a gigabyte costs a few frames of memory, and
/// between the frames there is room for pings.
struct FirstRowsStream {
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

    /// Fewer bytes are sent in one frame, together with what else there is.
    private static let plainByteLimit = 256 << 10
    /// Fewer bytes are compressed as a whole if the client wants that; streams are not compressed.
    private static let compressedByteLimit = 8 << 20
    private static let frameByteCount = 256 << 10

    /// Nil if the event is not one of many rows, or the protocol is the first one, whose messages are made as a whole.
    init?(_ event: SessionEvent, of client: ClientConnection) {
        guard client.subprotocol.speaksV2, case .subscribed(let rows) = event else { return nil }
        let byteCount = rows.rows.reduce(0) { $0 + $1.inserts.bytes.count }
        let limit = client.parameters.compression == .none ? Self.plainByteLimit : Self.compressedByteLimit
        guard byteCount > limit, let message = client.rowsMessage(rows) else { return nil }
        parts = [.bytes(message.head())]
        for (delta, table) in zip(rows.rows, message.tables) {
            let batch = delta.inserts
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
        }
    }

    /// The next frame; nil if there is none.
    mutating func nextFrame() -> ByteBuffer? {
        guard position < parts.count else { return nil }
        var payload = ByteBufferAllocator().buffer(capacity: Self.frameByteCount)
        while payload.readableBytes < Self.frameByteCount, position < parts.count {
            append(to: &payload)
            skipEmptyParts()
        }
        var frame = ByteBufferAllocator().buffer(capacity: payload.readableBytes + WebSocketWriting.headerByteLimit)
        WebSocketWriting.appendHeader(
            isFirst ? .binary : .continuation, payloadCount: payload.readableBytes, isLast: position == parts.count,
            to: &frame)
        frame.writeBuffer(&payload)
        isFirst = false
        return frame
    }

    /// So that the last frame is known to be the last when it is made: no client needs to take an empty one.
    private mutating func skipEmptyParts() {
        while position < parts.count {
            switch parts[position] {
            case .bytes(let bytes) where bytes.isEmpty: position += 1
            case .offsets(let batch, let next) where next == batch.count: position += 1
            case .rows(let batch, let next) where next == batch.bytes.count: position += 1
            default: return
            }
        }
    }

    private mutating func append(to payload: inout ByteBuffer) {
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
