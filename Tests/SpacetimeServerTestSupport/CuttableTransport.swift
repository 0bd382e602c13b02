package import SpacetimeClient
package import SpacetimeProtocol
import Synchronization

/// Cuts the connections that another transport opens.
package final class CuttableTransport<Base: ClientTransport>: ClientTransport {
    /// A connection that may be over for the client before it is for the transport.
    private final class Line: Sendable {
        private let receiver: TransportReceiver
        private let hasEnded = Mutex(false)

        init(_ receiver: TransportReceiver) { self.receiver = receiver }

        // With the lock, so that nothing is received behind the end.
        func receive(_ payload: [UInt8]) { hasEnded.withLock { if !$0 { receiver.receive(payload) } } }

        func end(_ end: TransportEnd) {
            hasEnded.withLock { hasEnded in
                if !hasEnded { receiver.end(end) }
                hasEnded = true
            }
        }
    }

    private let base: Base
    private let current = Mutex<(line: Line, connection: any TransportConnection)?>(nil)
    private let resumedSets = Mutex(0)

    /// With how many sets the client has gone on where it was.
    package var resumed: Int { resumedSets.withLock { $0 } }

    package init(_ base: Base) { self.base = base }

    package var compression: Compression { base.compression }
    package var decompressor: any PayloadDecompressor { base.decompressor }

    package func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        let line = Line(receiver)
        let opened = try await base.open(
            opening,
            TransportReceiver { [weak self] payload in
                self?.count(payload)
                line.receive(payload)
            } end: {
                line.end($0)
            })
        current.withLock { $0 = (line, opened.connection) }
        return opened
    }

    /// Looks into a payload, which must not be compressed.
    private func count(_ payload: [UInt8]) {
        let body = Array(payload.dropFirst())
        var found = 0
        do {
            var reader = try V3.ServerMessageReader(body.span.bytes)
            while let message = try reader.next() { if case .resumed = message { found += 1 } }
        } catch {
            // The client says what is wrong.
        }
        resumedSets.withLock { $0 += found }
    }

    /// The connection is gone, with what was under way in both directions.
    package func cut() {
        let cut = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let cut else { return }
        cut.line.end(TransportEnd())
        cut.connection.close(code: 1000, reason: "")
    }
}
