extension Identity {
    /// The identity of whoever `issuer` calls `subject`: the claims `iss` and `sub` of a token.
    ///
    /// The same claims always give the same identity. Displayed, it starts with `c200`.
    public init(issuer: String, subject: String) {
        let hash = BLAKE3.hash([UInt8](issuer.utf8) + [UInt8(ascii: "|")] + [UInt8](subject.utf8))
        let body = [0xc2, 0x00] + hash.prefix(26)
        // The checksum lets a mistyped identity be told from a real one.
        let checksum = BLAKE3.hash(body).prefix(4)
        self.init(bigEndianBytes: body.prefix(2) + checksum + body.dropFirst(2))
    }

    private init(bigEndianBytes bytes: ArraySlice<UInt8>) {
        self.init(number: UInt256(bigEndianBytes: [UInt8](bytes)) ?? .zero)
    }

    /// 64 lower-case hexadecimal digits, most significant first: the form for display, URLs and tokens.
    public var hex: String { Hexadecimal.text(number.bigEndianBytes) }

    /// From exactly 64 hexadecimal digits of either case, after an optional `0x`; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hexadecimal.prefixedBytes(hex, count: 32), let number = UInt256(bigEndianBytes: bytes) else {
            return nil
        }
        self.init(number: number)
    }
}

extension Identity: CustomStringConvertible, LosslessStringConvertible {
    /// ``hex``
    public var description: String { hex }

    /// As ``init(hex:)``.
    public init?(_ text: String) { self.init(hex: text) }
}

extension ConnectionId {
    /// 32 lower-case hexadecimal digits, most significant first.
    public var hex: String { Hexadecimal.text(number.bigEndianByteArray) }

    /// From exactly 32 hexadecimal digits of either case, after an optional `0x`; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hexadecimal.prefixedBytes(hex, count: 16) else { return nil }
        self.init(number: UInt128(bigEndianByteArray: bytes))
    }
}

extension ConnectionId: CustomStringConvertible, LosslessStringConvertible {
    /// ``hex``
    public var description: String { hex }

    /// As ``init(hex:)``.
    public init?(_ text: String) { self.init(hex: text) }
}

extension UInt128 {
    /// The sixteen bytes, most significant first.
    var bigEndianByteArray: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: self >> (120 - 8 * $0)) } }

    /// The bytes read as a number, most significant first; more than sixteen lose the first ones.
    init(bigEndianByteArray bytes: [UInt8]) { self = bytes.reduce(0) { $0 << 8 | UInt128($1) } }
}
