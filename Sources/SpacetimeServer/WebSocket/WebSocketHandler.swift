import NIOCore
import SpacetimeProtocol

/// The socket of one client: unpacks its frames, answers its control frames, and carries what it is told.
///
/// `Sendable` is unchecked: like all handlers it is used on its event loop only.
final class WebSocketHandler: ChannelInboundHandler, ChannelOutboundHandler, ClientTransport, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case open
        /// A close frame was sent.
        case closing
        case closed
    }

    private let connection: ClientConnection
    private let options: WebSocketOptions
    private var reader: WebSocketReader
    private var context: ChannelHandlerContext?
    private var state = State.open
    /// What came broke the rules, so nobody knows where the next frame begins.
    private var isBroken = false
    private var isReading = true
    /// The channel wanted to read while that was not wished.
    private var hasHeldRead = false
    private var mustFlush = false
    private var isInRead = false

    init(_ connection: ClientConnection, _ options: WebSocketOptions) {
        self.connection = connection
        self.options = options
        reader = WebSocketReader(messageByteLimit: options.messageByteLimit)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.begin(over: self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBroken { return }
        guard case .closed = state else { return read(unwrapInboundIn(data)) }
    }

    private func read(_ buffer: ByteBuffer) {
        connection.noteReceived()
        isInRead = true
        var violation: WebSocketReader.Violation?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(WebSocketReader.Violation) {
                try reader.read(bytes, connection.delivery.unmasked, take)
            } catch { violation = error }
        }
        if let violation {
            isBroken = true
            // Otherwise it waits for the client's close frame, which nobody would find.
            if case .open = state { connection.close(for: violation) } else { drop() }
        } else {
            connection.endOfRead()
        }
        connection.deliver()
    }

    /// - Returns: false if nothing else is to be taken in.
    private func take(
        _ opcode: WebSocketReader.Opcode, _ payload: UnsafeRawBufferPointer
    ) throws(WebSocketReader.Violation) -> Bool {
        switch opcode {
        case .text, .binary:
            if case .open = state { connection.receive(payload, isText: opcode == .text) }
        case .ping: if case .open = state { answer(.pong, payload) }
        case .close:
            if case .open = state {
                try WebSocketReader.checkClose(payload)
                connection.end()
                // With the client's own code and reason, as one original insists.
                answer(.close, payload)
            }
            isInRead = false
            flush()
            drop()
            return false
        case .pong, .continuation: break
        }
        if case .closed = state { return false }
        return true
    }

    private func answer(_ opcode: WebSocketReader.Opcode, _ payload: UnsafeRawBufferPointer) {
        var frame = ByteBuffer()
        WebSocketWriting.append(opcode, payload, to: &frame)
        write(frame)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInRead = false
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { connection.deliver() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket that fails is one that has gone.
        connection.note(.failure)
        drop()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            connection.note(.shutdown)
            connection.close(.goingAway("the server stops"))
        case ChannelEvent.inputClosed: drop()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        if isReading { context.read() } else { hasHeldRead = true }
    }

    private func end() {
        state = .closed
        connection.end()
    }

    // MARK: ClientTransport

    var waitingByteCount: Int {
        guard let context else { return 0 }
        return (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    var heldByteCount: Int { reader.heldByteCount }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ frames: ByteBuffer) {
        guard let context, case .open = state else { return }
        context.write(wrapOutboundOut(frames), promise: nil)
        mustFlush = true
    }

    func flush() {
        guard mustFlush, !isInRead, let context else { return }
        mustFlush = false
        context.flush()
    }

    func close(_ closing: WebSocketClosing) {
        guard let context, case .open = state else { return }
        var frame = ByteBuffer()
        WebSocketWriting.appendClose(closing.code, closing.reason, to: &frame)
        write(frame)
        state = .closing
        isInRead = false
        flush()
        context.eventLoop.scheduleTask(in: TimeAmount(options.closeTimeout)) { self.drop() }
    }

    func drop() {
        guard case .closed = state else {
            state = .closed
            connection.end()
            context?.close(promise: nil)
            return
        }
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        guard isReading, hasHeldRead else { return }
        hasHeldRead = false
        context?.read()
    }
}
