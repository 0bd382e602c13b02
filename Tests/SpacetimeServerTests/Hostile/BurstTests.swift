import NIOCore
import NIOPosix
import SpacetimeKit
import Testing

@testable import SpacetimeServer

@Table(.public) struct Load: Equatable {
    @PrimaryKey var id: UInt32
    var count: UInt64
    var bytes: UInt64
}

@Module private enum Scales {
    static let tables = Tables(Load.self)

    @Reducer static func weigh(_ context: borrowing Context, text: String) throws {
        var load = context.db.load.id.find(1) ?? Load(id: 1, count: 0, bytes: 0)
        load.count += 1
        load.bytes += UInt64(text.utf8.count)
        try context.db.load.upsert(load)
    }
}

/// Heavy clients that mean well: all that they send at once is done, and answered in order.
@Suite struct BurstTests {
    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func sixThousandCallsOfThirtyKilobytesAreAllAnswered(subprotocol: String) async throws {
        let scales = try await Database.open(.inMemory, module: Scales.self)
        try await withServer(scales, as: "scales") { server in
            let client = try await server.greeted("scales", protocols: subprotocol)
            let count = 6_000
            let text = String(repeating: "x", count: 30_000)
            // With the mask 0, which leaves the payload as it is.
            let head: [UInt8] = [0x82, 0x80 | 126]
            let body = Say.call(0, "weigh", counted(text))
            let size = [UInt8(body.count >> 8), UInt8(body.count & 255)]
            async let sending: Void = {
                for request in 0..<UInt32(count) {
                    var message = body
                    message.replaceSubrange(1..<5, with: littleEndian(request))
                    try await client.send(RawClient.RawBytes(bytes: head + size + [0, 0, 0, 0] + message))
                }
            }()
            var answered: [UInt32] = []
            while answered.count < count {
                let frame = try await client.message()
                // A result of 22 bytes for each, behind the tag of the frame.
                for start in stride(from: 1, to: frame.count, by: 22) {
                    answered.append(frame[(start + 1)..<(start + 5)].reversed().reduce(0) { $0 << 8 | UInt32($1) })
                }
            }
            try await sending
            #expect(answered == Array(0..<UInt32(count)))
            let load = Load(id: 1, count: UInt64(count), bytes: UInt64(count * text.utf8.count))
            #expect(try await scales.read { $0.load.id.find(1) } == load)
        }
    }
}
