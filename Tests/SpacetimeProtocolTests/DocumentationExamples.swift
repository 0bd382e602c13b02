import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// The code of the documentation, compiled and run.
@Suite struct DocumentationExamples {
    private var subprotocol: Subprotocol { .v3 }
    private var limits: ProtocolLimits { ProtocolLimits() }

    /// Two messages as a client of the third subprotocol packs them.
    private var payload: [UInt8] {
        var writer = BSATNWriter()
        V2.ClientMessage.callReducer(requestID: 1, name: "tick", arguments: []).encode(to: &writer)
        V2.ClientMessage.oneOffQuery(requestID: 2, query: "SELECT * FROM user").encode(to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    @Test func messagesAreReadWhereTheyLie() throws {
        var seen: [String] = []
        func handle(_ request: UInt32, _ name: RawSpan, _ arguments: RawSpan) { seen.append("call \(request)") }
        func handle(_ message: V2.ClientMessage) { seen.append("other") }
        let payload = payload
        let frame = payload.span.bytes
        var reader = try V2.ClientMessageReader(frame, isBatched: subprotocol.isBatched, limits: limits)
        while let message = try reader.next() {
            switch message {
            case .callReducer(let call): handle(call.requestID, call.name, call.arguments)
            default: handle(V2.ClientMessage(message))
            }
        }
        #expect(seen == ["call 1", "other"])
    }

    @Test func messagesAreHandedOn() throws {
        var count = 0
        func handle(_ message: borrowing V2.BorrowedClientMessage) { count += 1 }
        let payload = payload
        let frame = payload.span.bytes
        var reader = try V2.ClientMessageReader(frame, isBatched: subprotocol.isBatched, limits: limits)
        while let message = try reader.next() { handle(message) }
        #expect(count == 2)
    }

    @Test func updatesArePutTogetherOfPieces() throws {
        struct Change {
            var encoded: [UInt8]
            var table: String
            var set: UInt32
            var bytes: RawSpan {
                @_lifetime(borrow self) get { encoded.span.bytes }
            }
        }
        var piece = BSATNWriter()
        V2.appendEvents([7], ends: [1], to: &piece)
        let changes = [Change(encoded: piece.withUnsafeBytes { Array($0) }, table: "ping", set: 1)]
        var writer = BSATNWriter()
        var update = V2.UpdateEncoder.transactionUpdate(in: &writer)
        for change in changes { update.append(change.bytes, table: change.table, querySetID: change.set, to: &writer) }
        #expect(!update.isEmpty)
    }
}
