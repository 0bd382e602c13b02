public import SpacetimeSATS

extension V3 {
    /// What a server says to a client that asked for offsets.
    public enum ServerMessage: Hashable, Sendable {
        /// A message of the second protocol.
        case common(V2.ServerMessage)
        /// The name of the history that offsets are of from now on: behind the greeting, and when the module was replaced. What
        /// the client knew of offsets before is worth nothing on this connection.
        case history(UInt128)
        /// The client's rows, of all sets that were answered so far, are now those that the database had after this commit. Last in a
        /// frame, and at most once.
        case reached(UInt64)
        /// A set is being watched; this is what has changed in it since the commit that the client named. Empty if nothing has;
        /// else an entry for the one set.
        case resumed(requestID: UInt32, querySetID: UInt32, changes: [V2.QuerySetUpdate])
    }

    /// Reads the messages of one body, one after the other, as ``V2/ServerMessageReader`` does.
    public struct ServerMessageReader: ~Escapable {
        private var common: V2.ServerMessageReader

        /// - Parameters:
        ///   - body: what a server sent in one frame, plain.
        ///   - limits: what is refused.
        /// - Throws: if the body is larger than is accepted, or has no byte.
        @_lifetime(copy body)
        public init(_ body: RawSpan, limits: ProtocolLimits = .forClients) throws(ProtocolError) {
            common = try V2.ServerMessageReader(body, isBatched: true, limits: limits)
        }

        /// Where the next message begins.
        public var offset: Int { common.offset }

        /// The next message, or nil behind the last one.
        @_lifetime(self: copy self)
        public mutating func next() throws(ProtocolError) -> ServerMessage? {
            if let own = try common.nextOwn() { return own }
            return try common.next().map { .common($0) }
        }
    }
}

extension V2.ServerMessageReader {
    /// The next message if it is one of the third protocol's own; nil, and nothing is read, if not.
    @_lifetime(self: copy self)
    fileprivate mutating func nextOwn() throws(ProtocolError) -> V3.ServerMessage? {
        let tag = V3.firstTag
        if reader.isNext(tag: tag) {
            _ = try reader.u8()
            return .reached(try reader.u64())
        }
        if reader.isNext(tag: tag + 1) {
            _ = try reader.u8()
            return .resumed(
                requestID: try reader.u32(), querySetID: try reader.u32(), changes: try reader.querySets())
        }
        if reader.isNext(tag: tag + 2) {
            _ = try reader.u8()
            return .history(try reader.value())
        }
        return nil
    }
}

extension V3.ServerMessage {
    /// Appends the message, without the tag of the compression that goes in front of a body. For
    /// ``resumed(requestID:querySetID:changes:)`` there is ``V2/UpdateEncoder`` as well.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .common(let message): message.encode(to: &writer)
        case .reached(let offset):
            writer.writeTag(V3.firstTag)
            writer.write(offset)
        case .resumed(let requestID, let querySetID, let changes):
            V2.UpdateEncoder.writeHeadOfResumed(requestID, querySetID, to: &writer)
            writer.write(array: changes) { $1.encode(to: &$0) }
        case .history(let name):
            writer.writeTag(V3.firstTag + 2)
            writer.write(name)
        }
    }
}

extension V2.UpdateEncoder {
    /// Begins the answer to a client that has gone on where it was. It is complete if nothing is appended: nothing has changed.
    public static func resumed(
        requestID: UInt32, querySetID: UInt32, in writer: inout BSATNWriter
    ) -> V2.UpdateEncoder {
        writeHeadOfResumed(requestID, querySetID, to: &writer)
        return V2.UpdateEncoder(in: &writer)
    }

    fileprivate static func writeHeadOfResumed(_ request: UInt32, _ set: UInt32, to writer: inout BSATNWriter) {
        writer.writeTag(V3.firstTag + 1)
        writer.write(request)
        writer.write(set)
    }
}
