import DequeModule
import SpacetimeSATS
import Synchronization

/// Calls of reducers that a guest asks for beside its transaction: they are made as soon as the lock is free, on behalf of
/// the database, whatever becomes of the transaction. Nobody waits for them, and they are lost if the program ends.
///
/// One of them at a time waits for the lock, so that it is soon the turn of others too. So many wait at most: reducers that
/// ask for several calls of themselves would fill the memory otherwise.
final class ImmediateCalls: Sendable {
    struct Call: Equatable, Sendable {
        var reducer: String
        var arguments: [UInt8]
    }

    private struct State {
        var waiting = Deque<Call>()
        var byteCount = 0
        var isRunning = false
    }

    private let state = Mutex(State())

    static let limit = 10_000
    static let byteLimit = 64 << 20

    var count: Int { state.withLock { $0.waiting.count } }

    /// Adds a call behind those that wait.
    ///
    /// - Returns: true if somebody has to be found who makes the calls.
    /// - Throws: `limitReached` if too many wait.
    func add(_ call: Call) throws(DatabaseError) -> Bool {
        try state.withLock { state throws(DatabaseError) in
            guard state.waiting.count < Self.limit, state.byteCount + call.arguments.count <= Self.byteLimit else {
                throw DatabaseError(
                    .limitReached,
                    "\(state.waiting.count) immediate calls of the database's reducers wait already; ask for fewer, or "
                        + "insert rows into a scheduled table")
            }
            state.waiting.append(call)
            state.byteCount += call.arguments.count
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    /// The next call; nil if none waits: then whoever makes them is done.
    func next() -> Call? {
        state.withLock { state in
            guard let call = state.waiting.popFirst() else {
                state.isRunning = false
                return nil
            }
            state.byteCount -= call.arguments.count
            return call
        }
    }
}

extension TransactionReference {
    /// - Throws: `noSuchReducer`; `limitReached` if too many such calls wait.
    package func callSoon(_ reducer: String, arguments: [UInt8]) throws(DatabaseError) {
        try runner.callSoon(reducer, arguments: arguments)
    }
}

extension ProcedureCall {
    /// - Throws: `noSuchReducer`; `limitReached` if too many such calls wait.
    package func callSoon(_ reducer: String, arguments: [UInt8]) throws(DatabaseError) {
        try runner.callSoon(reducer, arguments: arguments)
    }

    /// Whether there is anything to send requests with.
    package var canSend: Bool { procedures.options.http != nil }
}

extension TransactionRunner {
    fileprivate func callSoon(_ reducer: String, arguments: [UInt8]) throws(DatabaseError) {
        guard reducers.position(ofAny: reducer) != nil else { throw reducers.noSuchReducer(reducer) }
        guard try immediateCalls.add(ImmediateCalls.Call(reducer: reducer, arguments: arguments)) else { return }
        Task { while let call = immediateCalls.next() { await make(call) } }
    }

    private func make(_ call: ImmediateCalls.Call) async {
        guard let position = reducers.position(ofAny: call.reducer) else { return }
        do throws(DatabaseError) {
            // If it fails that is in the log, and there is nobody else to tell.
            _ = try await takingLock(toWrite: true) {
                Result {
                    try runAndRelease(
                        .scheduled, reducer: position, arguments: call.arguments,
                        as: Caller(identity: catalog.identity))
                }
            }
        } catch {
            // The module was replaced meanwhile; else the database is closed.
            let next = successor.withLock { $0?.runner }
            guard error.code == .moduleReplaced, let next else { return }
            do throws(DatabaseError) {
                try next.callSoon(call.reducer, arguments: call.arguments)
            } catch { next.log.appendOfHost(.error, "a call of '\(call.reducer)' is left out: \(error.message)") }
        }
    }
}
