import SpacetimeProtocol
import SpacetimeSATS
import Testing

extension RowList {
    /// Where each row ends.
    var ends: [Int] {
        var end = 0
        return (0..<count).map {
            end += self[$0].count
            return end
        }
    }
}

/// The encoders that put messages together from rows that were encoded before give the same bytes as the messages.
@Suite struct SplicingTests {
    /// The changes in the form that a server gives them.
    private func piece(_ changes: V2.RowChanges) -> [UInt8] {
        written { writer in
            switch changes {
            case .persistent(let inserts, let deletes):
                V2.appendChanges(
                    inserts: inserts.data, ends: inserts.ends, deletes: deletes.data, ends: deletes.ends, to: &writer)
            case .event(let rows): V2.appendEvents(rows.data, ends: rows.ends, to: &writer)
            }
        }
    }

    private func append(
        _ sets: [V2.QuerySetUpdate], to update: inout V2.UpdateEncoder, _ writer: inout BSATNWriter
    ) {
        #expect(update.isEmpty)
        for set in sets {
            for table in set.tables {
                for changes in table.changes {
                    let bytes = piece(changes)
                    update.append(
                        bytes.span.bytes, table: table.table, querySetID: set.querySetID, to: &writer)
                }
            }
        }
        #expect(update.isEmpty == sets.isEmpty)
    }

    @Test(arguments: Vector.v2Server) func splicedMessagesAreTheSame(_ vector: Vector) throws {
        // Legal, but nothing that a server sends: sets and tables without any change, offsets where sizes are equal.
        if vector.name.contains("a set without tables") || vector.name.contains("but offsets") { return }
        let message = try V2.ServerMessage(body: vector.body)
        var isSpliced = true
        let bytes = written { writer in
            switch message {
            case .transactionUpdate(let sets):
                var update = V2.UpdateEncoder.transactionUpdate(in: &writer)
                append(sets, to: &update, &writer)
            case .reducerResult(let requestID, let timestamp, .committed(_, let sets)):
                var update = V2.UpdateEncoder.reducerResult(requestID: requestID, timestamp: timestamp, in: &writer)
                append(sets, to: &update, &writer)
            case .subscribeApplied(let requestID, let querySetID, let tables):
                var rows = V2.RowsEncoder.subscribeApplied(requestID: requestID, querySetID: querySetID, in: &writer)
                append(tables, to: &rows, &writer)
            case .unsubscribeApplied(let requestID, let querySetID, let tables?):
                var rows = V2.RowsEncoder.unsubscribeApplied(requestID: requestID, querySetID: querySetID, in: &writer)
                append(tables, to: &rows, &writer)
            case .oneOffQueryResult(let requestID, .rows(let tables)):
                var rows = V2.RowsEncoder.oneOffQueryResult(requestID: requestID, in: &writer)
                append(tables, to: &rows, &writer)
            default: isSpliced = false
            }
        }
        if isSpliced { #expect(bytes == vector.body) }
    }

    private func append(_ tables: [V2.TableRows], to rows: inout V2.RowsEncoder, _ writer: inout BSATNWriter) {
        for (index, table) in tables.enumerated() {
            // Both ways by turns.
            if index.isMultiple(of: 2) {
                rows.append(table.rows.data, ends: table.rows.ends, table: table.table, to: &writer)
            } else {
                let bytes = written { $0.writeRows(table.rows.data, ends: table.rows.ends) }
                rows.append(bytes.span.bytes, table: table.table, to: &writer)
            }
        }
    }

    @Test func messagesFollowEachOtherInAFrame() throws {
        let timestamp = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)
        let body = written { writer in
            _ = V2.UpdateEncoder.reducerResult(requestID: 1, timestamp: timestamp, in: &writer)
            var update = V2.UpdateEncoder.transactionUpdate(in: &writer)
            for (set, table) in [(1 as UInt32, "a"), (1, "a"), (1, "b"), (2, "b")] {
                update.append(hex("01 01 00000000 00000000").span.bytes, table: table, querySetID: set, to: &writer)
            }
            _ = V2.UpdateEncoder.reducerResult(requestID: 2, timestamp: timestamp, in: &writer)
        }
        let event = V2.RowChanges.event(RowList())
        #expect(
            try serverMessages(body.span.bytes) == [
                .reducerResult(requestID: 1, timestamp: timestamp, outcome: .committed(returnValue: [], changes: [])),
                .transactionUpdate([
                    V2.QuerySetUpdate(
                        querySetID: 1,
                        tables: [
                            V2.TableUpdate(table: "a", changes: [event, event]),
                            V2.TableUpdate(table: "b", changes: [event]),
                        ]),
                    V2.QuerySetUpdate(querySetID: 2, tables: [V2.TableUpdate(table: "b", changes: [event])]),
                ]),
                .reducerResult(requestID: 2, timestamp: timestamp, outcome: .committed(returnValue: [], changes: [])),
            ])
    }
}
