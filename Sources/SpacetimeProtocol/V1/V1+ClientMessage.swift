public import SpacetimeSATS

extension V1 {
    /// What a client says.
    public enum ClientMessage: Hashable, Sendable {
        /// Calls a reducer. With `notifiesCaller` false the caller is told nothing of the outcome, good or bad, but what its
        /// subscriptions see.
        case callReducer(name: String, arguments: Arguments, requestID: UInt32, notifiesCaller: Bool)
        /// Watches queries instead of those of the last such message.
        case subscribe(queries: [String], requestID: UInt32)
        /// Asks for rows once, under a name of the client's.
        case oneOffQuery(messageID: [UInt8], query: String)
        /// Watches one query.
        case subscribeSingle(query: String, requestID: UInt32, queryID: UInt32)
        /// Watches queries as one set.
        case subscribeMulti(queries: [String], requestID: UInt32, queryID: UInt32)
        /// Leaves what ``subscribeSingle(query:requestID:queryID:)`` began.
        case unsubscribe(requestID: UInt32, queryID: UInt32)
        /// Leaves what ``subscribeMulti(queries:requestID:queryID:)`` began.
        case unsubscribeMulti(requestID: UInt32, queryID: UInt32)
        /// Calls a procedure.
        case callProcedure(name: String, arguments: Arguments, requestID: UInt32)
    }

    /// Arguments of a call, in the form of the message that they came in. A server takes either kind of frame on either kind
    /// of connection, so one connection may bring both.
    public enum Arguments: Hashable, Sendable {
        /// The BSATN of the parameters.
        case bsatn([UInt8])
        /// JSON: an array of the arguments, or an object with them by name.
        case json(String)
    }
}

extension V1.ClientMessage {
    /// Reads the message of a binary frame, and passes over what follows it.
    public init(payload: [UInt8], limits: ProtocolLimits = ProtocolLimits()) throws(ProtocolError) {
        try limits.check(.messageBytes, payload.count, at: 0)
        if payload.isEmpty { throw .emptyPayload }
        var reader = WireReader(payload.span.bytes, limits: limits)
        try self.init(from: &reader) { (reader) throws(ProtocolError) in .bsatn(try reader.bytes()) }
    }

    /// Reads the message of a text frame.
    public init(text: [UInt8], limits: ProtocolLimits = ProtocolLimits()) throws(ProtocolError) {
        // No message has more values than its queries, or the bytes of its id, and a few fields.
        let valueLimit = limits.queriesPerMessage + limits.messageIDBytes + 64
        let bsatn = try V1.bsatn(
            of: text, type: V1.TextTypes.clientMessage, valueLimit: valueLimit, limits: limits)
        var reader = WireReader(bsatn.span.bytes, limits: limits)
        do throws(ProtocolError) {
            try self.init(from: &reader) { (reader) throws(ProtocolError) in .json(try reader.text()) }
        } catch { throw error.withoutPlace }
    }

    private init(
        from reader: inout WireReader, arguments: (inout WireReader) throws(ProtocolError) -> V1.Arguments
    ) throws(ProtocolError) {
        switch try reader.tag(below: 8) {
        case 0:
            self = .callReducer(
                name: try reader.text(.nameBytes), arguments: try arguments(&reader), requestID: try reader.u32(),
                notifiesCaller: try reader.flags(upTo: 1) == 0)
        case 1: self = .subscribe(queries: try reader.queries(), requestID: try reader.u32())
        case 2:
            self = .oneOffQuery(messageID: try reader.bytes(.messageIDBytes), query: try reader.text(.queryBytes))
        case 3:
            self = .subscribeSingle(
                query: try reader.text(.queryBytes), requestID: try reader.u32(), queryID: try reader.u32())
        case 4:
            self = .subscribeMulti(
                queries: try reader.queries(), requestID: try reader.u32(), queryID: try reader.u32())
        case 5: self = .unsubscribe(requestID: try reader.u32(), queryID: try reader.u32())
        case 6: self = .unsubscribeMulti(requestID: try reader.u32(), queryID: try reader.u32())
        default:
            let name = try reader.text(.nameBytes)
            let arguments = try arguments(&reader)
            self = .callProcedure(name: name, arguments: arguments, requestID: try reader.u32())
            _ = try reader.flags(upTo: 0)
        }
    }
}

extension V1.ClientMessage {
    /// Appends the message in BSATN. Arguments must be in BSATN, too.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .callReducer(let name, let arguments, let requestID, let notifiesCaller):
            writer.writeTag(0)
            writer.write(name)
            writer.write(arguments.bsatn)
            writer.write(requestID)
            writer.write(notifiesCaller ? 0 : 1 as UInt8)
        case .subscribe(let queries, let requestID):
            writer.writeTag(1)
            writer.write(array: queries) { $0.write($1) }
            writer.write(requestID)
        case .oneOffQuery(let messageID, let query):
            writer.writeTag(2)
            writer.write(messageID)
            writer.write(query)
        case .subscribeSingle(let query, let requestID, let queryID):
            writer.writeTag(3)
            writer.write(query)
            writer.write(requestID)
            writer.write(queryID)
        case .subscribeMulti(let queries, let requestID, let queryID):
            writer.writeTag(4)
            writer.write(array: queries) { $0.write($1) }
            writer.write(requestID)
            writer.write(queryID)
        case .unsubscribe(let requestID, let queryID):
            writer.writeTag(5)
            writer.write(requestID)
            writer.write(queryID)
        case .unsubscribeMulti(let requestID, let queryID):
            writer.writeTag(6)
            writer.write(requestID)
            writer.write(queryID)
        case .callProcedure(let name, let arguments, let requestID):
            writer.writeTag(7)
            writer.write(name)
            writer.write(arguments.bsatn)
            writer.write(requestID)
            // Flags: there are none.
            writer.write(0 as UInt8)
        }
    }

    /// The message in JSON. Arguments must be in JSON, too.
    public var text: [UInt8] {
        var printer = JSONPrinter()
        switch self {
        case .callReducer(let name, let arguments, let requestID, let notifiesCaller):
            printer.write(raw: "{\"CallReducer\":{\"reducer\":")
            printer.write(quoted: name)
            printer.write(raw: ",\"args\":")
            printer.write(quoted: arguments.json)
            printer.write(raw: ",\"request_id\":\(requestID),\"flags\":\(notifiesCaller ? 0 : 1)}}")
        case .subscribe(let queries, let requestID):
            printer.write(raw: "{\"Subscribe\":{\"query_strings\":")
            printer.writeList("[", "]", queries) { $0.write(quoted: $1) }
            printer.write(raw: ",\"request_id\":\(requestID)}}")
        case .oneOffQuery(let messageID, let query):
            printer.write(raw: "{\"OneOffQuery\":{\"message_id\":\"\(Hexadecimal.text(messageID))\",\"query_string\":")
            printer.write(quoted: query)
            printer.write(raw: "}}")
        case .subscribeSingle(let query, let requestID, let queryID):
            printer.write(raw: "{\"SubscribeSingle\":{\"query\":")
            printer.write(quoted: query)
            printer.write(raw: ",\"request_id\":\(requestID),\"query_id\":{\"id\":\(queryID)}}}")
        case .subscribeMulti(let queries, let requestID, let queryID):
            printer.write(raw: "{\"SubscribeMulti\":{\"query_strings\":")
            printer.writeList("[", "]", queries) { $0.write(quoted: $1) }
            printer.write(raw: ",\"request_id\":\(requestID),\"query_id\":{\"id\":\(queryID)}}}")
        case .unsubscribe(let requestID, let queryID):
            printer.write(raw: "{\"Unsubscribe\":{\"request_id\":\(requestID),\"query_id\":{\"id\":\(queryID)}}}")
        case .unsubscribeMulti(let requestID, let queryID):
            printer.write(raw: "{\"UnsubscribeMulti\":{\"request_id\":\(requestID),\"query_id\":{\"id\":\(queryID)}}}")
        case .callProcedure(let name, let arguments, let requestID):
            printer.write(raw: "{\"CallProcedure\":{\"procedure\":")
            printer.write(quoted: name)
            printer.write(raw: ",\"args\":")
            printer.write(quoted: arguments.json)
            printer.write(raw: ",\"request_id\":\(requestID),\"flags\":0}}")
        }
        return printer.bytes
    }
}

extension V1.Arguments {
    fileprivate var bsatn: [UInt8] {
        guard case .bsatn(let bytes) = self else {
            preconditionFailure("a call in BSATN takes its arguments in BSATN; these are JSON")
        }
        return bytes
    }

    fileprivate var json: String {
        guard case .json(let text) = self else {
            preconditionFailure("a call in JSON takes its arguments in JSON; these are BSATN")
        }
        return text
    }
}
