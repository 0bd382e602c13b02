import SpacetimeClient
import SpacetimeDurability
import SpacetimeProtocol
import Synchronization

/// A server that says what it is told to, without a network.
final class ScriptedServer: ClientTransport {
    let compression = Compression.none
    let decompressor: any PayloadDecompressor = NoCompression()
    private let receiver = Mutex<TransportReceiver?>(nil)

    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        self.receiver.withLock { $0 = receiver }
        receiver.receive(ClientPayloads.greeting())
        return OpenedTransport(connection: DeafConnection(), subprotocol: .v3)
    }

    func say(_ payload: [UInt8]) { receiver.withLock { $0 }?.receive(payload) }

    /// A client whose cache changes when it is told to, and that asks for rows.
    static func connectedClient() throws -> (ScriptedServer, DatabaseClient) {
        let server = ScriptedServer()
        var options = ClientOptions()
        options.delivery = .onFrameTick
        options.inboxByteLimit = 1 << 30
        options.messageLimits.messageBytes = 1 << 30
        let client = try DatabaseClient(to: "localhost", database: "bench", over: server, options: options)
        try waiting { try await client.connect() }
        _ = try client.beginSubscribing(["SELECT * FROM item"])
        return (server, client)
    }
}

extension DatabaseClient {
    /// Applies so many messages. A tick does nothing while the client's own task is still telling that it is connected.
    func tick(_ messages: Int) {
        var left = messages
        while left > 0 { left -= frameTick() }
    }
}

private struct DeafConnection: TransportConnection {
    func send(_ payload: [UInt8]) {}
    func close(code: UInt16, reason: String) {}
    func setReading(_ isOn: Bool) {}
}

/// Runs something asynchronous, and has the thread wait for it: benchmarks are timed on one.
func waiting<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Monitor<Result<Value, any Error>?>(nil)
    Task {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        outcome.wake { $0 = result }
    }
    outcome.wait { $0 != nil }
    guard let result = outcome.withLock({ $0 }) else { throw BenchError.system("nothing came of it") }
    return try result.get()
}
