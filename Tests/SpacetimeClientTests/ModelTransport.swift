import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Synchronization

@testable import SpacetimeClient

/// Connects clients to a model of a server in this process. What the server says arrives in order, from a task of its own.
final class ModelTransport: ClientTransport {
    struct State {
        var server = ModelServer()
        var receiver: TransportReceiver?
        var openings: [TransportOpening] = []
        /// Thrown at the next attempts.
        var refusals: [ClientError] = []
    }

    let compression = Compression.none
    let decompressor: any PayloadDecompressor = NoCompression()
    /// The codes that clients closed with.
    let closes = Arrivals<UInt16>()
    private let state = Mutex(State())
    private let wake: AsyncStream<Void>.Continuation

    init(_ items: [Item] = []) {
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.wake = wake
        state.withLock { state in for item in items { state.server.items[item.id] = item } }
        Task { [weak self] in
            for await _ in wakes { self?.deliver() }
        }
    }

    deinit { wake.finish() }

    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        let refusal = state.withLock { state -> ClientError? in
            state.openings.append(opening)
            if !state.refusals.isEmpty { return state.refusals.removeFirst() }
            state.server.greet(wantsOffsets: opening.wantsOffsets)
            state.receiver = receiver
            return nil
        }
        if let refusal { throw refusal }
        // The greeting may be there before the client knows that the connection is.
        wake.yield()
        return OpenedTransport(connection: ModelConnection(transport: self), subprotocol: .v3)
    }

    var openings: [TransportOpening] { state.withLock { $0.openings } }

    func refuse(_ errors: ClientError...) { state.withLock { $0.refusals += errors } }

    /// Somebody else changes an item.
    func put(_ item: Item) {
        state.withLock { state in
            let updates = state.server.put(item)
            if !updates.isEmpty { state.server.say(.common(.transactionUpdate(updates))) }
        }
        wake.yield()
    }

    /// Ends the connection without a word.
    func cut() { end(TransportEnd()) }

    fileprivate func send(_ payload: [UInt8]) {
        // The tests of the core show that it sends what can be read.
        state.withLock { try? $0.server.receive(payload) }
        wake.yield()
    }

    fileprivate func close(_ code: UInt16, _ reason: String) {
        closes.put(code)
        // Not from within the call, as the protocol wants it.
        Task { end(TransportEnd(code: code, reason: reason)) }
    }

    private func end(_ end: TransportEnd) {
        let receiver = state.withLock { state in
            defer { state.receiver = nil }
            state.server.drop()
            return state.receiver
        }
        receiver?.end(end)
    }

    private func deliver() {
        let (frames, receiver) = state.withLock { state in
            var frames: [[V3.ServerMessage]] = []
            while !state.server.outbox.isEmpty { frames.append(state.server.takeFrame(1)) }
            return (frames, state.receiver)
        }
        for frame in frames { receiver?.receive(payload(frame)) }
    }
}

private struct ModelConnection: TransportConnection {
    let transport: ModelTransport

    func send(_ payload: [UInt8]) { transport.send(payload) }
    func close(code: UInt16, reason: String) { transport.close(code, reason) }
    func setReading(_ isOn: Bool) {}
}
