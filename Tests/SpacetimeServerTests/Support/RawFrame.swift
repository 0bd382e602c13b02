/// A frame of RFC 6455, as somebody may send it who does not keep the rules.
struct RawFrame: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    var isLast = true
    var opcode: Opcode
    var payload: [UInt8]
    /// Clients have to mask; one that does not is to be dropped.
    var mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    /// What the frame claims to hold, if not what it does.
    var claimedByteCount: UInt64?

    var bytes: [UInt8] {
        var bytes: [UInt8] = [(isLast ? 0x80 : 0) | opcode.rawValue]
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch claimedByteCount ?? UInt64(payload.count) {
        case let count where count < 126: bytes.append(masked | UInt8(count))
        case let count where count < 65_536: bytes += [masked | 126, UInt8(count >> 8), UInt8(count & 255)]
        case let count:
            bytes.append(masked | 127)
            bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        }
        guard let mask else { return bytes + payload }
        return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }
}

/// Takes a server's bytes apart: the answer to the upgrade, then frames.
struct RawFrameParser {
    private var buffer: [UInt8] = []
    private var start = 0

    mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
    }

    private var remaining: ArraySlice<UInt8> { buffer[start...] }

    /// Everything up to the empty line, once it is there.
    mutating func head() -> String? {
        let bytes = remaining
        guard bytes.count >= 4 else { return nil }
        for position in bytes.startIndex...(bytes.endIndex - 4)
        where bytes[position..<position + 4].elementsEqual("\r\n\r\n".utf8) {
            start = position + 4
            return String(decoding: bytes[..<position], as: UTF8.self)
        }
        return nil
    }

    /// What is left, without an end.
    mutating func rest() -> [UInt8] {
        defer { start = buffer.count }
        return [UInt8](remaining)
    }

    /// The next frame, once all of it is there. A server must not mask, so a mask bit shows as a frame that is broken.
    mutating func frame() throws -> RawFrame? {
        var bytes = remaining
        guard bytes.count >= 2, let first = bytes.popFirst(), let second = bytes.popFirst() else { return nil }
        guard first & 0x70 == 0, second & 0x80 == 0, let opcode = RawFrame.Opcode(rawValue: first & 15) else {
            throw BadFrame(first: first, second: second)
        }
        var count = Int(second)
        let lengthBytes = count == 126 ? 2 : count == 127 ? 8 : 0
        if lengthBytes > 0 {
            guard bytes.count >= lengthBytes else { return nil }
            count = bytes.prefix(lengthBytes).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(lengthBytes)
        }
        guard bytes.count >= count else { return nil }
        let payload = bytes.prefix(count)
        start = payload.endIndex
        return RawFrame(isLast: first & 0x80 != 0, opcode: opcode, payload: [UInt8](payload), mask: nil)
    }

    struct BadFrame: Error {
        let first: UInt8
        let second: UInt8
    }
}
