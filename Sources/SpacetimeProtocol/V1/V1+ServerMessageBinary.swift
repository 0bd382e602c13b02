public import SpacetimeSATS

extension V1.ServerMessage where Form == V1.Binary {
    /// Appends the message, without the tag of the compression that goes in front of a body. Changes that were encoded before
    /// (``V1/Binary/Changes/encoded(_:)``) cost one copy of memory.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .initialSubscription(let tables, let requestID, let duration):
            writer.writeTag(0)
            writer.write(tables: tables)
            writer.write(requestID)
            duration.encode(to: &writer)
        case .transactionUpdate(let update):
            writer.writeTag(1)
            update.encode(to: &writer)
        case .transactionUpdateLight(let requestID, let tables):
            writer.writeTag(2)
            writer.write(requestID)
            writer.write(tables: tables)
        case .identityToken(let identity, let token, let connectionID):
            writer.writeTag(3)
            identity.encode(to: &writer)
            writer.write(token)
            connectionID.encode(to: &writer)
        case .oneOffQueryResponse(let messageID, let error, let tables, let duration):
            writer.writeTag(4)
            writer.write(messageID)
            writer.write(option: error) { $0.write($1) }
            writer.write(array: tables) { writer, table in
                writer.write(table.table)
                writer.write(table.rows)
            }
            duration.encode(to: &writer)
        case .subscribeApplied(let applied):
            writer.writeTag(5)
            applied.encode(to: &writer)
        case .unsubscribeApplied(let applied):
            writer.writeTag(6)
            applied.encode(to: &writer)
        case .subscriptionError(let microseconds, let requestID, let queryID, let tableID, let message):
            writer.writeTag(7)
            writer.write(microseconds)
            writer.write(option: requestID) { $0.write($1) }
            writer.write(option: queryID) { $0.write($1) }
            writer.write(option: tableID) { $0.write($1) }
            writer.write(message)
        case .subscribeMultiApplied(let applied):
            writer.writeTag(8)
            applied.encode(to: &writer)
        case .unsubscribeMultiApplied(let applied):
            writer.writeTag(9)
            applied.encode(to: &writer)
        case .procedureResult(let outcome, let timestamp, let duration, let requestID):
            writer.writeTag(10)
            outcome.encode(to: &writer)
            timestamp.encode(to: &writer)
            duration.encode(to: &writer)
            writer.write(requestID)
        }
    }
}

extension BSATNWriter {
    fileprivate mutating func write(tables: [V1.TableUpdate<V1.Binary>]) {
        write(array: tables) { $1.encode(to: &$0) }
    }
}

extension V1.TableUpdate where Form == V1.Binary {
    fileprivate func encode(to writer: inout BSATNWriter) {
        writer.write(tableID)
        writer.write(table)
        writer.write(rowCount)
        writer.write(array: changes) { $1.encode(to: &$0) }
    }
}

extension V1.Binary.Changes {
    fileprivate func encode(to writer: inout BSATNWriter) {
        switch self {
        case .plain(let update):
            writer.writeTag(0)
            // Deletes first, unlike in the second protocol.
            writer.write(update.deletes)
            writer.write(update.inserts)
        case .compressed(let compression, let bytes):
            precondition(compression != .none, "changes that are not compressed are plain ones")
            writer.writeTag(compression.rawValue)
            writer.write(bytes)
        case .encoded(let bytes): writer.append(bytes)
        }
    }
}

extension V1.TransactionUpdate where Form == V1.Binary {
    fileprivate func encode(to writer: inout BSATNWriter) {
        switch status {
        case .committed(let tables):
            writer.writeTag(0)
            writer.write(tables: tables)
        case .failed(let message):
            writer.writeTag(1)
            writer.write(message)
        case .outOfEnergy: writer.writeTag(2)
        }
        timestamp.encode(to: &writer)
        callerIdentity.encode(to: &writer)
        callerConnectionID.encode(to: &writer)
        writer.write(call.name)
        writer.write(call.reducerID)
        writer.write(call.arguments)
        writer.write(call.requestID)
        writer.write(energy)
        duration.encode(to: &writer)
    }
}

extension V1.SingleApplied where Form == V1.Binary {
    fileprivate func encode(to writer: inout BSATNWriter) {
        writer.write(requestID)
        writer.write(microseconds)
        writer.write(queryID)
        writer.write(rows.tableID)
        writer.write(rows.table)
        rows.encode(to: &writer)
    }
}

extension V1.MultiApplied where Form == V1.Binary {
    fileprivate func encode(to writer: inout BSATNWriter) {
        writer.write(requestID)
        writer.write(microseconds)
        writer.write(queryID)
        writer.write(tables: tables)
    }
}

extension V1.ProcedureOutcome where Form == V1.Binary {
    fileprivate func encode(to writer: inout BSATNWriter) {
        switch self {
        case .returned(let value):
            writer.writeTag(0)
            writer.write(value)
        case .outOfEnergy: writer.writeTag(1)
        case .internalError(let message):
            writer.writeTag(2)
            writer.write(message)
        }
    }
}

extension V1 {
    /// Appends what changed in one query, once for all who watch it: rows back to back, and where each ends. The bytes go into
    /// ``Binary/Changes/encoded(_:)``.
    public static func appendChanges(
        deletes: [UInt8], ends deleteEnds: [Int], inserts: [UInt8], ends insertEnds: [Int],
        to writer: inout BSATNWriter
    ) {
        writer.reserve(
            1 + RowList.byteCount(deletes, ends: deleteEnds) + RowList.byteCount(inserts, ends: insertEnds))
        // Not compressed.
        writer.writeTag(0)
        writer.writeRows(deletes, ends: deleteEnds)
        writer.writeRows(inserts, ends: insertEnds)
    }
}
