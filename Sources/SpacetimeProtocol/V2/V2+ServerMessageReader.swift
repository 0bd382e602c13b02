import SpacetimeSATS

extension V2 {
    /// Reads the messages of one body, one after the other: a body is what follows the tag of the compression, after it was
    /// decompressed (``ServerPayload``).
    public struct ServerMessageReader: ~Escapable {
        var reader: WireReader
        private let isBatched: Bool
        private var isDone = false

        /// - Parameters:
        ///   - body: what a server sent in one frame, plain.
        ///   - isBatched: whether the body may hold more than one message. Otherwise what follows the first is passed over.
        ///   - limits: what is refused.
        /// - Throws: if the body is larger than is accepted, or has no byte.
        @_lifetime(copy body)
        public init(
            _ body: RawSpan, isBatched: Bool, limits: ProtocolLimits = .forClients
        ) throws(ProtocolError) {
            try limits.check(.messageBytes, body.byteCount, at: 0)
            if body.byteCount == 0 { throw .emptyPayload }
            reader = WireReader(body, limits: limits)
            self.isBatched = isBatched
        }

        /// Where the next message begins.
        public var offset: Int { reader.offset }

        /// The next message, or nil behind the last one.
        @_lifetime(self: copy self)
        public mutating func next() throws(ProtocolError) -> ServerMessage? {
            if isDone || reader.isAtEnd { return nil }
            isDone = !isBatched
            switch try reader.tag(below: 8) {
            case 0:
                return .initialConnection(
                    identity: try reader.value(), connectionID: try reader.value(), token: try reader.text())
            case 1:
                return .subscribeApplied(
                    requestID: try reader.u32(), querySetID: try reader.u32(), rows: try reader.tableRows())
            case 2:
                return .unsubscribeApplied(
                    requestID: try reader.u32(), querySetID: try reader.u32(),
                    rows: try reader.option { (reader) throws(ProtocolError) in try reader.tableRows() })
            case 3:
                return .subscriptionError(
                    requestID: try reader.optionalU32(), querySetID: try reader.u32(), message: try reader.text())
            case 4: return .transactionUpdate(try reader.querySets())
            case 5:
                return .oneOffQueryResult(requestID: try reader.u32(), result: try reader.oneOffQueryResult())
            case 6:
                return .reducerResult(
                    requestID: try reader.u32(), timestamp: try reader.value(), outcome: try reader.reducerOutcome())
            default: return try procedureResult()
            }
        }

        @_lifetime(self: copy self)
        private mutating func procedureResult() throws(ProtocolError) -> ServerMessage {
            let outcome = try reader.procedureOutcome()
            let timestamp: Timestamp = try reader.value()
            let duration: TimeDuration = try reader.value()
            return .procedureResult(
                requestID: try reader.u32(), outcome: outcome, timestamp: timestamp, duration: duration)
        }
    }
}

extension V2.ServerMessage {
    /// Reads the first message of a plain body, and passes over what follows it.
    public init(body: [UInt8], limits: ProtocolLimits = .forClients) throws(ProtocolError) {
        var reader = try V2.ServerMessageReader(body.span.bytes, isBatched: false, limits: limits)
        guard let message = try reader.next() else { throw .emptyPayload }
        self = message
    }
}

extension WireReader {
    /// The least bytes of a list of rows: tag, size and count, or tag and two counts.
    private static var leastRowListSize: Int { 7 }

    @_lifetime(self: copy self)
    fileprivate mutating func tableRows() throws(ProtocolError) -> [V2.TableRows] {
        try array(minimumElementSize: 4 + Self.leastRowListSize) { (reader) throws(ProtocolError) in
            V2.TableRows(table: try reader.text(), rows: try reader.rowList())
        }
    }

    @_lifetime(self: copy self)
    mutating func querySets() throws(ProtocolError) -> [V2.QuerySetUpdate] {
        try array(minimumElementSize: 8) { (reader) throws(ProtocolError) in
            let querySetID = try reader.u32()
            let tables = try reader.array(minimumElementSize: 8) { (reader) throws(ProtocolError) in
                V2.TableUpdate(
                    table: try reader.text(),
                    changes: try reader.array(minimumElementSize: 1 + Self.leastRowListSize) {
                        (reader) throws(ProtocolError) in try reader.rowChanges()
                    })
            }
            return V2.QuerySetUpdate(querySetID: querySetID, tables: tables)
        }
    }

    @_lifetime(self: copy self)
    private mutating func rowChanges() throws(ProtocolError) -> V2.RowChanges {
        try tag(below: 2) == 0
            ? .persistent(inserts: try rowList(), deletes: try rowList())
            : .event(try rowList())
    }

    @_lifetime(self: copy self)
    fileprivate mutating func oneOffQueryResult() throws(ProtocolError) -> V2.OneOffQueryResult {
        try tag(below: 2) == 0 ? .rows(try tableRows()) : .error(try text())
    }

    @_lifetime(self: copy self)
    fileprivate mutating func reducerOutcome() throws(ProtocolError) -> V2.ReducerOutcome {
        switch try tag(below: 4) {
        case 0: .committed(returnValue: try bytes(), changes: try querySets())
        case 1: .committedEmpty
        case 2: .failedWithBytes(try bytes())
        default: .internalError(try text())
        }
    }

    @_lifetime(self: copy self)
    fileprivate mutating func procedureOutcome() throws(ProtocolError) -> V2.ProcedureOutcome {
        try tag(below: 2) == 0 ? .returned(try bytes()) : .internalError(try text())
    }
}
