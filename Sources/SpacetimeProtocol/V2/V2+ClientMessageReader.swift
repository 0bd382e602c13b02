import SpacetimeSATS

extension V2 {
    /// A call as it lies in a client's frame: nothing of it was copied.
    public struct BorrowedCall: ~Escapable {
        /// To be echoed in the answer.
        public let requestID: UInt32
        /// The UTF-8 of the reducer's or procedure's name. It was checked to be UTF-8.
        public let name: RawSpan
        /// The BSATN of the parameters.
        public let arguments: RawSpan

        @_lifetime(copy name, copy arguments)
        init(requestID: UInt32, name: RawSpan, arguments: RawSpan) {
            self.requestID = requestID
            self.name = name
            self.arguments = arguments
        }

        /// A copy of the name.
        public var nameText: String { name.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

        /// A copy of the arguments.
        public var argumentBytes: [UInt8] { arguments.withUnsafeBytes { [UInt8]($0) } }
    }

    /// What a client says, with its calls as they lie in the frame. The other messages are rare, and need their texts.
    public enum BorrowedClientMessage: ~Escapable {
        /// See ``ClientMessage/subscribe(requestID:querySetID:queries:)``.
        case subscribe(requestID: UInt32, querySetID: UInt32, queries: [String])
        /// See ``ClientMessage/unsubscribe(requestID:querySetID:wantsRows:)``.
        case unsubscribe(requestID: UInt32, querySetID: UInt32, wantsRows: Bool)
        /// See ``ClientMessage/oneOffQuery(requestID:query:)``.
        case oneOffQuery(requestID: UInt32, query: String)
        /// Calls a reducer.
        case callReducer(BorrowedCall)
        /// Calls a procedure.
        case callProcedure(BorrowedCall)
    }

    /// Reads the messages of one payload in place, one after the other. Calls are read without any allocation.
    ///
    /// ```swift
    /// var reader = try V2.ClientMessageReader(frame, isBatched: subprotocol.isBatched, limits: limits)
    /// while let message = try reader.next() { handle(message) }
    /// ```
    ///
    /// Once reading has thrown, the rest of the payload is lost; what was read before it stands.
    public struct ClientMessageReader: ~Escapable {
        var reader: WireReader
        private let isBatched: Bool
        private var isDone = false

        /// - Parameters:
        ///   - payload: what a client sent in one frame.
        ///   - isBatched: whether the payload may hold more than one message. Otherwise what follows the first is passed over.
        ///   - limits: what is refused.
        /// - Throws: if the payload is larger than is accepted, or has no byte.
        @_lifetime(copy payload)
        public init(
            _ payload: RawSpan, isBatched: Bool, limits: ProtocolLimits = ProtocolLimits()
        ) throws(ProtocolError) {
            try limits.check(.messageBytes, payload.byteCount, at: 0)
            if payload.byteCount == 0 { throw .emptyPayload }
            reader = WireReader(payload, limits: limits)
            self.isBatched = isBatched
        }

        /// Where the next message begins.
        public var offset: Int { reader.offset }

        /// The next message, or nil behind the last one.
        @_lifetime(copy self) @_lifetime(self: copy self)
        public mutating func next() throws(ProtocolError) -> BorrowedClientMessage? {
            if isDone || reader.isAtEnd { return nil }
            isDone = !isBatched
            switch try reader.tag(below: ClientMessage.tagCount) {
            case 0:
                return .subscribe(
                    requestID: try reader.u32(), querySetID: try reader.u32(), queries: try reader.queries())
            case 1:
                return .unsubscribe(
                    requestID: try reader.u32(), querySetID: try reader.u32(), wantsRows: try reader.tag(below: 2) == 1)
            case 2: return .oneOffQuery(requestID: try reader.u32(), query: try reader.text(.queryBytes))
            case 3: return .callReducer(try call())
            default: return .callProcedure(try call())
            }
        }

        @_lifetime(copy self) @_lifetime(self: copy self)
        private mutating func call() throws(ProtocolError) -> BorrowedCall {
            let requestID = try reader.u32()
            _ = try reader.flags(upTo: 0)
            let name = try reader.utf8(.nameBytes)
            let arguments = try reader.countedSpan()
            return BorrowedCall(requestID: requestID, name: name, arguments: arguments)
        }
    }
}
