/// Reads what a WebSocket client sends: frames that are masked, in pieces as they come (RFC 6455, section 5).
///
/// Nothing is kept of a frame that came as a whole: it is unmasked into memory that all connections of a thread share, and lent.
/// Only the beginning of one that is not complete yet, and the fragments of an unfinished message, belong to the connection.
struct WebSocketReader {
    /// What came.
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    /// What no well-behaved client sends. The connection is of no use any more.
    enum Violation: Error, Equatable, CustomStringConvertible {
        case reservedBits
        case unknownOpcode(UInt8)
        case unmasked
        case longControl
        case fragmentedControl
        case unexpectedContinuation
        case unfinishedMessage
        case malformedLength
        case tooLarge(Int)
        case halfCloseCode
        case badCloseCode(UInt16)
        case notUTF8

        /// What the client is told.
        var closing: WebSocketClosing {
            switch self {
            case .tooLarge: .tooLarge(description)
            case .notUTF8: .badData(description)
            default: .protocolError(description)
            }
        }

        /// For the close frame: what is wrong, and what was expected.
        var description: String {
            switch self {
            case .reservedBits: "a frame has reserved bits set, and no extension was agreed on"
            case .unknownOpcode(let code): "the opcode \(code) of a frame has no meaning"
            case .unmasked: "a frame is not masked, as those of clients have to be"
            case .longControl: "a control frame has more than 125 bytes"
            case .fragmentedControl: "a control frame is a fragment, and has to be whole"
            case .unexpectedContinuation: "a frame continues a message, and none has begun"
            case .unfinishedMessage: "a message begins before the one before it has ended"
            case .malformedLength: "the length of a frame has more than 63 bits"
            case .tooLarge(let count):
                "a frame of \(count) bytes makes a message larger than is accepted; send less at once"
            case .halfCloseCode: "a close frame has one byte, which is half a code"
            case .badCloseCode(let code): "the code \(code) of a close frame may not be sent"
            case .notUTF8: "what is said to be text is not UTF-8"
            }
        }
    }

    /// Checks what a close frame says: nothing, or a code that clients may send, and a text.
    static func checkClose(_ payload: UnsafeRawBufferPointer) throws(Violation) {
        if payload.isEmpty { return }
        guard payload.count >= 2 else { throw .halfCloseCode }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        switch code {
        // Of those between, some mean that there was no close frame, and the others mean nothing yet.
        case 1_000...1_003, 1_007...1_014, 3_000...4_999: break
        default: throw .badCloseCode(code)
        }
        try checkText(UnsafeRawBufferPointer(rebasing: payload[2...]))
    }

    static func checkText(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        do { _ = try UTF8Span(validating: Span(_unsafeBytes: bytes)) } catch { throw .notUTF8 }
    }

    /// The largest message, in bytes, however many frames it takes.
    let messageByteLimit: Int
    /// What came of a frame that is not complete.
    private var rest: [UInt8] = []
    /// What came of a message whose last frame has not come.
    private var fragments: [UInt8] = []
    private var fragmented: Opcode?

    init(messageByteLimit: Int) { self.messageByteLimit = messageByteLimit }

    /// How much memory is held for what has not come as a whole.
    var heldByteCount: Int { rest.count + fragments.count }

    /// Takes in bytes and hands out the messages and control frames that are complete with them.
    ///
    /// - Parameter body: gets what kind it is (never a continuation) and the payload, which is lent. Returns false to stop,
    ///   and throws what the payload breaks.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ scratch: UnmaskedBytes,
        _ body: (Opcode, UnsafeRawBufferPointer) throws(Violation) -> Bool
    ) throws(Violation) {
        if rest.isEmpty {
            let used = try parse(bytes, scratch, body)
            if used < bytes.count { rest.append(contentsOf: bytes[used...]) }
            return
        }
        var all: [UInt8] = []
        swap(&all, &rest)
        all.append(contentsOf: bytes)
        var failure: Violation?
        let used = all.withUnsafeBytes { bytes in
            do throws(Violation) { return try parse(bytes, scratch, body) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        // A large message would be moved with each piece of it if its memory were given back here.
        if used > 0 { all.removeFirst(used) }
        rest = all
    }

    /// - Returns: how many bytes the frames have that were complete.
    private mutating func parse(
        _ bytes: UnsafeRawBufferPointer, _ scratch: UnmaskedBytes,
        _ body: (Opcode, UnsafeRawBufferPointer) throws(Violation) -> Bool
    ) throws(Violation) -> Int {
        var offset = 0
        while let header = try Header(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            let (collected, overflow) = fragments.count.addingReportingOverflow(header.payloadCount)
            guard !overflow, header.opcode.isControl || collected <= messageByteLimit else {
                throw .tooLarge(header.payloadCount)
            }
            let end = offset + header.byteCount + header.payloadCount
            guard end <= bytes.count else { break }
            let masked = UnsafeRawBufferPointer(rebasing: bytes[(offset + header.byteCount)..<end])
            offset = end
            guard try take(header, scratch.unmask(masked, header.mask), body) else { return bytes.count }
        }
        return offset
    }

    private mutating func take(
        _ header: Header, _ payload: UnsafeRawBufferPointer,
        _ body: (Opcode, UnsafeRawBufferPointer) throws(Violation) -> Bool
    ) throws(Violation) -> Bool {
        if header.opcode.isControl { return try body(header.opcode, payload) }
        if let fragmented {
            guard header.opcode == .continuation else { throw .unfinishedMessage }
            fragments.append(contentsOf: payload)
            guard header.isLast else { return true }
            var message: [UInt8] = []
            swap(&message, &fragments)
            self.fragmented = nil
            var failure: Violation?
            let goesOn = message.withUnsafeBytes { bytes in
                do throws(Violation) { return try body(fragmented, bytes) } catch {
                    failure = error
                    return false
                }
            }
            if let failure { throw failure }
            return goesOn
        }
        guard header.opcode != .continuation else { throw .unexpectedContinuation }
        if header.isLast { return try body(header.opcode, payload) }
        fragmented = header.opcode
        fragments.append(contentsOf: payload)
        return true
    }
}

/// The head of a client's frame.
private struct Header {
    let isLast: Bool
    let opcode: WebSocketReader.Opcode
    let mask: UInt32
    let payloadCount: Int
    let byteCount: Int

    /// - Returns: nil if not all of it is there.
    init?(_ bytes: UnsafeRawBufferPointer) throws(WebSocketReader.Violation) {
        guard bytes.count >= 2 else { return nil }
        let (first, second) = (bytes[0], bytes[1])
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = WebSocketReader.Opcode(rawValue: first & 0x0F) else { throw .unknownOpcode(first & 0x0F) }
        guard second & 0x80 != 0 else { throw .unmasked }
        isLast = first & 0x80 != 0
        self.opcode = opcode
        let short = Int(second & 0x7F)
        if opcode.isControl {
            guard short <= 125 else { throw .longControl }
            guard isLast else { throw .fragmentedControl }
        }
        let lengthCount = short == 126 ? 2 : short == 127 ? 8 : 0
        byteCount = 2 + lengthCount + 4
        guard bytes.count >= byteCount else { return nil }
        switch short {
        case 126: payloadCount = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        case 127:
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard let count = Int(exactly: length) else { throw .malformedLength }
            // So that it can be added to.
            guard count <= Int.max / 2 else { throw .tooLarge(count) }
            payloadCount = count
        default: payloadCount = short
        }
        mask = bytes.loadUnaligned(fromByteOffset: 2 + lengthCount, as: UInt32.self)
    }
}

/// Memory into which payloads are unmasked, one at a time: one for all connections of a thread.
///
/// Not `Sendable`: it belongs to the thread of one event loop.
final class UnmaskedBytes {
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// What is kept between messages.
    private static let keptByteCount = 1 << 20

    deinit { memory.deallocate() }

    /// The payload behind a mask; lent until the next call.
    func unmask(_ bytes: UnsafeRawBufferPointer, _ mask: UInt32) -> UnsafeRawBufferPointer {
        if bytes.count > memory.count || (memory.count > Self.keptByteCount && bytes.count <= Self.keptByteCount) {
            memory.deallocate()
            memory = .allocate(byteCount: max(bytes.count, 64 << 10), alignment: 16)
        }
        let wide = UInt64(mask) | UInt64(mask) << 32
        var offset = 0
        while offset &+ 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide
            memory.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        while offset < bytes.count {
            // The mask as it lies in memory, byte by byte.
            memory[offset] = bytes[offset] ^ UInt8(truncatingIfNeeded: mask.littleEndian >> (8 * (UInt32(offset) & 3)))
            offset += 1
        }
        return UnsafeRawBufferPointer(rebasing: memory[..<bytes.count])
    }
}
