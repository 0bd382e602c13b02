import NIOCore
import NIOWebSocket
import SpacetimeClient
import Synchronization

/// The client's end of a connection. What is sent is queued, and written by the event loop: all that has come together by then
/// in one piece, and never within the call.
final class NIOConnection: TransportConnection {
    private enum Outgoing {
        case message([UInt8])
        case close(UInt16, String)
    }

    private struct Queue {
        var frames: [Outgoing] = []
        var isScheduled = false
    }

    /// How long the server has to say good-bye, too.
    private static let farewell = TimeAmount.milliseconds(500)

    private let channel: any Channel
    private let queue = Mutex(Queue())

    init(_ channel: any Channel) { self.channel = channel }

    func send(_ payload: [UInt8]) { put(.message(payload)) }

    func close(code: UInt16, reason: String) { put(.close(code, reason)) }

    func setReading(_ isOn: Bool) {
        let channel = channel
        channel.setOption(.autoRead, value: isOn).whenSuccess { if isOn { channel.read() } }
    }

    private func put(_ frame: Outgoing) {
        let isFirst = queue.withLock { queue in
            queue.frames.append(frame)
            defer { queue.isScheduled = true }
            return !queue.isScheduled
        }
        if isFirst { channel.eventLoop.execute { self.write() } }
    }

    private func write() {
        let frames = queue.withLock { queue in
            defer { queue = Queue() }
            return queue.frames
        }
        for frame in frames {
            switch frame {
            case .message(let payload): write(.binary, channel.allocator.buffer(bytes: payload))
            case .close(let code, let reason):
                var payload = channel.allocator.buffer(capacity: 2 + reason.utf8.count)
                payload.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: Int(code)))
                payload.writeString(reason)
                write(.connectionClose, payload)
                let channel = channel
                channel.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
            }
        }
        channel.flush()
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        channel.write(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data), promise: nil)
    }
}
