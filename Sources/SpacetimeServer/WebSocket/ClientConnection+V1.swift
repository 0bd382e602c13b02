import NIOCore
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// A call of a client of the first protocol, which is told its own arguments again.
struct V1Call {
    let request: UInt32
    let arguments: V1.Arguments
    let notifiesCaller: Bool
}

/// The first protocol, as BSATN or as JSON: what comes in.
extension ClientConnection {
    /// The kind of the frame says how it is to be read, whatever was negotiated.
    func receiveV1(_ payload: UnsafeRawBufferPointer, isText: Bool) throws(ProtocolError) {
        let bytes = Array(payload)
        let message =
            isText
            ? try V1.ClientMessage(text: bytes, limits: limits) : try V1.ClientMessage(payload: bytes, limits: limits)
        switch message {
        case .callReducer(let name, let arguments, let request, let notifiesCaller):
            call(V1Call(request: request, arguments: arguments, notifiesCaller: notifiesCaller), name)
        case .callProcedure(let name, let arguments, let request): call(procedure: name, arguments, request)
        case .oneOffQuery(let id, let query): enqueue(.query(.bytes(id), query))
        case .subscribe(let queries, let request):
            enqueue(.join(SetJoin(request: request, set: 0, texts: queries, kind: .list)))
        case .subscribeSingle(let query, let request, let id):
            enqueue(.join(SetJoin(request: request, set: id, texts: [query], kind: .single)))
        case .subscribeMulti(let queries, let request, let id):
            enqueue(.join(SetJoin(request: request, set: id, texts: queries, kind: .set)))
        case .unsubscribe(let request, let id):
            enqueue(.leave(SetLeave(request: request, set: id, wantsRows: true, kind: .single)))
        case .unsubscribeMulti(let request, let id):
            enqueue(.leave(SetLeave(request: request, set: id, wantsRows: true, kind: .set)))
        }
    }

    private func call(_ call: V1Call, _ name: String) {
        v1Calls.append(call)
        do throws(DatabaseError) {
            let core = generation.core
            let reducer = try core.sessions.reducer(named: name, for: Caller(identity: principal.identity))
            if let refusal = ledger.refusal(of: reducer, at: delivery.eventLoop.now) { throw refusal }
            let schema = core.catalog.schema
            let type = schema.reducers[reducer].parametersType
            enqueue(.call(call.request, reducer, try Self.bsatn(call.arguments, of: type, in: schema.typespace)))
        } catch {
            enqueue(.refusedCall(call.request, name, error))
        }
    }

    private func call(procedure name: String, _ arguments: V1.Arguments, _ request: UInt32) {
        let module = generation.core.catalog.schema
        let procedures = module.procedures
        let schema = procedures.first { $0.name == name } ?? procedures.first { $0.sourceName == name }
        do throws(DatabaseError) {
            // One that there is not is refused when it is called.
            let type = schema?.parametersType ?? ProductType.noFields
            let bytes = schema == nil ? [] : try Self.bsatn(arguments, of: type, in: module.typespace)
            enqueue(.procedure(request, name, bytes))
        } catch {
            enqueue(.refusedProcedure(request, name, error))
        }
    }

    private static func bsatn(
        _ arguments: V1.Arguments, of type: ProductType, in typespace: Typespace
    ) throws(DatabaseError) -> [UInt8] {
        switch arguments {
        case .bsatn(let bytes): return bytes
        case .json(let text):
            do throws(JSONError) {
                return try AlgebraicValue(json: text, type: .product(type), in: typespace).bsatn()
            } catch { throw DatabaseError(.badArguments, "\(error)") }
        }
    }
}

/// What a client of the first protocol watches.
extension ClientConnection {
    /// Makes a request a step. Each has one of its own.
    func takeV1(_ request: ClientRequest, into step: inout SetStep) -> Bool {
        guard step.joining.isEmpty, step.leaving.isEmpty else { return false }
        switch request {
        case .join(let join):
            do throws(DatabaseError) { try take(join, &step) } catch {
                session?.reply(
                    refusal(
                        request: join.request, set: join.set, kind: join.kind, error.message, since: join.received))
            }
            return true
        case .leave(let leave):
            take(leave, &step)
            return true
        default: return false
        }
    }

    private func take(_ join: SetJoin, _ step: inout SetStep) throws(DatabaseError) {
        try admit(queries: join.texts.count)
        var texts: [String] = []
        var queries: [(text: String, queries: [SessionQuery])] = []
        for text in join.texts {
            let text = Self.trimmed(text)
            guard !texts.contains(text) else { continue }
            texts.append(text)
            let list = try generation.core.sessions.texts.queries(
                [text], as: caller ?? Caller(identity: principal.identity))
            for query in list { try check(query, text) }
            queries.append((text, list))
        }
        let table = queries.first?.queries.first?.query.tables.first?.id
        if join.kind == .list {
            if let old = v1.list { step.leaving.append(old) }
            let set = v1.nextSet()
            v1.list = set
            step.joining.append(SetStep.Joining(set: set, queries: queries.flatMap(\.queries)))
        } else {
            guard v1.texts[join.set] == nil else {
                throw DatabaseError(
                    .alreadySubscribed, "there is a set of queries \(join.set) already; choose another number")
            }
            v1.texts[join.set] = texts
            for (text, list) in queries {
                if v1.queries[text] != nil {
                    v1.queries[text]?.holders += 1
                } else {
                    let set = v1.nextSet()
                    v1.queries[text] = V1Subscriptions.Query(set: set, holders: 1)
                    step.joining.append(SetStep.Joining(set: set, queries: list))
                }
            }
        }
        gather(V1Gathering(.joined(join), step, table: table))
    }

    private func check(_ query: SessionQuery, _ text: String) throws(DatabaseError) {
        let catalog = generation.core.catalog
        if query.query.tables.contains(where: { catalog.schema(of: $0.id)?.isEvent == true }) {
            throw DatabaseError(
                .notPossible,
                "event tables cannot be watched over \(subprotocol.name); connect with \(Subprotocol.v2.name)")
        }
        guard query.returnsRows else {
            throw DatabaseError(
                .notPossible,
                "rows that are not a table's own cannot be watched over \(subprotocol.name); connect with "
                    + "\(Subprotocol.v2.name): \(text)")
        }
    }

    private func take(_ leave: SetLeave, _ step: inout SetStep) {
        guard let texts = v1.texts.removeValue(forKey: leave.set) else { return refuse(leave) }
        var shadows: [UInt32] = []
        var table: TableID?
        for text in texts {
            let list =
                (try? generation.core.sessions.texts.queries([text], as: caller ?? Caller(identity: principal.identity)))
                ?? []
            table = table ?? list.first?.query.tables.first?.id
            guard let query = v1.queries[text] else { continue }
            if query.holders > 1 {
                v1.queries[text]?.holders -= 1
                continue
            }
            v1.queries[text] = nil
            step.leaving.append(query.set)
            let shadow = v1.nextSet()
            shadows.append(shadow)
            step.joining.append(SetStep.Joining(set: shadow, queries: list))
        }
        step.shadows = shadows
        gather(V1Gathering(.left(leave), step, table: table))
    }

    /// Begins an answer, which is complete at once if all of it is watched by other sets, too.
    private func gather(_ gathering: V1Gathering) {
        for set in gathering.sets { v1Gatherings[set] = gathering }
        if gathering.sets.isEmpty { session?.reply(answer(to: gathering)) }
    }

    /// The rows of one of the database's sets are there.
    func add(_ rows: SetRows, _ append: ([UInt8]) -> Void) {
        guard let gathering = v1Gatherings.removeValue(forKey: rows.set.rawValue) else {
            // Nobody waits for it any more, since all that the client asked for is gone.
            if let session { database.core.sessions.unsubscribe(session, from: rows.set) }
            return
        }
        gathering.rows += rows.rows
        gathering.missing.remove(rows.set.rawValue)
        guard gathering.missing.isEmpty, gathering.failure == nil else { return }
        if case .joined = gathering.kind { toldSets.formUnion(gathering.sets) }
        toldSets.subtract(gathering.leaving)
        append(answer(to: gathering))
    }

    /// Some of the database's sets were refused: then so is what the client asked for.
    func settleV1(_ refused: [(set: UInt32, error: DatabaseError)]) {
        for (set, error) in refused {
            guard let gathering = v1Gatherings.removeValue(forKey: set), gathering.failure == nil else { continue }
            guard case .joined(let join) = gathering.kind else {
                // The set is left, whether its rows could be found or not.
                gathering.missing.remove(set)
                toldSets.subtract(gathering.leaving)
                if gathering.missing.isEmpty { session?.reply(answer(to: gathering)) }
                continue
            }
            gathering.failure = error
            let isShared = forget(join, gathering)
            session?.reply(
                refusal(request: join.request, set: join.set, kind: join.kind, error.message, since: join.received))
            guard isShared else { continue }
            failV1()
            session?.reply(allGoneV1(error.message))
        }
    }

    /// - Returns: true if another set of the client counts on the rows of one of the queries.
    private func forget(_ join: SetJoin, _ gathering: V1Gathering) -> Bool {
        for set in gathering.sets {
            v1Gatherings[set] = nil
            if let session { database.core.sessions.unsubscribe(session, from: QuerySetID(set)) }
        }
        if join.kind == .list {
            v1.list = nil
            return false
        }
        var isShared = false
        for text in v1.texts.removeValue(forKey: join.set) ?? [] {
            guard let query = v1.queries[text] else { continue }
            v1.queries[text]?.holders -= 1
            if query.holders == 1 { v1.queries[text] = nil }
            if query.holders > 1, gathering.sets.contains(query.set) { isShared = true }
        }
        return isShared
    }

    /// An active query failed: all is gone that the client watched.
    func failV1() {
        if let session {
            for query in v1.queries.values { database.core.sessions.unsubscribe(session, from: QuerySetID(query.set)) }
            if let list = v1.list { database.core.sessions.unsubscribe(session, from: QuerySetID(list)) }
        }
        v1 = V1Subscriptions(after: v1)
        v1Gatherings = [:]
        toldSets = []
    }

    private static func trimmed(_ text: String) -> String {
        let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
        var text = text.drop { blanks.contains($0) }
        while let last = text.last, blanks.contains(last) { text.removeLast() }
        return String(text)
    }
}
