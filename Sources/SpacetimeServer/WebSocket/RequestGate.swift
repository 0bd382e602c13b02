import NIOCore
import NIOHTTP1
import SpacetimeSATS

/// What a connection to the server has become.
enum Upgrade: Sendable {
    /// A client on a WebSocket, which its handler serves.
    case webSocket
    case http(HTTPChannel)
}

/// Finds among the requests of a connection those that ask for a WebSocket, and hands on all others.
///
/// Such a request may come at any time: browsers and proxies use one connection for one thing after the other. It is held until
/// all before it are answered, and then judged. If it is granted, what knows of HTTP is removed, and the bytes behind the request
/// are frames. If it is refused, it is handed on like any other, to be answered by a route that says why.
///
/// NIO's decoder reads nothing behind a request that asks for another protocol, whichever that is, since what follows could be
/// of that one. So where the connection goes on as it was, another decoder takes its place, and what it has not read.
///
/// While a request is held nothing is read from the client: what it sends waits in the system, and not here.
///
/// `Sendable` is unchecked: like all handlers it is used on its event loop only.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart
    typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>

    private enum Stage {
        case requests
        /// The decoder is being replaced; what comes is what it has not read.
        case renewing
        /// The decoder is being removed for good; what comes are frames.
        case frames
    }

    /// A request that asks for a WebSocket.
    private struct Held {
        let head: HTTPRequestHead
        /// Its end has come.
        var isComplete = false
        var isBeingJudged = false
    }

    private let server: SpacetimeServer
    private let handshake: HandshakeHandler
    private let encoder: HTTPResponseEncoder
    private var decoder: Decoder
    /// Adds what answers requests, behind this handler.
    private let carry: (any Channel) throws -> HTTPCarrier
    private var carrier: HTTPCarrier?
    /// Nil once it is known what the connection is.
    private var outcome: EventLoopPromise<Upgrade>?

    private var context: ChannelHandlerContext?
    private var stage = Stage.requests
    /// Requests that were handed on and are not answered.
    private var unanswered = 0
    private var held: Held?
    /// Of the request that is being read the end has not come.
    private var isInRequest = false
    /// The decoder reads nothing behind the request that is being read.
    private var decoderStops = false
    private var unread: [NIOAny] = []
    private var hasHeldRead = false
    /// What came is no request, and that was not said yet.
    private var failure: HTTPParserError?
    private var hasFailed = false
    /// A request was handed on behind which none is answered.
    private var isLast = false

    init(
        _ server: SpacetimeServer, _ handshake: HandshakeHandler, encoder: HTTPResponseEncoder, decoder: Decoder,
        outcome: EventLoopPromise<Upgrade>, carry: @escaping (any Channel) throws -> HTTPCarrier
    ) {
        self.server = server
        self.handshake = handshake
        self.encoder = encoder
        self.decoder = decoder
        self.outcome = outcome
        self.carry = carry
    }

    static func makeDecoder() -> Decoder { Decoder(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)) }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        held = nil
        outcome?.fail(ChannelError.ioOnClosedChannel)
        outcome = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch stage {
        case .requests: break
        case .renewing: return unread.append(data)
        case .frames: return context.fireChannelRead(data)
        }
        if isLast, !isInRequest { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            isInRequest = true
            begin(head, context)
        case .body: if held == nil { context.fireChannelRead(data) }
        case .end:
            isInRequest = false
            guard held == nil else { return complete() }
            context.fireChannelRead(data)
            if decoderStops, !isLast { renewDecoder(context) }
        }
    }

    func read(context: ChannelHandlerContext) {
        guard stage == .requests, held?.isComplete != true else {
            hasHeldRead = true
            return
        }
        context.read()
    }

    private func goOnReading() {
        guard hasHeldRead, let channel = context?.channel else { return }
        hasHeldRead = false
        channel.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard stage != .frames, case .end = unwrapOutboundIn(data) else { return }
        unanswered -= 1
        complain()
        judge()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Somebody who sends nothing any more does not want a WebSocket.
        if case ChannelEvent.inputClosed? = event as? ChannelEvent, held != nil {
            held = nil
            if carrier == nil { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Requests

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var head = head
        let stop = head.decodingStop
        decoderStops = stop == .certain
        if head.asksForWebSocket, decoderStops {
            // Those before it may take their time. This one has as long as the first of a connection.
            handshake.begin()
            held = Held(head: head)
            return
        }
        // Clients of the old version keep a connection only if they say so, and wait for its end otherwise. And where nobody
        // knows whether the decoder goes on, nothing may come.
        if !head.isKeepAlive || stop == .unclear {
            head.headers.replaceOrAdd(name: "connection", value: "close")
            isLast = true
        }
        if head.version == .http1_0 { head.headers.remove(name: "upgrade") }
        handOn(head, context)
    }

    private func handOn(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if carrier == nil {
            do {
                carrier = try carry(context.channel)
                if let channel = carrier?.channel { outcome?.succeed(.http(channel)) }
                outcome = nil
            } catch { return context.close(promise: nil) }
        }
        handshake.end()
        unanswered += 1
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    // MARK: WebSockets

    /// The end of the request has come that asks for a WebSocket.
    private func complete() {
        held?.isComplete = true
        if unanswered > 0 { handshake.end() }
        judge()
    }

    /// Judges the request that asks for a WebSocket, if it is its turn.
    private func judge() {
        guard unanswered == 0, let held, held.isComplete, !held.isBeingJudged, let context else { return }
        self.held?.isBeingJudged = true
        handshake.begin()
        let (server, eventLoop, head) = (server, context.eventLoop, held.head)
        Task {
            let answer: Result<GrantedUpgrade, Refusal>
            do throws(Refusal) { answer = .success(try await server.grant(head)) } catch { answer = .failure(error) }
            eventLoop.execute { self.finish(answer) }
        }
    }

    private func finish(_ answer: Result<GrantedUpgrade, Refusal>) {
        guard let context, let held, context.channel.isActive else {
            // The client has gone, and there is no connection that would release its session.
            if case .success(let granted) = answer { granted.release() }
            return
        }
        self.held = nil
        handshake.end()
        switch answer {
        case .success(let granted): becomeWebSocket(granted, context)
        case .failure:
            handOn(held.head, context)
            context.fireChannelRead(wrapInboundOut(.end(nil)))
            context.fireChannelReadComplete()
            renewDecoder(context)
        }
    }

    private func becomeWebSocket(_ granted: GrantedUpgrade, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(granted.responseHead)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        stage = .frames
        let pipeline = context.pipeline.syncOperations
        pipeline.removeHandler(encoder, promise: nil)
        // Nobody asks it any more, and each read would pass it.
        pipeline.removeHandler(handshake, promise: nil)
        for handler in carrier?.handlers ?? [] { pipeline.removeHandler(handler, promise: nil) }
        do {
            try pipeline.addHandler(granted.makeHandler(on: context.eventLoop), position: .after(self))
        } catch {
            granted.release()
            return context.close(promise: nil)
        }
        outcome?.succeed(.webSocket)
        outcome = nil
        // What it has not read comes through here while it leaves.
        pipeline.removeHandler(decoder).whenComplete { _ in self.leave() }
    }

    private func leave() {
        guard let context else { return }
        context.fireChannelReadComplete()
        let (channel, mustRead) = (context.channel, hasHeldRead)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        if mustRead { channel.read() }
    }

    // MARK: The decoder

    private func renewDecoder(_ context: ChannelHandlerContext) {
        stage = .renewing
        context.pipeline.syncOperations.removeHandler(decoder).whenComplete { _ in self.addDecoder() }
    }

    private func addDecoder() {
        guard let context, context.channel.isActive else { return }
        (stage, decoderStops, decoder) = (.requests, false, Self.makeDecoder())
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(decoder, position: .before(self))
            let front = try pipeline.context(handler: encoder)
            var bytes: [NIOAny] = []
            swap(&bytes, &unread)
            for bytes in bytes { front.fireChannelRead(bytes) }
            front.fireChannelReadComplete()
        } catch { return context.close(promise: nil) }
        if stage == .requests, held?.isComplete != true { goOnReading() }
    }

    // MARK: What is no request

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Who reads the body of a request has to know that there is no more of it, and answers.
        guard !isInRequest || held != nil, let error = error as? HTTPParserError else {
            return context.fireErrorCaught(error)
        }
        // NIO tells of some twice.
        if hasFailed || isLast { return }
        hasFailed = true
        failure = error
        complain()
    }

    /// Says what is wrong with what came, behind all answers, and lets the connection end: nothing that follows can be
    /// understood.
    private func complain() {
        guard let error = failure, unanswered == 0, let context else { return }
        failure = nil
        let status: HTTPResponseStatus = error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest
        let text =
            error == .headerOverflow
            ? "the head of the request is too large; send fewer or shorter headers, and a shorter path\n"
            : "this is no request of HTTP/1.1 (\(error)); the server speaks it, and WebSocket over it, on this port\n"
        let headers: HTTPHeaders = [
            "content-type": "text/plain; charset=utf-8", "content-length": String(text.utf8.count),
            "connection": "close",
        ]
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // Bytes that were not read would take the answer along if all were closed. A client that stays is closed in time.
        let channel = context.channel
        context.close(mode: .output).whenFailure { _ in channel.close(promise: nil) }
    }
}

/// What answers the requests of a connection: handlers, and a task behind them.
struct HTTPCarrier {
    let channel: HTTPChannel
    /// Those that are removed when the connection becomes a WebSocket. What feeds the task stays, and is told when all ends.
    let handlers: [any RemovableChannelHandler]
}

extension HTTPRequestHead {
    /// Whether NIO's decoder reads on behind a request.
    enum DecodingStop { case never, certain, unclear }

    /// It does not behind those that ask for another protocol, of which it finds out by the letters of two headers. Where those
    /// are not written as everybody writes them, this does not claim to know.
    var decodingStop: DecodingStop {
        if method == .CONNECT { return .certain }
        guard headers.contains(name: "upgrade") else { return .never }
        let values = headers["connection"].map { $0.lowercased() }
        guard values.contains(where: { $0.contains("upgrade") }) else { return .never }
        let isPlain = values.flatMap { $0.split(separator: ",") }.contains { $0.split(separator: " ") == ["upgrade"] }
        return isPlain && headers["upgrade"].allSatisfy { !$0.isEmpty } ? .certain : .unclear
    }

    /// Whether this is a request for a WebSocket, well-formed or not: what it wants beside is judged later.
    var asksForWebSocket: Bool {
        // A body would belong to a request of another kind.
        guard version != .http1_0, method == .GET, !headers.contains(name: "transfer-encoding"),
            headers["content-length"].allSatisfy({ $0 == "0" })
        else { return false }
        return headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && UpgradeRequest.database(inPath: RequestTarget.split(uri).path) != nil
    }
}
