import Synchronization

/// The steps of one durable call: those that were finished before a restart, and how far the code has come among them.
///
/// Steps are one sequence. What tells them apart is their place in it; the name is there to notice that the code is not
/// what it was. So a step may stand in a loop, and two never run at once.
final class StepJournal: Sendable {
    struct Step: Equatable, Sendable {
        let name: String
        /// BSATN of what it returned.
        let result: [UInt8]
    }

    fileprivate struct State {
        /// The call's row; nil before it has one.
        var row: UInt64?
        let recorded: [Step]
        /// The place of the step that comes next.
        var next = 0
        /// The step that runs.
        var running: String?
        var problem: DatabaseError?
        /// Whether another module goes on with the call.
        var isHandedOver = false
        /// Whether the code was kept from going on because of that, so that what it returns is of no interest.
        var hasStopped = false
    }

    private let state: Mutex<State>
    /// What the call's random numbers followed from when it began; nil if it begins now.
    let seed: UInt64?

    /// Of a call that begins.
    init() {
        seed = nil
        state = Mutex(State(row: nil, recorded: []))
    }

    /// Of a call that goes on.
    init(row: UInt64, seed: UInt64, recorded: [Step]) {
        self.seed = seed
        state = Mutex(State(row: row, recorded: recorded))
    }

    var row: UInt64? { state.withLock { $0.row } }

    func entered(as row: UInt64) { state.withLock { $0.row = row } }

    /// Why the call cannot go on with the code as it is.
    var problem: DatabaseError? { state.withLock { $0.problem } }

    func requireIntact() throws(DatabaseError) {
        try state.withLock { state throws(DatabaseError) in try state.requireIntact() }
    }

    // MARK: Another module

    var isHandedOver: Bool { state.withLock { $0.isHandedOver } }
    var hasStopped: Bool { state.withLock { $0.hasStopped } }

    /// Lets no more step begin.
    ///
    /// - Returns: true if none runs, so that the code may be cancelled.
    func handOver() -> Bool {
        state.withLock { state in
            state.isHandedOver = true
            if state.running == nil { state.hasStopped = true }
            return state.running == nil
        }
    }

    /// Notes that a step of the code could not go on because another module has taken over.
    func stop() { state.withLock { $0.hasStopped = true } }

    // MARK: Steps

    enum Beginning {
        /// The step was finished before, with this result.
        case finished([UInt8])
        /// It is to be run, as the step at this place.
        case new(UInt32)
    }

    /// Begins a step. One that is new must be ended by ``end(isFinished:)``.
    func begin(_ name: String) throws(DatabaseError) -> Beginning {
        try state.withLock { state throws(DatabaseError) in
            try state.requireIntact()
            if let running = state.running {
                throw DatabaseError(
                    .notPossible,
                    "the step '\(name)' was begun while the step '\(running)' was running; steps come one after the "
                        + "other, so await the first, or do both in one step")
            }
            guard state.next < state.recorded.count else {
                state.running = name
                return .new(UInt32(state.next))
            }
            let step = state.recorded[state.next]
            guard step.name == name else {
                throw state.note(
                    "step \(state.next + 1) of the interrupted call was '\(step.name)', and is '\(name)' in the code as "
                        + "it is now")
            }
            state.next += 1
            return .finished(step.result)
        }
    }

    /// Notes that the call cannot go on.
    func fail(_ what: String) -> DatabaseError { state.withLock { $0.note(what) } }

    func end(isFinished: Bool) {
        state.withLock { state in
            state.running = nil
            if isFinished { state.next += 1 }
        }
    }

    /// - Throws: if the code has come to its end without meeting all steps that were finished before.
    func requireAllMet() throws(DatabaseError) {
        try state.withLock { state throws(DatabaseError) in
            if let problem = state.problem { throw problem }
            guard state.next < state.recorded.count else { return }
            throw state.note(
                "step \(state.next + 1) of the interrupted call was '\(state.recorded[state.next].name)', to which the "
                    + "code as it is now does not come")
        }
    }
}

extension StepJournal.State {
    fileprivate mutating func requireIntact() throws(DatabaseError) {
        if let problem { throw problem }
        guard isHandedOver, running == nil else { return }
        hasStopped = true
        throw DatabaseError(
            .procedureEnded,
            "the module was replaced by a new version, which goes on with the call behind its last step")
    }

    /// Nothing of the call goes on any more, whatever the code does with the error.
    fileprivate mutating func note(_ what: String) -> DatabaseError {
        let error = DatabaseError(
            .stepMismatch, "\(what); finish interrupted calls with the code that began them, or remove the call")
        problem = error
        return error
    }
}
