/// Where a server is: `ws://localhost:3000`, `wss://example.com/games`.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// Whether the connection is encrypted.
    public let isSecure: Bool
    /// The name or address of the machine; a v6 address is without its brackets.
    public let host: String
    /// The port; 80 and 443 are assumed.
    public let port: Int
    /// What comes before the paths of the server, without a slash at the end.
    public let basePath: String

    /// Reads an address. `http` and `https` do as well, and `ws` is assumed.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badAddress``.
    public init(_ text: String) throws(ClientError) {
        func problem(_ what: String) -> ClientError {
            ClientError(
                .badAddress, "\(text) is no address of a server: \(what). One looks like wss://example.com:3000")
        }
        var rest = Substring(text)
        var isSecure = false
        if let scheme = text.firstRange(of: "://") {
            switch text[..<scheme.lowerBound].lowercased() {
            case "ws", "http": break
            case "wss", "https": isSecure = true
            case let other: throw problem("it cannot be reached by \(other)")
            }
            rest = text[scheme.upperBound...]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = rest[slash...]
        while path.last == "/" { path.removeLast() }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else {
            throw problem("its path has characters that a path cannot have")
        }
        let authority = rest[..<slash]
        var host = authority
        var port: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw problem("a bracket is not closed") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let behind = authority[authority.index(after: end)...]
            if !behind.isEmpty {
                guard behind.first == ":" else { throw problem("a colon has to follow the bracket") }
                port = behind.dropFirst()
            }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") }) else {
            throw problem("it names no host")
        }
        if let port {
            guard let number = UInt16(port), number > 0 else { throw problem("\(port) is no port") }
            self.port = Int(number)
        } else {
            self.port = isSecure ? 443 : 80
        }
        self.isSecure = isSecure
        self.host = String(host)
        basePath = String(path)
    }

    /// Host and port, as a header and a key of a token store have them.
    public var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address in full.
    public var description: String { "\(isSecure ? "wss" : "ws")://\(hostAndPort)\(basePath)" }
}

/// Text as a part of a path or query may have it: everything but letters, digits and `-._~` is written as `%xx`.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
