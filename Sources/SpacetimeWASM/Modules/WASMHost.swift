import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Runs the functions of a module in WebAssembly for one database.
///
/// Reducers and views run in one guest, which waits in ``GuestLane``: they are called with the database's lock held, so it is
/// one at a time. Procedures and handlers run in guests of their own, on threads of their own, since they may wait for as
/// long as they like. What one guest keeps in its memory no other sees.
final class WASMHost: ModuleHost {
    private let program: WASMProgram
    let lane: GuestLane
    private let pool: GuestPool

    init(_ program: WASMProgram) {
        self.program = program
        lane = GuestLane(program)
        pool = GuestPool(program)
    }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { program.definition }

    /// Starts the guest that runs reducers and views.
    func prepare(for identity: Identity) throws(DatabaseError) { try lane.start(for: identity) }

    // MARK: In a transaction

    func callReducer(
        _ position: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws {
        if program.plainArgumentCounts[position] != arguments.count {
            try unsafe program.reducers[position].validate(arguments)
        }
        try lane.withGuest(of: transaction.runner.catalog.identity) { guest in
            try unsafe guest.runReducer(position, arguments, transaction)
        }
    }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        switch function.kind {
        case .reducer:
            try unsafe callReducer(function.position, arguments: arguments, in: transaction)
            return .done
        case .view:
            let view = program.views[function.position]
            try unsafe view.callable.validate(arguments)
            return try lane.withGuest(of: transaction.runner.catalog.identity) { guest in
                try unsafe guest.runView(view, arguments, transaction)
            }
        case .procedure, .handler:
            throw DatabaseError(.internalInconsistency, "a \(function.kind) was called as what it is not")
        }
    }

    // MARK: Outside of transactions

    func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
        if case .arguments(let arguments) = input {
            let procedure = program.procedures[function.position]
            unsafe try arguments.withBytes { bytes throws(DatabaseError) in try unsafe procedure.validate(bytes) }
        }
        let waiting = GuestWaiting()
        return try await withTaskCancellationHandler {
            try await onThread {
                try call.onThisThread { procedure in
                    try self.pool.withGuest(of: call.identity) { guest in
                        try guest.runProcedure(function, input, call, procedure, waiting)
                    }
                }
            }
        } onCancel: {
            waiting.cancel()
        }
    }

    private static let threadStackByteCount = 4 << 20

    /// Runs a body on a thread of its own, and suspends meanwhile.
    private func onThread(_ body: @escaping @Sendable () throws -> Outcome) async throws -> Outcome {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Outcome, any Error>) in
            let isStarted = startThreadIfPossible(stackByteCount: Self.threadStackByteCount) {
                done.resume(with: Result { try body() })
            }
            if !isStarted {
                done.resume(
                    throwing: DatabaseError(
                        .limitReached, "the system gives no thread for a procedure; try again later"))
            }
        }
    }
}
