import NIOCore
import SpacetimeProtocol
import SpacetimeSATS

@testable import SpacetimeServer

/// Carries the frames of a client that asked for offsets, without any socket. What is said in one frame stays together.
///
/// `Sendable` is unchecked: like the connection that it carries it is used on its event loop only.
final class ReturningTransport: ClientTransport, @unchecked Sendable {
    enum Event: Sendable {
        case frame([V3.ServerMessage])
        case ended(String)
    }

    let inbox = Mailbox<Event>()
    private var parser = RawFrameParser()
    private var parts: [UInt8] = []
    var isEnded = false

    var isWritable: Bool { true }
    var waitingByteCount: Int { 0 }
    var heldByteCount: Int { 0 }

    func write(_ frames: ByteBuffer) {
        if isEnded { return }
        parser.append(frames.readableBytesView)
        do {
            while let frame = try parser.frame() {
                guard frame.opcode == .binary || frame.opcode == .continuation else { continue }
                parts += frame.payload
                guard frame.isLast else { continue }
                inbox.put(.frame(try v3Messages(parts)))
                parts = []
            }
        } catch { inbox.put(.ended("\(error)")) }
    }

    func flush() {}
    func setReading(_ isReading: Bool) {}

    func close(_ closing: WebSocketClosing) {
        isEnded = true
        inbox.put(.ended("closed with \(closing)"))
    }

    func drop() {
        isEnded = true
        inbox.put(.ended("dropped"))
    }
}

/// What a server says in one plain payload to a client that asked for offsets.
func v3Messages(_ payload: [UInt8]) throws -> [V3.ServerMessage] {
    struct Compressed: Error {}
    guard payload.first == 0 else { throw Compressed() }
    let body = Array(payload.dropFirst())
    var reader = try V3.ServerMessageReader(body.span.bytes)
    var messages: [V3.ServerMessage] = []
    while let message = try reader.next() { messages.append(message) }
    return messages
}
