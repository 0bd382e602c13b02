/// The rules for addresses that strangers choose and the server asks: those of issuers, and those that their documents name.
enum DocumentAddress {
    /// Whether a text is the address of a document: of `http` or `https`, at a host without a user in front of it, with a port
    /// that there is. The client that asks takes more, and stops the program at a port that is too large.
    static func isValid(_ text: String) -> Bool {
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: text.hasPrefix) else { return false }
        // Foreign letters, blanks and what else URLs hold in an encoded form only.
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else { return false }
        let authority = text.utf8.dropFirst(scheme.utf8.count).prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        guard let host = hostAndPort(authority) else { return false }
        return !host.isEmpty
    }

    /// The host of an authority; nil if there is a user in front of it, or behind it something else than a port.
    private static func hostAndPort(_ authority: Substring.UTF8View) -> Substring.UTF8View? {
        let host: Substring.UTF8View
        if authority.first == UInt8(ascii: "[") {
            // An address of IPv6, whose own colons are in brackets.
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = authority[...end]
            guard host.dropFirst().dropLast().allSatisfy({ isHexDigit($0) || $0 == colon || $0 == UInt8(ascii: ".") })
            else { return nil }
        } else {
            host = authority.prefix { $0 != colon }
            guard host.allSatisfy({ isLetterOrDigit($0) || "-._~".utf8.contains($0) }) else { return nil }
        }
        let rest = authority[host.endIndex...]
        if rest.isEmpty { return host }
        guard rest.first == colon, rest.dropFirst().allSatisfy({ isDigit($0) }),
            let port = UInt16(Substring(rest.dropFirst())), port > 0
        else { return nil }
        return host
    }

    private static let colon = UInt8(ascii: ":")

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }
}
