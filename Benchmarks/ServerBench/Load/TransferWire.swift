/// What was found in bytes that came from a server.
struct ScannedAnswers {
    /// Bytes that were used up; the rest is the beginning of an answer.
    var consumed = 0
    var answers = 0
    /// Of the answers, those that say that a transfer was not made.
    var failures = 0
    /// Pings that want an answer.
    var pings = 0
}

/// How transfers are asked for, and answered, over one connection. Answers come in the order of the questions.
protocol TransferWire {
    /// Opens a connection that is ready for transfers.
    static func open(port: Int, options: String) throws -> Socket
    init(options: String)
    /// Asks for so many transfers at once.
    mutating func send(_ count: Int, _ transfers: inout Transfers, to socket: Socket) throws
    func scan(_ bytes: UnsafeRawBufferPointer) throws -> ScannedAnswers
}

/// Calls of a reducer, many in a frame, answered by many in a frame.
struct SpacetimeWire: TransferWire {
    static let answerByteCount = 22
    private var frame = ClientFrame()
    private var number: UInt32 = 0

    init(options: String) {}

    private static let call = ClientMessages.call("transfer", [UInt8](repeating: 0, count: 16))

    static func open(port: Int, options: String) throws -> Socket {
        try GreetedClient.open(port: port, query: "compression=None&\(options)")
    }

    mutating func send(_ count: Int, _ transfers: inout Transfers, to socket: Socket) throws {
        frame.begin()
        for _ in 0..<count {
            let pair = transfers.next()
            frame.append(Self.call) { [number] message in
                message.storeBytes(of: number.littleEndian, toByteOffset: 1, as: UInt32.self)
                message.storeBytes(of: pair.from.littleEndian, toByteOffset: 22, as: UInt32.self)
                message.storeBytes(of: pair.to.littleEndian, toByteOffset: 26, as: UInt32.self)
                message.storeBytes(of: Int64(1).littleEndian, toByteOffset: 30, as: Int64.self)
            }
            number &+= 1
        }
        try frame.send(to: socket)
    }

    func scan(_ bytes: UnsafeRawBufferPointer) throws -> ScannedAnswers {
        var scanned = ScannedAnswers()
        while let head = ServerFrameHead(UnsafeRawBufferPointer(rebasing: bytes[scanned.consumed...])) {
            let start = scanned.consumed + head.headCount
            let end = start + head.payloadCount
            guard end <= bytes.count else { break }
            switch head.opcode {
            case ServerFrameHead.binary:
                guard head.isLast else { throw BenchFailure("an answer came in fragments") }
                try Self.scanMessages(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), &scanned)
            case ServerFrameHead.ping: scanned.pings += 1
            case ServerFrameHead.close: throw BenchFailure("the server closed a connection")
            default: break
            }
            scanned.consumed = end
        }
        return scanned
    }

    private static func scanMessages(_ payload: UnsafeRawBufferPointer, _ scanned: inout ScannedAnswers) throws {
        var position = 1
        while position < payload.count {
            guard position + 14 <= payload.count, payload[position] == 6 else {
                throw BenchFailure("an answer is no result of a reducer")
            }
            scanned.answers += 1
            switch payload[position + 13] {
            // Committed: no return value, no changes.
            case 0: position += answerByteCount
            case 1: position += 14
            default:
                scanned.failures += 1
                position += 18 + Int(payload.loadUnaligned(fromByteOffset: position + 14, as: UInt32.self))
            }
        }
    }
}

/// Scripts of Redis.
struct RedisWire: TransferWire {
    private var buffer: [UInt8] = []
    private let begin: [UInt8]

    /// - Parameter options: the hash of the script, which was loaded before.
    init(options: String) { begin = Array("*6\r\n$7\r\nEVALSHA\r\n$40\r\n\(options)\r\n$1\r\n2\r\n".utf8) }

    static func open(port: Int, options: String) throws -> Socket {
        let socket = try Socket(port: port)
        socket.makeNonBlocking()
        return socket
    }

    mutating func send(_ count: Int, _ transfers: inout Transfers, to socket: Socket) throws {
        buffer.removeAll(keepingCapacity: true)
        for _ in 0..<count {
            let pair = transfers.next()
            buffer.append(contentsOf: begin)
            appendBulk("a", pair.from)
            appendBulk("a", pair.to)
            appendBulk("", 1)
        }
        try socket.send(buffer)
    }

    private mutating func appendBulk(_ prefix: StaticString, _ number: UInt32) {
        var digits = 1
        var power: UInt32 = 10
        while digits < 10, number >= power {
            digits += 1
            power &*= 10
        }
        let count = digits + prefix.utf8CodeUnitCount
        buffer.append(UInt8(ascii: "$"))
        if count >= 10 { buffer.append(UInt8(ascii: "1")) }
        buffer.append(UInt8(ascii: "0") + UInt8(count % 10))
        buffer.append(contentsOf: [13, 10])
        prefix.withUTF8Buffer { buffer.append(contentsOf: $0) }
        let start = buffer.count
        var rest = number
        for _ in 0..<digits {
            buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        buffer[start...].reverse()
        buffer.append(contentsOf: [13, 10])
    }

    func scan(_ bytes: UnsafeRawBufferPointer) throws -> ScannedAnswers {
        var scanned = ScannedAnswers()
        // Each answer is a line: `:1`, or `-ERR …`.
        for position in 0..<bytes.count where bytes[position] == 10 {
            scanned.answers += 1
            if bytes[scanned.consumed] != UInt8(ascii: ":") { scanned.failures += 1 }
            scanned.consumed = position + 1
        }
        return scanned
    }
}

/// A stored function of PostgreSQL, prepared.
struct PostgresWire: TransferWire {
    private var buffer: [UInt8] = []

    init(options: String) {}

    static func open(port: Int, options: String) throws -> Socket {
        let socket = try Postgres.connect(port: port)
        try Postgres.run("SET synchronous_commit = \(options)", on: socket)
        try Postgres.send(
            "P", Array("t\0SELECT transfer($1, $2, $3)\0".utf8) + [0, 3] + [23, 23, 20].flatMap(big32), socket)
        try Postgres.send("S", [], socket)
        try Postgres.readUntilReady(socket)
        socket.makeNonBlocking()
        return socket
    }

    private static func big32(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

    /// Bind, execute and sync: a transaction of its own.
    private static let request: [UInt8] = {
        // Unnamed portal, statement, one format (binary) for all three parameters.
        let bind: [UInt8] =
            Array("\0t\0".utf8) + [0, 1, 0, 1, 0, 3] + [0, 0, 0, 4, 0, 0, 0, 0] + [0, 0, 0, 4, 0, 0, 0, 0]
            + [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1] + [0, 0]
        return [UInt8(ascii: "B")] + big32(UInt32(bind.count + 4)) + bind
            + [UInt8(ascii: "E")] + big32(9) + [0, 0, 0, 0, 0]
            + [UInt8(ascii: "S")] + big32(4)
    }()

    mutating func send(_ count: Int, _ transfers: inout Transfers, to socket: Socket) throws {
        buffer.removeAll(keepingCapacity: true)
        for _ in 0..<count {
            let pair = transfers.next()
            let start = buffer.count
            buffer.append(contentsOf: Self.request)
            buffer.withUnsafeMutableBytes { bytes in
                // Behind the tag, the length, the names, the formats and the counts.
                bytes.storeBytes(of: pair.from.bigEndian, toByteOffset: start + 18, as: UInt32.self)
                bytes.storeBytes(of: pair.to.bigEndian, toByteOffset: start + 26, as: UInt32.self)
            }
        }
        try socket.send(buffer)
    }

    func scan(_ bytes: UnsafeRawBufferPointer) throws -> ScannedAnswers {
        var scanned = ScannedAnswers()
        while scanned.consumed + 5 <= bytes.count {
            let length = Int(
                UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: scanned.consumed + 1, as: UInt32.self)))
            guard scanned.consumed + 1 + length <= bytes.count else { break }
            switch bytes[scanned.consumed] {
            case UInt8(ascii: "Z"): scanned.answers += 1
            case UInt8(ascii: "E"): scanned.failures += 1
            default: break
            }
            scanned.consumed += 1 + length
        }
        return scanned
    }
}
