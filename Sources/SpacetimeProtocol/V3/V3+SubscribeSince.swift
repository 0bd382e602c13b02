public import SpacetimeSATS

extension V3 {
    /// Watches queries as one set, of a client that has the rows that they had at an earlier commit.
    ///
    /// It is answered like ``V2/ClientMessage/subscribe(requestID:querySetID:queries:)`` with all rows, which take the place of those
    /// that the client has; or, if the server still knows what has changed, with ``ServerMessage/resumed(requestID:querySetID:changes:)``.
    public struct SubscribeSince: Hashable, Sendable {
        /// The client's to choose, and only echoed.
        public var requestID: UInt32
        /// The client's to choose. It need not be the one that the set had on the connection before.
        public var querySetID: UInt32
        /// What the server called the history in which the rows were told: ``ServerMessage/history(_:)``.
        public var history: UInt128
        /// The commit at which the client's rows of this set are: the last ``ServerMessage/reached(_:)`` behind their first rows.
        public var offset: UInt64
        /// The queries that the rows are of.
        public var queries: [String]

        /// Queries whose rows a client has as they were at a commit.
        public init(requestID: UInt32, querySetID: UInt32, history: UInt128, offset: UInt64, queries: [String]) {
            self.requestID = requestID
            self.querySetID = querySetID
            self.history = history
            self.offset = offset
            self.queries = queries
        }

        /// Appends the message. It may stand beside others in a frame.
        public func encode(to writer: inout BSATNWriter) {
            writer.writeTag(V3.firstTag)
            writer.write(requestID)
            writer.write(querySetID)
            writer.write(history)
            writer.write(offset)
            writer.write(array: queries) { $0.write($1) }
        }
    }

    /// What a client says that asked for offsets.
    public enum ClientMessage: Hashable, Sendable {
        /// A message of the second protocol.
        case common(V2.ClientMessage)
        /// Watches queries, from a commit on.
        case subscribeSince(SubscribeSince)

        /// Appends the message. Several may be appended one after the other.
        public func encode(to writer: inout BSATNWriter) {
            switch self {
            case .common(let message): message.encode(to: &writer)
            case .subscribeSince(let message): message.encode(to: &writer)
            }
        }
    }
}

extension V2.ClientMessageReader {
    /// The next message if it is one of those that only clients have who asked for offsets; nil, and nothing is read, if it is
    /// another one or there is none.
    @_lifetime(self: copy self)
    public mutating func nextSubscribeSince() throws(ProtocolError) -> V3.SubscribeSince? {
        guard reader.isNext(tag: V3.firstTag) else { return nil }
        _ = try reader.u8()
        return V3.SubscribeSince(
            requestID: try reader.u32(), querySetID: try reader.u32(), history: try reader.value(),
            offset: try reader.u64(), queries: try reader.queries())
    }
}
