import SpacetimeHost
import SpacetimeSATS

/// The kinds of functions, and what their results mean.
extension Guest {
    // MARK: Reducers

    @inline(__always)
    func runReducer(
        _ id: Int, _ arguments: UnsafeRawBufferPointer, _ transaction: TransactionReference
    ) throws {
        try beginCall(.reducer, transaction)
        let caller = transaction.caller
        set(0, Int64(id))
        set(1, caller.identity)
        set(5, Int64(truncatingIfNeeded: caller.connection.number))
        set(6, Int64(truncatingIfNeeded: caller.connection.number >> 64))
        set(7, transaction.timestamp.microsecondsSinceUnixEpoch)
        set(8, unsafe lend(arguments))
        openSinks(1)
        set(9, 1)
        let result = try run(state.exports.reducer)
        defer { endCall() }
        if result != 0 { throw failure(result, "reducer", program.reducers[id].name) }
    }

    /// What a result other than 0 means: 1 is an error of the module's own, with a text for the caller.
    @inline(never)
    private func failure(_ result: Int32, _ kind: String, _ name: String) -> any Error {
        // Procedures and handlers have no errors of their own: what can fail returns so in its result.
        if result == 1, state.activity == .reducer || state.activity == .view {
            return SenderError(sinkText(0))
        }
        return DatabaseError(
            .moduleFailure,
            "the module's code for the \(kind) '\(name)' returned \(result), which means that it could not run it")
    }

    // MARK: Views

    func runView(
        _ view: WASMProgram.View, _ arguments: UnsafeRawBufferPointer, _ transaction: TransactionReference
    ) throws -> Outcome {
        try beginCall(.view, transaction)
        state.functionName = view.callable.name
        defer { state.functionName = nil }
        let source = unsafe lend(arguments)
        openSinks(1)
        set(0, Int64(view.index))
        let result: Int32
        if view.isAnonymous {
            set(1, source)
            set(2, 1)
            result = try run(state.exports.anonymousView)
        } else {
            set(1, transaction.caller.identity)
            set(5, source)
            set(6, 1)
            result = try run(state.exports.view)
        }
        defer { endCall() }
        switch result {
        case 0: return .rows(state.sinks[0].bytes)
        case 2: return try content(of: state.sinks[0].bytes, view.callable.name)
        default: throw failure(result, "view", view.callable.name)
        }
    }

    /// Rows behind a 0, or a query behind a 1.
    private func content(of bytes: [UInt8], _ name: String) throws(DatabaseError) -> Outcome {
        do throws(BSATNError) {
            var reader = unsafe BSATNReader(bytes.span.bytes)
            if try reader.readTag(below: 2) == 0 { return .rows(Array(bytes[1...])) }
            return .query(try reader.readString())
        } catch {
            throw DatabaseError(
                .moduleFailure, "the view '\(name)' returned bytes that are neither rows nor a query: \(error)",
                cause: error)
        }
    }

    // MARK: Procedures and handlers

    func runProcedure(
        _ function: Function, _ input: FunctionInput, _ call: ProcedureCall, _ procedure: GuestProcedure,
        _ waiting: GuestWaiting
    ) throws -> Outcome {
        if waiting.isCancelled { throw CancellationError() }
        // What the module does to set itself up is not part of the call: it can neither wait nor begin transactions.
        try start()
        state.call = call
        state.procedure = procedure
        state.waiting = waiting
        state.functionName = call.name
        defer {
            state.call = nil
            state.procedure = nil
            state.waiting = nil
            state.functionName = nil
        }
        switch input {
        case .arguments(let arguments): return try runProcedure(function.position, arguments, call)
        case .request(let request): return try runHandler(function.position, request, call)
        }
    }

    private func runProcedure(_ id: Int, _ arguments: [UInt8], _ call: ProcedureCall) throws -> Outcome {
        try beginCall(.procedure, nil)
        set(0, Int64(id))
        set(1, call.caller.identity)
        set(5, Int64(truncatingIfNeeded: call.caller.connection.number))
        set(6, Int64(truncatingIfNeeded: call.caller.connection.number >> 64))
        set(7, call.timestamp.microsecondsSinceUnixEpoch)
        openSinks(1)
        set(9, 1)
        let result = try unsafe arguments.withBytes { bytes in
            set(8, unsafe lend(bytes))
            return try run(state.exports.procedure)
        }
        defer { endCall() }
        guard result == 0 else { throw failure(result, "procedure", call.name) }
        let bytes = state.sinks[0].bytes
        do throws(BSATNError) {
            unsafe try bytes.withBytes { bytes throws(BSATNError) in try unsafe program.results[id].validate(bytes) }
        } catch {
            throw DatabaseError(
                .moduleFailure, "the procedure '\(call.name)' returned bytes that are not what it returns: \(error)",
                cause: error)
        }
        return .value(bytes)
    }

    private func runHandler(_ id: Int, _ request: HTTP.Request, _ call: ProcedureCall) throws -> Outcome {
        try beginCall(.handler, nil)
        set(0, Int64(id))
        set(1, call.timestamp.microsecondsSinceUnixEpoch)
        openSinks(2)
        set(4, 1)
        set(5, 2)
        let result = try unsafe GuestRequest(request).bsatn.withBytes { head in
            try unsafe request.body.withBytes { body in
                set(2, unsafe lend(head))
                set(3, unsafe lend(body))
                return try run(state.exports.handler)
            }
        }
        defer { endCall() }
        guard result == 0 else { throw failure(result, "handler", call.name) }
        do {
            return .response(
                try HTTP.Response(guest: state.sinks[0].bytes, body: state.sinks[1].bytes))
        } catch {
            throw DatabaseError(
                .moduleFailure, "the handler '\(call.name)' returned bytes that are no response: \(error)", cause: error
            )
        }
    }
}
