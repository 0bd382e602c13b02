/// How large the parts of a message may be that somebody else sent. Reaching a limit is an error that names it.
///
/// Counts in a message need no limit of their own: each element takes bytes, and a count that the message cannot back is
/// refused before anything is allocated for it.
public struct ProtocolLimits: Hashable, Sendable {
    /// The bytes of one payload; of a compressed one, before and after it was decompressed. 32 MiB by default.
    public var messageBytes: Int

    /// The queries of one subscribe message. 16,384 by default.
    public var queriesPerMessage: Int

    /// The UTF-8 bytes of one query. 1 MiB by default, which is more than SQL accepts: a statement that is merely too long is
    /// answered with an error, and does not cost its sender the connection.
    public var queryBytes: Int

    /// The UTF-8 bytes of the name of a reducer or procedure. 1,024 by default.
    public var nameBytes: Int

    /// The bytes that a client of the first protocol names a one-off query with. 1,024 by default.
    public var messageIDBytes: Int

    /// The defaults, or others in their place.
    public init(
        messageBytes: Int = 33_554_432, queriesPerMessage: Int = 16_384, queryBytes: Int = 1_048_576,
        nameBytes: Int = 1_024, messageIDBytes: Int = 1_024
    ) {
        self.messageBytes = messageBytes
        self.queriesPerMessage = queriesPerMessage
        self.queryBytes = queryBytes
        self.nameBytes = nameBytes
        self.messageIDBytes = messageIDBytes
    }

    /// What a client accepts of a server by default: as ``init(messageBytes:queriesPerMessage:queryBytes:nameBytes:messageIDBytes:)``,
    /// but 2 GiB for a payload, since the first rows of a subscription come in one.
    public static var forClients: ProtocolLimits { ProtocolLimits(messageBytes: 2_147_483_648) }
}

extension ProtocolLimits {
    /// What has a limit.
    public enum Part: Hashable, Sendable, CustomStringConvertible {
        /// The bytes of a payload.
        case messageBytes
        /// The queries of a message.
        case queries
        /// The bytes of a query.
        case queryBytes
        /// The bytes of a name.
        case nameBytes
        /// The bytes of a message id.
        case messageIDBytes

        public var description: String {
            switch self {
            case .messageBytes: "bytes of the message"
            case .queries: "queries of the message"
            case .queryBytes: "bytes of the query"
            case .nameBytes: "bytes of the name"
            case .messageIDBytes: "bytes of the message id"
            }
        }
    }

    /// The limit of a part.
    public func limit(of part: Part) -> Int {
        switch part {
        case .messageBytes: messageBytes
        case .queries: queriesPerMessage
        case .queryBytes: queryBytes
        case .nameBytes: nameBytes
        case .messageIDBytes: messageIDBytes
        }
    }

    /// Throws if `found` is more than the limit of a part that begins at `at`.
    func check(_ part: Part, _ found: Int, at: Int?) throws(ProtocolError) {
        let limit = limit(of: part)
        guard found <= limit else { throw .tooLarge(part, found: found, limit: limit, at: at) }
    }
}
