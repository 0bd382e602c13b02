import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct V1VectorTests {
    private func bsatn(_ meaning: Meaning) throws -> V1.Arguments { .bsatn(try meaning.bytes) }
    private func json(_ meaning: Meaning) throws -> V1.Arguments { .json(try meaning.text) }

    @Test(arguments: Vector.v1BinaryClient) func clientMessagesMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v1ClientMessage(bsatn)
        #expect(try V1.ClientMessage(payload: vector.bytes) == message)
        #expect(written { message.encode(to: &$0) } == vector.bytes)
        #expect(try V1.ClientMessage(payload: vector.bytes + [0xff]) == message)
        for length in vector.bytes.indices {
            let prefix = [UInt8](vector.bytes[..<length])
            #expect(throws: ProtocolError.self) { try V1.ClientMessage(payload: prefix) }
        }
    }

    @Test(arguments: Vector.v1BinaryServer) func serverMessagesMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v1ServerMessage(V1.Binary.self)
        #expect(try V1.ServerMessage(body: vector.body) == message)
        #expect(written { message.encode(to: &$0) } == vector.body)
        for length in vector.body.indices {
            let prefix = [UInt8](vector.body[..<length])
            #expect(throws: ProtocolError.self) { try V1.ServerMessage(body: prefix) }
        }
    }

    @Test(arguments: Vector.v1TextClient) func clientTextsMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v1ClientMessage(json)
        let text = [UInt8](vector.text.utf8)
        #expect(try V1.ClientMessage(text: text) == message)
        #expect(String(decoding: message.text, as: UTF8.self) == vector.text)
        for length in text.indices {
            #expect(throws: ProtocolError.self) { try V1.ClientMessage(text: [UInt8](text[..<length])) }
        }
    }

    @Test(arguments: Vector.v1TextServer) func serverTextsMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v1ServerMessage(V1.Text.self)
        let text = [UInt8](vector.text.utf8)
        #expect(try V1.ServerMessage(text: text) == message)
        #expect(String(decoding: message.text, as: UTF8.self) == vector.text)
        for length in text.indices {
            #expect(throws: ProtocolError.self) { try V1.ServerMessage(text: [UInt8](text[..<length])) }
        }
    }

    @Test(arguments: Vector.v1BinaryClient + Vector.v1BinaryServer + Vector.v1TextClient + Vector.v1TextServer)
    func noFlippedBitTraps(_ vector: Vector) {
        let isText = !vector.text.isEmpty
        let body = isText ? [UInt8](vector.text.utf8) : vector.body
        for bit in 0..<body.count * 8 {
            var flipped = body
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            switch (isText, vector.source) {
            case (true, .client): _ = try? V1.ClientMessage(text: flipped).text
            case (true, _): _ = try? V1.ServerMessage(text: flipped).text
            case (false, .client): _ = try? V1.ClientMessage(payload: flipped)
            case (false, _): _ = try? V1.ServerMessage(body: flipped)
            }
        }
    }

    /// The vectors hold two entries that are compressed by themselves, and what they stand for.
    @Test(arguments: Vector.v1BinaryServer.filter { $0.nested != nil })
    func compressedChangesAreDecompressed(_ vector: Vector) throws {
        let nested = try #require(vector.nested)
        guard case .transactionUpdateLight(_, let tables) = try V1.ServerMessage(body: vector.body),
            case .compressed(let compression, let bytes) = tables[0].changes[0]
        else {
            Issue.record("no compressed entry")
            return
        }
        #expect(compression == (vector.name.contains("Gzip") ? .gzip : .brotli))
        let known = KnownBodies([bytes: nested.plain])
        let update = try #require(try tables[0].changes[0].plain(decompressor: known))
        #expect(try update == nested.meaning.queryUpdate(V1.Binary.self))
        #expect(UInt64(update.deletes.count + update.inserts.count) == tables[0].rowCount)
        #expect(throws: ProtocolError.notDecompressed(compression)) {
            try tables[0].changes[0].plain(decompressor: NoCompression())
        }
        let plain = V1.Binary.Changes.plain(update)
        #expect(try plain.plain(decompressor: NoCompression()) == update)
    }

    @Test(arguments: Vector.v1BinaryServer) func changesEncodedOnceGiveTheSameBytes(_ vector: Vector) throws {
        func encoded(_ tables: [V1.TableUpdate<V1.Binary>]) -> [V1.TableUpdate<V1.Binary>] {
            tables.map { table in
                var table = table
                table.changes = table.changes.map { changes in
                    guard case .plain(let update) = changes else { return changes }
                    let (deletes, inserts) = (update.deletes, update.inserts)
                    return .encoded(
                        written {
                            V1.appendChanges(
                                deletes: deletes.data, ends: deletes.ends, inserts: inserts.data, ends: inserts.ends,
                                to: &$0)
                        })
                }
                return table
            }
        }
        let message = try V1.ServerMessage(body: vector.body).withTables(encoded)
        #expect(written { message.encode(to: &$0) } == vector.body)
    }

    @Test(arguments: Vector.v1TextServer) func changesEncodedOnceGiveTheSameText(_ vector: Vector) throws {
        func encoded(_ tables: [V1.TableUpdate<V1.Text>]) -> [V1.TableUpdate<V1.Text>] {
            tables.map { table in
                var table = table
                table.changes = table.changes.map { changes in
                    guard case .plain(let update) = changes else { return changes }
                    return .encoded(V1.changes(deletes: update.deletes, inserts: update.inserts))
                }
                return table
            }
        }
        let message = try V1.ServerMessage(text: [UInt8](vector.text.utf8)).withTables(encoded)
        #expect(String(decoding: message.text, as: UTF8.self) == vector.text)
    }
}

extension V1.ServerMessage {
    /// The message with other tables.
    fileprivate func withTables(
        _ change: ([V1.TableUpdate<Form>]) -> [V1.TableUpdate<Form>]
    ) -> V1.ServerMessage<Form> {
        func applied(_ applied: V1.MultiApplied<Form>) -> V1.MultiApplied<Form> {
            var applied = applied
            applied.tables = change(applied.tables)
            return applied
        }
        func single(_ applied: V1.SingleApplied<Form>) -> V1.SingleApplied<Form> {
            var applied = applied
            applied.rows = change([applied.rows])[0]
            return applied
        }
        switch self {
        case .initialSubscription(let tables, let requestID, let duration):
            return .initialSubscription(change(tables), requestID: requestID, duration: duration)
        case .transactionUpdate(var update):
            if case .committed(let tables) = update.status { update.status = .committed(change(tables)) }
            return .transactionUpdate(update)
        case .transactionUpdateLight(let requestID, let tables):
            return .transactionUpdateLight(requestID: requestID, change(tables))
        case .subscribeApplied(let rows): return .subscribeApplied(single(rows))
        case .unsubscribeApplied(let rows): return .unsubscribeApplied(single(rows))
        case .subscribeMultiApplied(let rows): return .subscribeMultiApplied(applied(rows))
        case .unsubscribeMultiApplied(let rows): return .unsubscribeMultiApplied(applied(rows))
        default: return self
        }
    }
}
