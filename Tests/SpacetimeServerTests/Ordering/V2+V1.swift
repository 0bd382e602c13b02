import SpacetimeProtocol

// The first protocol in the words of the second, so that one model speaks both.

extension V2.ServerMessage {
    /// Nil for what the model never asks for.
    init?(_ message: V1.ServerMessage<V1.Binary>) {
        switch message {
        case .identityToken(let identity, let token, let connection):
            self = .initialConnection(identity: identity, connectionID: connection, token: token)
        case .subscribeMultiApplied(let applied):
            self = .subscribeApplied(
                requestID: applied.requestID, querySetID: applied.queryID,
                rows: Self.rows(applied.tables) { $0.inserts })
        case .unsubscribeMultiApplied(let applied):
            self = .unsubscribeApplied(
                requestID: applied.requestID, querySetID: applied.queryID,
                rows: Self.rows(applied.tables) { $0.deletes })
        case .subscriptionError(_, let request?, let set?, _, let text):
            self = .subscriptionError(requestID: request, querySetID: set, message: text)
        case .transactionUpdateLight(_, let tables): self = .transactionUpdate(Self.changes(tables))
        case .transactionUpdate(let update):
            let outcome: V2.ReducerOutcome
            switch update.status {
            case .committed(let tables): outcome = .committed(returnValue: [], changes: Self.changes(tables))
            case .failed(let text): outcome = .failed(text)
            case .outOfEnergy: return nil
            }
            self = .reducerResult(requestID: update.call.requestID, timestamp: update.timestamp, outcome: outcome)
        default: return nil
        }
    }

    private static func rows(
        _ tables: [V1.TableUpdate<V1.Binary>], _ which: (V1.QueryUpdate<V1.Binary>) -> RowList
    ) -> [V2.TableRows] {
        tables.flatMap { table in
            table.changes.compactMap(\.update).map { V2.TableRows(table: table.table, rows: which($0)) }
        }
    }

    private static func changes(_ tables: [V1.TableUpdate<V1.Binary>]) -> [V2.QuerySetUpdate] {
        let updates = tables.map { table in
            V2.TableUpdate(
                table: table.table,
                changes: table.changes.compactMap(\.update).map {
                    .persistent(inserts: $0.inserts, deletes: $0.deletes)
                })
        }
        return [V2.QuerySetUpdate(querySetID: 0, tables: updates)]
    }
}

extension V1.Binary.Changes {
    /// Nil for what is compressed, which the model does not ask for.
    fileprivate var update: V1.QueryUpdate<V1.Binary>? {
        guard case .plain(let update) = self else { return nil }
        return update
    }
}

extension V2.ClientMessage {
    /// What a client of the first protocol says instead; nil for what it cannot.
    var v1: V1.ClientMessage? {
        switch self {
        case .subscribe(let request, let set, let queries):
            .subscribeMulti(queries: queries, requestID: request, queryID: set)
        case .unsubscribe(let request, let set, _): .unsubscribeMulti(requestID: request, queryID: set)
        case .callReducer(let request, let name, let arguments):
            .callReducer(name: name, arguments: .bsatn(arguments), requestID: request, notifiesCaller: true)
        default: nil
        }
    }
}
