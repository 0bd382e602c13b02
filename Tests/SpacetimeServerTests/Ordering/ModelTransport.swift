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
    private let isBatched: Bool
    var isEnded = false

    init(isBatched: Bool) { self.isBatched = isBatched }

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
        var reader = try V2.ServerMessageReader(body.span.bytes, isBatched: isBatched)
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
