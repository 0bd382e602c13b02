import NIOCore
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

@testable import SpacetimeServer

/// Carries a client's frames without any socket: what the server writes is taken apart and put into a mailbox.
///
/// `Sendable` is unchecked: like the connection that it carries it is used on its event loop only.
final class ModelTransport: ClientTransport, @unchecked Sendable {
    enum Event: Sendable {
        case message(V2.ServerMessage)
        case dropped
        case broken(String)
    }

    let inbox = Mailbox<Event>()
    private var parser = RawFrameParser()
    private var parts: [UInt8] = []
    private let subprotocol: Subprotocol
    var isEnded = false

    init(_ subprotocol: Subprotocol) { self.subprotocol = subprotocol }

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
                if frame.isLast {
                    try take(parts)
                    parts = []
                }
            }
        } catch { inbox.put(.broken("\(error)")) }
    }

    private func take(_ payload: [UInt8]) throws {
        guard payload.first == 0 else { return inbox.put(.broken("compressed though nobody asked for it")) }
        let body = Array(payload.dropFirst())
        guard subprotocol.speaksV2 else {
            let said = try V1.ServerMessage<V1.Binary>(body: body)
            guard let message = V2.ServerMessage(said) else {
                return inbox.put(.broken("\(said) came, which nobody asked for"))
            }
            return inbox.put(.message(message))
        }
        var reader = try V2.ServerMessageReader(body.span.bytes, isBatched: subprotocol.isBatched)
        while let message = try reader.next() { inbox.put(.message(message)) }
    }

    func flush() {}
    func setReading(_ isReading: Bool) {}

    func close(_ closing: WebSocketClosing) {
        isEnded = true
        inbox.put(.broken("closed with \(closing)"))
    }

    func drop() {
        isEnded = true
        inbox.put(.dropped)
    }
}
