public import SpacetimeSATS

/// What a client asks for in the query of the upgrade.
public struct ConnectionParameters: Hashable, Sendable {
    /// The connection id that the client chose; nil leaves the choice to the server. See ``refusal``.
    public var connectionID: ConnectionId?
    /// What the server may compress with.
    public var compression: Compression
    /// Whether clients of the first protocol get light updates of what others did.
    public var isLight: Bool
    /// Whether to wait for durability; nil for the default of the subprotocol.
    public var isConfirmed: Bool?
    /// A token, where no header could be set.
    public var token: String?
    /// Names a session that outlives its connections. At most ``sessionIDByteLimit`` bytes.
    public var sessionID: String?

    /// Whether the client wants to know which commit its rows are at, so that it can go on from there on another connection.
    /// See ``V3``; only ``Subprotocol/v3`` has it.
    public var wantsOffsets: Bool

    /// The longest session id, in UTF-8 bytes.
    public static var sessionIDByteLimit: Int { 128 }

    /// What a client who asks for nothing gets.
    public init() {
        compression = .brotli
        isLight = false
        wantsOffsets = false
    }

    /// Reads the names and values of a query, in any order, after percent signs were undone. Unknown names are passed over.
    ///
    /// - Throws: ``Problem`` for the first known name that comes twice or whose value cannot be read.
    public init(_ query: [(name: String, value: String)]) throws(Problem) {
        self.init()
        var seen: Set<String> = []
        for (name, value) in query {
            guard let parameter = Parameter(rawValue: name) else { continue }
            guard seen.insert(name).inserted else { throw Problem(parameter: name, expected: "to be given once") }
            try set(parameter, value)
        }
    }

    /// What is wrong with the connection id although it could be read: the one of nobody. To be refused with status 400, after
    /// the headers of the upgrade were looked at.
    public var refusal: Problem? {
        guard let connectionID, connectionID.isNone else { return nil }
        return Problem(parameter: Parameter.connectionID.rawValue, expected: "another id than zero, which is reserved")
    }
}

extension ConnectionParameters {
    /// Why a query is answered with status 400.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// The name of the parameter.
        public let parameter: String
        /// What its value should have been.
        public let expected: String

        /// A parameter, and what was expected of it.
        public init(parameter: String, expected: String) {
            self.parameter = parameter
            self.expected = expected
        }

        /// The text of the answer.
        public var description: String { "parameter `\(parameter)`: expected \(expected)" }
    }

    private enum Parameter: String {
        case connectionID = "connection_id"
        case compression, light, confirmed, token, offsets
        case sessionID = "session_id"
    }

    private mutating func set(_ parameter: Parameter, _ value: String) throws(Problem) {
        func problem(_ expected: String) -> Problem { Problem(parameter: parameter.rawValue, expected: expected) }
        func flag() throws(Problem) -> Bool {
            switch value {
            case "true": return true
            case "false": return false
            default: throw problem("true or false")
            }
        }
        switch parameter {
        case .connectionID:
            // Without the prefixes that such an id may have elsewhere.
            guard value.utf8.count == 32, let id = ConnectionId(hex: value) else {
                throw problem("32 hexadecimal digits")
            }
            connectionID = id
        case .compression:
            guard let found = Compression(parameter: value) else { throw problem("None, Gzip or Brotli") }
            compression = found
        case .light: isLight = try flag()
        case .confirmed: isConfirmed = try flag()
        case .token: token = value
        case .offsets: wantsOffsets = try flag()
        case .sessionID:
            guard value.utf8.count <= Self.sessionIDByteLimit else {
                throw problem("at most \(Self.sessionIDByteLimit) bytes")
            }
            sessionID = value
        }
    }
}
