/// Puts together what a client sends: frames that are masked, in one buffer that is used again.
struct ClientFrame {
    private(set) var bytes: [UInt8] = []
    private static let headCount = 14
    /// Any bytes will do for who is no browser.
    private static let mask: [UInt8] = [0xA1, 0x5C, 0x3E, 0x77]

    init() { bytes.reserveCapacity(64 << 10) }

    /// Begins a payload: room is left for the largest head.
    mutating func begin() {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: Self.noHead)
    }

    private static let noHead = [UInt8](repeating: 0, count: headCount)

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Appends a template and writes numbers into it.
    mutating func append(_ template: [UInt8], patch: (UnsafeMutableRawBufferPointer) -> Void) {
        let start = bytes.count
        bytes.append(contentsOf: template)
        bytes.withUnsafeMutableBytes { patch(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Masks the payload, and sends it behind its head.
    mutating func send(to socket: Socket, opcode: UInt8 = 2) throws {
        let count = bytes.count - Self.headCount
        try bytes.withUnsafeMutableBytes { buffer in
            var position = Self.headCount
            let wide = Self.mask.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            let word = UInt64(wide) | UInt64(wide) << 32
            while position + 8 <= buffer.count {
                let masked = buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self) ^ word
                buffer.storeBytes(of: masked, toByteOffset: position, as: UInt64.self)
                position += 8
            }
            while position < buffer.count {
                buffer[position] ^= Self.mask[(position - Self.headCount) & 3]
                position += 1
            }
            let lengthBytes = count < 126 ? 0 : count < 65_536 ? 2 : 8
            let start = Self.headCount - 6 - lengthBytes
            buffer[start] = 0x80 | opcode
            buffer[start + 1] = 0x80 | UInt8(lengthBytes == 0 ? count : lengthBytes == 2 ? 126 : 127)
            for byte in 0..<lengthBytes {
                buffer[start + 2 + byte] = UInt8(truncatingIfNeeded: count >> (8 * (lengthBytes - 1 - byte)))
            }
            for byte in 0..<4 { buffer[Self.headCount - 4 + byte] = Self.mask[byte] }
            try socket.send(UnsafeRawBufferPointer(rebasing: buffer[start...]))
        }
    }
}

/// The messages of the second protocol that the benchmarks send.
enum ClientMessages {
    static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    static func counted(_ bytes: [UInt8]) -> [UInt8] { littleEndian(UInt32(bytes.count)) + bytes }

    static func subscribe(request: UInt32, set: UInt32, _ queries: [String]) -> [UInt8] {
        [0] + littleEndian(request) + littleEndian(set) + littleEndian(UInt32(queries.count))
            + queries.flatMap { counted(Array($0.utf8)) }
    }

    static func call(request: UInt32 = 0, _ reducer: String, _ arguments: [UInt8]) -> [UInt8] {
        [3] + littleEndian(request) + [0] + counted(Array(reducer.utf8)) + counted(arguments)
    }
}
