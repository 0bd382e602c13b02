import NIOCore
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeServerTestSupport

@testable import SpacetimeServer

/// A client's connection to a database without any socket: what the server writes is taken apart and waits to be read.
///
/// Whatever the protocol, messages are those of the third one, of which the others' are a part.
struct ModelConnection: Sendable {
    private let delivery: LoopDelivery
    private let subprotocol: Subprotocol
    private let transport: ModelTransport
    private let connection: ClientConnection

    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - seed: who the client is.
    ///   - isConfirmed: it is to hear of nothing that is not on disk.
    ///   - tellsOffsets: it is to be told which commit its rows are at.
    init(
        _ database: HostedDatabase, _ delivery: LoopDelivery, _ subprotocol: Subprotocol, as seed: UInt64,
        isConfirmed: Bool, tellsOffsets: Bool = false
    ) {
        self.delivery = delivery
        self.subprotocol = subprotocol
        var parameters = ConnectionParameters()
        parameters.compression = .none
        parameters.isConfirmed = isConfirmed
        parameters.wantsOffsets = tellsOffsets
        connection = .model(database, delivery, subprotocol, parameters, as: seed)
        transport = ModelTransport(subprotocol)
    }

    func begin() { delivery.eventLoop.execute { connection.begin(over: transport) } }

    /// The socket has gone, with what was under way in both directions.
    func vanish() {
        delivery.eventLoop.execute {
            transport.isEnded = true
            connection.end()
        }
    }

    var session: Session? {
        get async throws { try await delivery.eventLoop.submit { connection.session }.get() }
    }

    /// Sends messages as one payload.
    func send(_ messages: [V3.ClientMessage]) async throws {
        var writer = BSATNWriter()
        for message in messages {
            if case .common(let message) = message, !subprotocol.speaksV2 {
                message.v1?.encode(to: &writer)
            } else {
                message.encode(to: &writer)
            }
        }
        let payload = writer.withUnsafeBytes { Array($0) }
        try await delivery.eventLoop.submit {
            payload.withUnsafeBytes { connection.receive($0, isText: false) }
            connection.endOfRead()
            connection.deliver()
        }.get()
    }

    /// What the server says next in one frame.
    func frame() async throws -> [V3.ServerMessage] {
        try await transport.inbox.take(within: RawClient.patience, on: delivery.eventLoop).get()
    }
}

extension ClientConnection {
    /// A client that no server knows of.
    static func model(
        _ database: HostedDatabase, _ delivery: LoopDelivery, _ subprotocol: Subprotocol,
        _ parameters: ConnectionParameters, as seed: UInt64
    ) -> ClientConnection {
        let identity = Identity(issuer: "model", subject: "\(seed)")
        let principal = Principal(
            identity: identity, token: "token", claims: "{}", issuer: "model", isAnonymous: false)
        let metrics = ServerMetrics()
        let rates = database.reducerRates(ClientLimits(), of: .identity(identity))
        return ClientConnection(
            database, principal, parameters, subprotocol, .patient, delivery,
            ClientLedger(ClientLimits(), .patient, rates, metrics, metrics.database("model", reducers: [])))
    }
}

/// Takes frames apart and puts what they say into a mailbox.
///
/// `Sendable` is unchecked: like the connection that it carries it is used on its event loop only.
private final class ModelTransport: ClientTransport, @unchecked Sendable {
    let inbox = Mailbox<Result<[V3.ServerMessage], ModelConnection.Ended>>()
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
                guard frame.isLast else { continue }
                inbox.put(.success(try messages(parts)))
                parts = []
            }
        } catch { end("\(error)") }
    }

    private func messages(_ payload: [UInt8]) throws -> [V3.ServerMessage] {
        if subprotocol.isBatched { return try v3Messages(payload) }
        let body = try plainBody(payload)
        if subprotocol.speaksV2 {
            var reader = try V2.ServerMessageReader(body.span.bytes, isBatched: false)
            var messages: [V3.ServerMessage] = []
            while let message = try reader.next() { messages.append(.common(message)) }
            return messages
        }
        let said = try V1.ServerMessage<V1.Binary>(body: body)
        guard let message = V2.ServerMessage(said) else {
            throw ModelConnection.Ended(description: "\(said) came, which nobody asked for")
        }
        return [.common(message)]
    }

    func flush() {}
    func setReading(_ isReading: Bool) {}
    func close(_ closing: WebSocketClosing) { end("closed with \(closing)") }
    func drop() { end("dropped") }

    private func end(_ why: String) {
        isEnded = true
        inbox.put(.failure(ModelConnection.Ended(description: why)))
    }
}

/// What a server says in one plain payload of the third protocol.
func v3Messages(_ payload: [UInt8]) throws -> [V3.ServerMessage] {
    let body = try plainBody(payload)
    var reader = try V3.ServerMessageReader(body.span.bytes)
    var messages: [V3.ServerMessage] = []
    while let message = try reader.next() { messages.append(message) }
    return messages
}

/// The payload without the byte that says how it is compressed.
private func plainBody(_ payload: [UInt8]) throws -> [UInt8] {
    struct Compressed: Error {}
    guard payload.first == 0 else { throw Compressed() }
    return Array(payload.dropFirst())
}
