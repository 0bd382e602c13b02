import SpacetimeSATS

extension V1.ServerMessage where Form == V1.Binary {
    /// Reads the message of a plain body: what follows the tag of the compression, after it was decompressed
    /// (``ServerPayload``). Passes over what follows it.
    public init(body: [UInt8], limits: ProtocolLimits = .forClients) throws(ProtocolError) {
        try self.init(body: body.span.bytes, limits: limits)
    }

    /// As ``init(body:limits:)``, of lent bytes.
    public init(body: RawSpan, limits: ProtocolLimits = .forClients) throws(ProtocolError) {
        try limits.check(.messageBytes, body.byteCount, at: 0)
        if body.byteCount == 0 { throw .emptyPayload }
        var reader = WireReader(body, limits: limits)
        try self.init(from: &reader)
    }
}

extension V1.ServerMessage where Form == V1.Text {
    /// Reads the message of a text frame.
    public init(text: [UInt8], limits: ProtocolLimits = .forClients) throws(ProtocolError) {
        let bsatn = try V1.bsatn(of: text, type: V1.TextTypes.serverMessage, valueLimit: .max, limits: limits)
        var reader = WireReader(bsatn.span.bytes, limits: limits)
        do throws(ProtocolError) { try self.init(from: &reader) } catch { throw error.withoutPlace }
    }
}

extension V1.ServerMessage where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        switch try reader.tag(below: 11) {
        case 0:
            self = .initialSubscription(
                try Self.tables(from: &reader), requestID: try reader.u32(), duration: try reader.value())
        case 1: self = .transactionUpdate(try V1.TransactionUpdate(from: &reader))
        case 2: self = .transactionUpdateLight(requestID: try reader.u32(), try Self.tables(from: &reader))
        case 3:
            self = .identityToken(
                identity: try reader.value(), token: try reader.text(), connectionID: try reader.value())
        case 4:
            self = .oneOffQueryResponse(
                messageID: try reader.bytes(),
                error: try reader.option { (reader) throws(ProtocolError) in try reader.text() },
                tables: try reader.array(minimumElementSize: 8) { (reader) throws(ProtocolError) in
                    V1.OneOffTable(table: try reader.text(), rows: try Form.rows(from: &reader))
                }, duration: try reader.value())
        case 5: self = .subscribeApplied(try V1.SingleApplied(from: &reader))
        case 6: self = .unsubscribeApplied(try V1.SingleApplied(from: &reader))
        case 7:
            self = .subscriptionError(
                microseconds: try reader.u64(), requestID: try reader.optionalU32(),
                queryID: try reader.optionalU32(), tableID: try reader.optionalU32(), message: try reader.text())
        case 8: self = .subscribeMultiApplied(try V1.MultiApplied(from: &reader))
        case 9: self = .unsubscribeMultiApplied(try V1.MultiApplied(from: &reader))
        default:
            self = .procedureResult(
                outcome: try V1.ProcedureOutcome(from: &reader), timestamp: try reader.value(),
                duration: try reader.value(), requestID: try reader.u32())
        }
    }

    @_lifetime(reader: copy reader)
    fileprivate static func tables(
        from reader: inout WireReader
    ) throws(ProtocolError) -> [V1.TableUpdate<Form>] {
        // A number, a name, a count of rows and a count of changes.
        try reader.array(minimumElementSize: 20) { (reader) throws(ProtocolError) in
            try V1.TableUpdate(from: &reader)
        }
    }
}

extension V1.TableUpdate where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        tableID = try reader.u32()
        table = try reader.text()
        rowCount = try reader.u64()
        // The least are compressed ones of no bytes: a tag and a count.
        changes = try reader.array(minimumElementSize: 5) { (reader) throws(ProtocolError) in
            try Form.changes(from: &reader)
        }
    }
}

extension V1.TransactionUpdate where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        switch try reader.tag(below: 3) {
        case 0: status = .committed(try V1.ServerMessage<Form>.tables(from: &reader))
        case 1: status = .failed(try reader.text())
        default: status = .outOfEnergy
        }
        timestamp = try reader.value()
        callerIdentity = try reader.value()
        callerConnectionID = try reader.value()
        call = V1.ReducerCall(
            name: try reader.text(), reducerID: try reader.u32(), arguments: try Form.arguments(from: &reader),
            requestID: try reader.u32())
        energy = try reader.value()
        duration = try reader.value()
    }
}

extension V1.SingleApplied where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        requestID = try reader.u32()
        microseconds = try reader.u64()
        queryID = try reader.u32()
        // The number and the name of the table, which the rows have once more.
        _ = try reader.u32()
        _ = try reader.utf8()
        rows = try V1.TableUpdate(from: &reader)
    }
}

extension V1.MultiApplied where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        requestID = try reader.u32()
        microseconds = try reader.u64()
        queryID = try reader.u32()
        tables = try V1.ServerMessage<Form>.tables(from: &reader)
    }
}

extension V1.ProcedureOutcome where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    fileprivate init(from reader: inout WireReader) throws(ProtocolError) {
        switch try reader.tag(below: 3) {
        case 0: self = .returned(try Form.arguments(from: &reader))
        case 1: self = .outOfEnergy
        default: self = .internalError(try reader.text())
        }
    }
}
