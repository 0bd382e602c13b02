import NIOCore
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// A set of queries that a client watches.
struct WatchedSet: Sendable {
    /// As the client wrote them, to ask for their rows again when the set is left.
    let texts: [String]
    let kind: SetKind
    /// What the rows of each query are called; nil if all are rows of tables, which have names themselves.
    let names: [String]?
}

/// What a client will be told when the rows of a set are there.
enum SetAnswer: Sendable {
    case joined(SetJoin)
    /// The rows of a set that was left: they come as those of a set that is watched for a moment.
    case left(SetLeave, names: [String]?)
}

/// The answers that a client waits for, by the set that the rows will name. A number may be used again before its first rows
/// were told, so there may be several for one, in the order in which they were asked for.
struct SetAnswers: Sendable {
    private var answers: [UInt32: [SetAnswer]] = [:]

    mutating func append(_ answer: SetAnswer, for set: UInt32) { answers[set, default: []].append(answer) }

    func isAwaited(_ set: UInt32) -> Bool { answers[set] != nil }

    func first(for set: UInt32) -> SetAnswer? { answers[set]?.first }

    var all: [SetAnswer] { answers.values.flatMap(\.self) }

    /// The one whose rows are there now.
    mutating func takeFirst(for set: UInt32) -> SetAnswer? {
        guard var list = answers[set] else { return nil }
        let first = list.removeFirst()
        answers[set] = list.isEmpty ? nil : list
        return first
    }

    /// The one that was refused: what was asked for last, since requests are done one after the other.
    mutating func takeLast(for set: UInt32) -> SetAnswer? {
        guard var list = answers[set] else { return nil }
        let last = list.removeLast()
        answers[set] = list.isEmpty ? nil : list
        return last
    }
}

/// Changes of what a client watches, which are made at one point between two transactions.
struct SetStep: Sendable {
    struct Joining: Sendable {
        let set: UInt32
        let queries: [SessionQuery]
        var since: ResumePoint?
    }

    var leaving: [UInt32] = []
    var joining: [Joining] = []
    /// Sets that are watched for a moment only.
    var shadows: [UInt32] = []
    /// Sets that were left by somebody who does not want their rows.
    var silent: [SetLeave] = []
    /// All that have a part in it: each may have one.
    var touched: Set<UInt32> = []
    /// Of the module that the queries are for.
    let catalog: Catalog

    init(_ catalog: Catalog) { self.catalog = catalog }
}

/// Watching and leaving sets of queries.
extension ClientConnection {
    /// Makes a request part of a step, or answers it if it cannot be done. On the event loop.
    ///
    /// - Returns: false if it has to wait for the next step.
    func take(_ request: ClientRequest, into step: inout SetStep) -> Bool {
        guard subprotocol.speaksV2 else { return takeV1(request, into: &step) }
        switch request {
        case .join(let join):
            guard !step.touched.contains(join.set) else { return false }
            take(join, into: &step)
            return true
        case .leave(let leave):
            guard !step.touched.contains(leave.set) else { return false }
            take(leave, into: &step)
            return true
        default: return false
        }
    }

    private func take(_ join: SetJoin, into step: inout SetStep) {
        do throws(DatabaseError) {
            if sets[join.set] != nil {
                throw DatabaseError(
                    .alreadySubscribed, "there is a set of queries \(join.set) already; choose another number")
            }
            try admit(queries: join.texts.count)
            let queries = try queries(join.texts)
            sets[join.set] = WatchedSet(texts: join.texts, kind: join.kind, names: names(of: queries))
            answers.append(.joined(join), for: join.set)
            step.joining.append(SetStep.Joining(set: join.set, queries: queries, since: join.since))
            step.touched.insert(join.set)
        } catch {
            refuse(join, error)
        }
    }

    private func take(_ leave: SetLeave, into step: inout SetStep) {
        guard let set = sets.removeValue(forKey: leave.set) else { return refuse(leave) }
        step.leaving.append(leave.set)
        step.touched.insert(leave.set)
        guard leave.wantsRows, let queries = try? queries(set.texts) else { return step.silent.append(leave) }
        // The rows that the set has at the moment at which it is left: those of one with the same queries that is joined then.
        let shadow = makeShadow(step)
        answers.append(.left(leave, names: set.names), for: shadow)
        step.shadows.append(shadow)
        step.joining.append(SetStep.Joining(set: shadow, queries: queries))
        step.touched.insert(shadow)
    }

    private func makeShadow(_ step: SetStep) -> UInt32 {
        if nextShadow < 1 << 31 { nextShadow = .max }
        while sets[nextShadow] != nil || answers.isAwaited(nextShadow) || step.touched.contains(nextShadow) {
            nextShadow -= 1
        }
        nextShadow -= 1
        return nextShadow + 1
    }

    /// What the rows of a set's queries are called, also if the client is about to leave it.
    func names(ofSet set: UInt32) -> [String]? {
        if let watched = sets[set] { return watched.names }
        for case .left(let leave, let names) in answers.all where leave.set == set { return names }
        return nil
    }

    private func queries(_ texts: [String]) throws(DatabaseError) -> [SessionQuery] {
        try generation.core.sessions.texts.queries(texts, as: caller ?? Caller(identity: principal.identity))
    }

    private func names(of queries: [SessionQuery]) -> [String]? {
        if queries.allSatisfy(\.returnsRows) { return nil }
        return queries.map { $0.tableName(in: generation.core.catalog) }
    }

    /// Off the event loop.
    func perform(_ step: SetStep, _ session: Session) async {
        var refused: [(set: UInt32, error: DatabaseError)] = []
        do throws(DatabaseError) { refused = try await change(step, session) } catch {
            refused = step.joining.map { ($0.set, error) }
        }
        for shadow in step.shadows { database.core.sessions.unsubscribe(session, from: QuerySetID(shadow)) }
        if refused.isEmpty, step.silent.isEmpty { return }
        let problems = refused
        delivery.eventLoop.execute { self.settle(step, problems) }
    }

    /// Makes the changes, with the module that the database has then.
    private func change(
        _ step: SetStep, _ session: Session
    ) async throws(DatabaseError) -> [(set: UInt32, error: DatabaseError)] {
        while true {
            let core = database.core
            do throws(DatabaseError) {
                var joining: [(set: QuerySetID, queries: [SessionQuery])] = []
                var since: [QuerySetID: ResumePoint] = [:]
                for join in step.joining {
                    let queries = try core.sessions.translated(join.queries, from: step.catalog)
                    joining.append((QuerySetID(join.set), queries))
                    if let point = join.since { since[QuerySetID(join.set)] = point }
                }
                return try await core.sessions.change(
                    session, leaving: step.leaving.map { QuerySetID($0) }, joining: joining, since: since
                ).map { ($0.set.rawValue, $0.error) }
            } catch {
                if error.code != .moduleReplaced { throw error }
            }
        }
    }

    private func settle(_ step: SetStep, _ refused: [(set: UInt32, error: DatabaseError)]) {
        for (_, error) in refused { note(error) }
        guard subprotocol.speaksV2 else { return settleV1(refused) }
        for (set, error) in refused {
            switch answers.takeLast(for: set) {
            case .joined(let join):
                sets[set] = nil
                refuse(join, error)
            // The set is left, whether its rows could be found or not.
            case .left(let leave, _): session?.reply(left(leave, rows: true))
            case nil: break
            }
        }
        for leave in step.silent { session?.reply(left(leave, rows: leave.wantsRows)) }
    }

    // MARK: Answers

    private func refuse(_ join: SetJoin, _ error: DatabaseError) {
        session?.reply(
            refusal(request: join.request, set: join.set, kind: join.kind, error.message, since: join.received))
    }

    func refuse(_ leave: SetLeave) {
        session?.reply(
            refusal(
                request: leave.request, set: leave.set, kind: leave.kind,
                "there is no set of queries \(leave.set); it was left before, or refused", since: leave.received))
    }
}

extension SessionQuery {
    /// Whether what it returns are rows of a table.
    var returnsRows: Bool {
        guard query.grouping == nil, case .rows = query.output else { return false }
        return true
    }
}

// MARK: - What is asked for once

extension ClientConnection {
    /// Answers a one-off query. Off the event loop.
    func answer(_ tag: RequestTag, _ text: String, _ session: Session) async {
        let started = ContinuousClock.now
        do throws(DatabaseError) {
            let core = database.core
            let name = try core.sessions.texts.query(text, in: .oneOff, as: session.caller).tableName(in: core.catalog)
            let request = Statements.Request(
                text, as: session.caller, isOneOff: true, isCancelled: { session.hasEnded })
            let result = try await database.answer(request)
            session.reply(answer(tag, name, result, since: started), at: result.offset)
        } catch {
            session.reply(failure(tag, error.message, since: started))
        }
    }

    /// Calls a procedure and answers when it has ended. Off the event loop.
    func call(procedure name: String, _ arguments: [UInt8], _ request: UInt32, _ session: Session) async {
        let core = database.core
        let started = ContinuousClock.now
        let timestamp = core.runner.clock.now()
        do {
            let result = try await core.procedures.call(
                name, arguments: arguments, as: session.caller, until: isConfirmed ? .durable : .committed)
            session.reply(returned(request, name, result, at: timestamp, since: started))
        } catch {
            session.reply(procedureFailure(request, error, of: name))
        }
    }
}
