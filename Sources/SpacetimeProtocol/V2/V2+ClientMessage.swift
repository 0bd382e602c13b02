public import SpacetimeSATS

extension V2 {
    /// What a client says. The ids are the client's to choose, and zero is one of them; request ids are only ever echoed.
    public enum ClientMessage: Hashable, Sendable {
        /// Watches queries as one set.
        case subscribe(requestID: UInt32, querySetID: UInt32, queries: [String])
        /// Leaves a set, and asks for the rows that are dropped with it if `wantsRows`.
        case unsubscribe(requestID: UInt32, querySetID: UInt32, wantsRows: Bool)
        /// Asks for rows once.
        case oneOffQuery(requestID: UInt32, query: String)
        /// Calls a reducer with the BSATN of its parameters.
        case callReducer(requestID: UInt32, name: String, arguments: [UInt8])
        /// Calls a procedure with the BSATN of its parameters.
        case callProcedure(requestID: UInt32, name: String, arguments: [UInt8])
    }
}

extension V2.ClientMessage {
    /// The largest tag, and one.
    static var tagCount: Int { 5 }

    /// Reads the first message of a payload, and passes over what follows it.
    public init(payload: [UInt8], limits: ProtocolLimits = ProtocolLimits()) throws(ProtocolError) {
        var reader = try V2.ClientMessageReader(payload.span.bytes, isBatched: false, limits: limits)
        guard let message = try reader.next() else { throw .emptyPayload }
        self.init(message)
    }

    /// A copy of a message that was read in place.
    public init(_ message: borrowing V2.BorrowedClientMessage) {
        switch copy message {
        case .subscribe(let requestID, let querySetID, let queries):
            self = .subscribe(requestID: requestID, querySetID: querySetID, queries: queries)
        case .unsubscribe(let requestID, let querySetID, let wantsRows):
            self = .unsubscribe(requestID: requestID, querySetID: querySetID, wantsRows: wantsRows)
        case .oneOffQuery(let requestID, let query): self = .oneOffQuery(requestID: requestID, query: query)
        case .callReducer(let call):
            self = .callReducer(requestID: call.requestID, name: call.nameText, arguments: call.argumentBytes)
        case .callProcedure(let call):
            self = .callProcedure(requestID: call.requestID, name: call.nameText, arguments: call.argumentBytes)
        }
    }

    /// Appends the message. On v3 several may be appended one after the other.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .subscribe(let requestID, let querySetID, let queries):
            writer.writeTag(0)
            writer.write(requestID)
            writer.write(querySetID)
            writer.write(array: queries) { $0.write($1) }
        case .unsubscribe(let requestID, let querySetID, let wantsRows):
            writer.writeTag(1)
            writer.write(requestID)
            writer.write(querySetID)
            // A sum of two variants without payload, which is the same byte as a Bool.
            writer.write(wantsRows)
        case .oneOffQuery(let requestID, let query):
            writer.writeTag(2)
            writer.write(requestID)
            writer.write(query)
        case .callReducer(let requestID, let name, let arguments):
            writer.writeTag(3)
            Self.writeCall(requestID, name, arguments, to: &writer)
        case .callProcedure(let requestID, let name, let arguments):
            writer.writeTag(4)
            Self.writeCall(requestID, name, arguments, to: &writer)
        }
    }

    private static func writeCall(
        _ requestID: UInt32, _ name: String, _ arguments: [UInt8], to writer: inout BSATNWriter
    ) {
        writer.write(requestID)
        // Flags: there are none.
        writer.write(0 as UInt8)
        writer.write(name)
        writer.write(arguments)
    }
}
