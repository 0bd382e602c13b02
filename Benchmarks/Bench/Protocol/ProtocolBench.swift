import SpacetimeProtocol
import SpacetimeSATS

/// A frame of calls such as a pipelining client sends: 38 bytes each.
struct CallFrame {
    static let calls = 1_000
    let bytes: [UInt8]

    init() {
        var writer = BSATNWriter()
        for number in 0..<UInt32(Self.calls) {
            var arguments = BSATNWriter()
            arguments.write(number)
            arguments.write(number &+ 1)
            arguments.write(1 as Int64)
            let call = V2.ClientMessage.callReducer(
                requestID: number, name: "transfer", arguments: arguments.toArray())
            call.encode(to: &writer)
        }
        bytes = writer.toArray()
    }
}

/// Reads the calls of a frame in place.
final class KitCallFrames: Contestant {
    let system = "spacetimekit"
    private let frame = CallFrame()
    private let frames: Int

    init(frames: Int) { self.frames = frames }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        let bytes = frame.bytes
        for _ in 0..<frames {
            var reader = try V2.ClientMessageReader(bytes.span.bytes, isBatched: true)
            while let message = try reader.next() {
                guard case .callReducer(let call) = message else { throw BenchError.system("not a call") }
                digest.add(UInt64(call.requestID), Int64(call.name.byteCount + call.arguments.byteCount))
            }
        }
        return PassResult(operations: frames * CallFrame.calls, digest: digest.value)
    }
}

/// Steps through the same frame by its lengths, and checks nothing.
final class LimitCallFrames: Contestant {
    let system = "limit"
    private let frame = CallFrame()
    private let frames: Int

    init(frames: Int) { self.frames = frames }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for _ in 0..<frames {
            frame.bytes.withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    let requestID = bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self)
                    let name = Int(bytes.loadUnaligned(fromByteOffset: offset + 6, as: UInt32.self))
                    let arguments = Int(bytes.loadUnaligned(fromByteOffset: offset + 10 + name, as: UInt32.self))
                    digest.add(UInt64(requestID), Int64(name + arguments))
                    offset += 14 + name + arguments
                }
            }
        }
        return PassResult(operations: frames * CallFrame.calls, digest: digest.value)
    }
}

/// What a commit changed in four queries of two sets, encoded once: 20 rows of 40 bytes in each.
struct UpdatePieces {
    static let rows = 20
    let pieces: [(set: UInt32, table: String, bytes: [UInt8])]
    /// The whole message.
    let message: [UInt8]

    init() {
        let data = (0..<Self.rows * 40).map { UInt8(truncatingIfNeeded: $0) }
        var piece = BSATNWriter()
        V2.appendChanges(
            inserts: data, ends: (1...Self.rows).map { $0 * 40 }, deletes: [], ends: [], to: &piece)
        let bytes = piece.toArray()
        pieces = [(1, "player"), (1, "position"), (2, "player"), (2, "score")].map { ($0.0, $0.1, bytes) }
        var writer = BSATNWriter()
        Self.write(pieces, to: &writer)
        message = writer.toArray()
    }

    static func write(_ pieces: [(set: UInt32, table: String, bytes: [UInt8])], to writer: inout BSATNWriter) {
        var update = V2.UpdateEncoder.transactionUpdate(in: &writer)
        for piece in pieces {
            update.append(piece.bytes.span.bytes, table: piece.table, querySetID: piece.set, to: &writer)
        }
    }
}

/// Puts the update together once for each client, in one buffer that is used again.
final class KitUpdates: Contestant {
    let system = "spacetimekit"
    private let update = UpdatePieces()
    private let clients: Int
    private var writer = BSATNWriter(reservingCapacity: 1 << 16)

    init(clients: Int) { self.clients = clients }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for _ in 0..<clients {
            writer.removeAll()
            UpdatePieces.write(update.pieces, to: &writer)
            digest.add(writer.count)
        }
        return PassResult(operations: clients, digest: digest.value)
    }
}

/// Copies the finished message once for each client.
final class LimitUpdates: Contestant {
    let system = "limit"
    private let update = UpdatePieces()
    private let clients: Int
    private var writer = BSATNWriter(reservingCapacity: 1 << 16)

    init(clients: Int) { self.clients = clients }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for _ in 0..<clients {
            writer.removeAll()
            writer.append(update.message)
            digest.add(writer.count)
        }
        return PassResult(operations: clients, digest: digest.value)
    }
}

/// Answers calls that changed nothing that their caller watches, many to a frame.
final class KitResults: Contestant {
    let system = "spacetimekit"
    private let results: Int
    private var writer = BSATNWriter(reservingCapacity: 1 << 16)

    init(results: Int) { self.results = results }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        let timestamp = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)
        for number in 0..<results {
            if number.isMultiple(of: 1_000) {
                digest.add(writer.count)
                writer.removeAll()
            }
            _ = V2.UpdateEncoder.reducerResult(
                requestID: UInt32(truncatingIfNeeded: number), timestamp: timestamp, in: &writer)
        }
        digest.add(writer.count)
        writer.removeAll()
        return PassResult(operations: results, digest: digest.value)
    }
}

/// Copies 22 bytes for each result.
final class LimitResults: Contestant {
    let system = "limit"
    private let results: Int
    private let message = [UInt8](repeating: 6, count: 22)
    private var writer = BSATNWriter(reservingCapacity: 1 << 16)

    init(results: Int) { self.results = results }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for number in 0..<results {
            if number.isMultiple(of: 1_000) {
                digest.add(writer.count)
                writer.removeAll()
            }
            writer.append(message)
        }
        digest.add(writer.count)
        writer.removeAll()
        return PassResult(operations: results, digest: digest.value)
    }
}
