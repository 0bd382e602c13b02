import NIOCore

/// Writes the frames of a WebSocket server, which are not masked.
enum WebSocketWriting {
    /// The most bytes that stand before a payload.
    static let headerByteLimit = 10

    /// Appends the head of a frame; by default of one that is a whole message.
    static func appendHeader(
        _ opcode: WebSocketReader.Opcode, payloadCount: Int, isLast: Bool = true, to buffer: inout ByteBuffer
    ) {
        buffer.writeInteger((isLast ? 0x80 : 0) | opcode.rawValue)
        switch payloadCount {
        case ...125: buffer.writeInteger(UInt8(payloadCount))
        case ...0xFFFF:
            buffer.writeInteger(126 as UInt8)
            buffer.writeInteger(UInt16(payloadCount))
        default:
            buffer.writeInteger(127 as UInt8)
            buffer.writeInteger(UInt64(payloadCount))
        }
    }

    /// Appends a frame that is a whole message.
    static func append(
        _ opcode: WebSocketReader.Opcode, _ payload: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
    ) {
        appendHeader(opcode, payloadCount: payload.count, to: &buffer)
        buffer.writeBytes(payload)
    }

    /// Appends a close frame; without a code it is empty.
    static func appendClose(_ code: UInt16?, _ reason: String, to buffer: inout ByteBuffer) {
        guard let code else { return appendHeader(.close, payloadCount: 0, to: &buffer) }
        appendHeader(.close, payloadCount: 2 + reason.utf8.count, to: &buffer)
        buffer.writeInteger(code)
        buffer.writeString(reason)
    }
}

/// Why a server closes a connection, as its close frame says.
struct WebSocketClosing: Hashable, Sendable {
    /// Nil for a frame without code.
    let code: UInt16?
    /// At most 123 bytes of UTF-8.
    let reason: String

    /// The database has gone, or the server stops.
    static func goingAway(_ reason: String) -> WebSocketClosing { WebSocketClosing(code: 1001, reason: reason) }
    /// A frame broke the rules of WebSocket.
    static func protocolError(_ reason: String) -> WebSocketClosing { WebSocketClosing(code: 1002, reason: reason) }
    /// A text is none.
    static func badData(_ reason: String) -> WebSocketClosing { WebSocketClosing(code: 1007, reason: reason) }
    /// A message is larger than may be.
    static func tooLarge(_ reason: String) -> WebSocketClosing { WebSocketClosing(code: 1009, reason: reason) }
    /// A message could not be understood or handled.
    static func failure(_ reason: String) -> WebSocketClosing { WebSocketClosing(code: 1011, reason: reason) }
    /// More requests wait than may.
    static let tooManyRequests = WebSocketClosing(code: 1013, reason: "too many requests")
}
