import NIOCore
import NIOPosix
import SpacetimeCompression
import SpacetimeHost
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

@Table(.public) struct Page {
    @PrimaryKey var id: UInt32
    var text: String
}

@Module private enum Library {
    static let tables = Tables(Page.self)

    @Reducer static func fill(_ context: borrowing Context, count: UInt32, size: UInt32) throws {
        for id in 0..<count {
            // Compressible, but no page like the other.
            let text = String(repeating: "page \(id &* 2_654_435_761) ", count: Int(size) / 12)
            try context.db.page.insert(Page(id: id, text: text))
        }
    }
}

/// First rows that are too many for one frame, as clients of each compression get them.
@Suite struct StreamedRowsTests {
    private func body(of message: [UInt8], _ compression: Compression) throws -> [UInt8] {
        try #require(message.first == compression.rawValue)
        var plain = BSATNWriter()
        let compressed = Array(message.dropFirst())
        let isDone = PayloadCodec().decompress(
            compressed.span.bytes, with: compression, limit: 1 << 30, into: &plain)
        try #require(isDone)
        return plain.withUnsafeBytes { Array($0) }
    }

    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func manyRowsAreOneCompressedStreamInManyFrames(subprotocol: String) async throws {
        let library = try await Database.open(.inMemory, module: Library.self)
        try await library.call(Library.fill, 1_200, 10_000)
        try await withServer(library, as: "library") { server in
            var bodies: [[UInt8]] = []
            for compression in [Compression.none, .gzip, .brotli] {
                let client = try await server.greeted(
                    "library", protocols: subprotocol, query: "compression=\(compression.parameter)")
                try await client.send(Say.subscribe(1, 2, "SELECT * FROM page", "SELECT * FROM page WHERE id < 10"))
                let message = try await client.message()
                let body = try body(of: message, compression)
                #expect(body.count > 12_000_000)
                if compression != .none { #expect(message.count < body.count / 2) }
                #expect(client.counts.emptyLastFragments == 0)
                bodies.append(body)
                // What comes behind it comes in order, and the connection lives.
                try await client.send(Say.query(3, "SELECT * FROM page WHERE id = 1"))
                #expect(try await client.message().count > 0)
            }
            #expect(bodies[1] == bodies[0] && bodies[2] == bodies[0])
        }
    }

    /// A socket that takes what it was given only when it is told to.
    ///
    /// `Sendable` is unchecked: like the connection that it carries it is used on its event loop only.
    private final class SlowTransport: ClientTransport, @unchecked Sendable {
        struct Ended: Error { var closing: WebSocketClosing? }

        /// For each frame, whether a message ends with it.
        let frames = Mailbox<Result<Bool, Ended>>()
        private(set) var waiting = 0
        private(set) var most = 0
        private(set) var total = 0

        // As channels of NIO have it.
        var isWritable: Bool { waiting < 64 << 10 }
        var waitingByteCount: Int { waiting }
        var heldByteCount: Int { 0 }

        func write(_ frame: ByteBuffer) {
            waiting += frame.readableBytes
            total += frame.readableBytes
            most = max(most, waiting)
            // But for control frames.
            if let head = frame.readableBytesView.first, head & 8 == 0 { frames.put(.success(head & 0x80 != 0)) }
        }

        func takeAll() { waiting = 0 }
        func flush() {}
        func setReading(_ isReading: Bool) {}
        func close(_ closing: WebSocketClosing) { frames.put(.failure(Ended(closing: closing))) }
        func drop() { frames.put(.failure(Ended())) }

        func frame(_ loop: any EventLoop) async throws -> Bool {
            try await frames.take(within: RawClient.patience, on: loop).get()
        }
    }

    /// A client that is told 60 MB and reads slowly costs a few frames, whatever it speaks: what is not sent is not made.
    @Test(arguments: [Subprotocol.v2, .v3], [Compression.none, .gzip, .brotli])
    func hugeFirstRowsAreMadeWhenThereIsRoom(subprotocol: Subprotocol, compression: Compression) async throws {
        let library = try await Database.open(.inMemory, module: Library.self)
        try await library.call(Library.fill, 200, 300_000)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var parameters = ConnectionParameters()
        parameters.compression = compression
        let connection = ClientConnection.model(
            HostedDatabase(library.core), LoopDelivery(loop, .patient), subprotocol, parameters, as: 1)
        let transport = SlowTransport()
        loop.execute { connection.begin(over: transport) }
        // The greeting.
        #expect(try await transport.frame(loop))
        let subscribe = Say.subscribe(1, 2, "SELECT * FROM page")
        try await loop.submit {
            subscribe.withUnsafeBytes { connection.receive($0, isText: false) }
            connection.endOfRead()
            connection.deliver()
        }.get()
        var frames = 0
        var isLast = false
        while !isLast {
            isLast = try await transport.frame(loop)
            frames += 1
            try await loop.submit {
                transport.takeAll()
                connection.deliver()
            }.get()
        }
        let (most, total) = try await loop.submit { (transport.most, transport.total) }.get()
        #expect(most < 512 << 10, "so many bytes waited at once: \(most)")
        if compression == .none { #expect(total > 59_000_000 && frames > 200) }
        try await loop.submit { connection.end() }.get()
    }

    @Test(arguments: [Compression.gzip, .brotli], [1, 1_000, 300_000])
    func whatIsCompressedInPiecesIsOneStream(compression: Compression, piece: Int) throws {
        let plain = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 9) }
        let compressor = try #require(StreamCompressor(compression))
        var output = ByteBuffer()
        for start in stride(from: 0, to: plain.count, by: piece) where piece > 1 || start < 5_000 {
            let end = piece > 1 ? min(start + piece, plain.count) : start + 1
            let isLast = end == (piece > 1 ? plain.count : 5_000)
            try plain[start..<end].withUnsafeBytes { bytes in
                try compressor.append(bytes, isLast: isLast, to: &output)
            }
        }
        let found = try body(of: [compression.rawValue] + output.readableBytesView, compression)
        #expect(found == (piece > 1 ? plain : Array(plain[..<5_000])))
    }
}
