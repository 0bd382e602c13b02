/// What a client and a server agreed to speak, by the name that they agree with. In the order of a server's preference.
public enum Subprotocol: String, Hashable, Sendable, CaseIterable {
    /// Messages of the second protocol, several to a frame.
    case v3 = "v3.bsatn.spacetimedb"
    /// Messages of the second protocol, one to a frame.
    case v2 = "v2.bsatn.spacetimedb"
    /// Messages of the first protocol in BSATN.
    case v1BSATN = "v1.bsatn.spacetimedb"
    /// Messages of the first protocol in JSON.
    case v1JSON = "v1.json.spacetimedb"

    /// The name, as the header `Sec-WebSocket-Protocol` has it.
    public var name: String { rawValue }

    /// Whether a frame may hold more than one message, in both directions.
    public var isBatched: Bool { self == .v3 }

    /// Whether messages are texts.
    public var isText: Bool { self == .v1JSON }

    /// Whether the messages are those of the second protocol.
    public var speaksV2: Bool { self == .v3 || self == .v2 }

    /// Whether a client who does not say waits until its commits are durable.
    public var confirmsReadsByDefault: Bool { speaksV2 }
}

extension Subprotocol {
    /// The one that the server chooses of those that a client offers, by the server's preference; nil if it knows none.
    ///
    /// - Parameter headers: the values of all headers `Sec-WebSocket-Protocol`, each a list with commas.
    public static func negotiate(_ headers: [String]) -> Subprotocol? {
        let offered = headers.flatMap { $0.utf8.split(separator: UInt8(ascii: ",")).map(trimmed) }
        return allCases.first { candidate in offered.contains { $0.elementsEqual(candidate.name.utf8) } }
    }

    private static func trimmed(_ name: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var name = name.drop(while: isBlank)
        while let last = name.last, isBlank(last) { name.removeLast() }
        return name
    }
}
