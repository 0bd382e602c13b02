/// The head of a frame that a server sent, which is not masked.
struct ServerFrameHead {
    static let binary: UInt8 = 2
    static let close: UInt8 = 8
    static let ping: UInt8 = 9

    let opcode: UInt8
    let isLast: Bool
    let headCount: Int
    let payloadCount: Int

    /// nil while part of the head is missing.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        opcode = bytes[0] & 15
        isLast = bytes[0] & 0x80 != 0
        switch bytes[1] & 0x7F {
        case 126:
            guard bytes.count >= 4 else { return nil }
            headCount = 4
            payloadCount = Int(bytes[2]) << 8 | Int(bytes[3])
        case 127:
            guard bytes.count >= 10 else { return nil }
            headCount = 10
            payloadCount = Int(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self)))
        case let count:
            headCount = 2
            payloadCount = Int(count)
        }
    }
}

/// Counts a server's messages and their bytes as they come, and keeps none of them.
struct MessageCounter {
    private(set) var messages = 0
    private(set) var bytes = 0
    private(set) var pings = 0
    private(set) var closes = 0
    /// By the compression tag that is the first byte of a message.
    private(set) var compressed = 0
    private var missing = 0
    private var isCounted = false
    private var head: [UInt8] = []
    private var isFirstByte = false

    mutating func take(_ chunk: UnsafeRawBufferPointer) {
        bytes += chunk.count
        var rest = UnsafeRawBufferPointer(chunk)[...]
        while !rest.isEmpty {
            if missing > 0 {
                if isFirstByte, rest[rest.startIndex] != 0 { compressed += 1 }
                isFirstByte = false
                let count = min(missing, rest.count)
                missing -= count
                rest = rest.dropFirst(count)
                if missing == 0, isCounted { messages += 1 }
                continue
            }
            head.append(rest.removeFirst())
            head.withUnsafeBytes { ServerFrameHead($0) }.map { begin($0) }
        }
    }

    private mutating func begin(_ frame: ServerFrameHead) {
        head.removeAll(keepingCapacity: true)
        missing = frame.payloadCount
        isCounted = frame.opcode < 3 && frame.isLast
        isFirstByte = frame.opcode == ServerFrameHead.binary
        if frame.opcode == ServerFrameHead.ping { pings += 1 }
        if frame.opcode == ServerFrameHead.close { closes += 1 }
        if missing == 0, isCounted { messages += 1 }
    }
}
