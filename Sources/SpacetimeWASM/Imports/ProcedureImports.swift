import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// Functions of procedures and handlers: transactions, waiting, requests.
enum ProcedureImports {
    static func begin(_ call: HostCall) throws(HostFailure) -> UInt32 {
        _ = try call.memory(call.u32(0), 8)
        guard call.state.transaction == nil else { throw .number(.wouldBlockTransaction) }
        let procedure = try procedure(call)
        try call.guest.requireNotCancelled()
        let transaction: TransactionReference
        do throws(DatabaseError) {
            transaction = try call.guest.waiting { () throws(DatabaseError) in try procedure.begin() }
        } catch { throw .error(error) }
        call.state.transaction = transaction
        call.state.writtenBytesLeft = call.state.limits.writtenByteLimit
        try call.write(UInt64(bitPattern: transaction.timestamp.microsecondsSinceUnixEpoch), at: 0)
        return 0
    }

    static func commit(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let procedure = try openTransaction(call)
        // A view that fails undoes the transaction, and ends the procedure.
        do throws(DatabaseError) {
            _ = try call.guest.waiting { () throws(DatabaseError) in try procedure.commit() }
        } catch { throw .error(error) }
        return 0
    }

    static func rollBack(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let procedure = try openTransaction(call)
        do throws(DatabaseError) { try procedure.rollBack() } catch { throw .error(error) }
        return 0
    }

    /// What is about to end the transaction that the guest itself has begun. What belongs to it is gone.
    private static func openTransaction(_ call: HostCall) throws(HostFailure) -> GuestProcedure {
        guard let procedure = call.state.procedure, call.state.transaction != nil else {
            throw .number(.transactionNotAnonymous)
        }
        call.state.iterators.removeAll()
        call.state.transaction = nil
        return procedure
    }

    private static func procedure(_ call: HostCall) throws(HostFailure) -> GuestProcedure {
        guard let procedure = call.state.procedure else {
            throw .trap("only procedures and handlers make transactions")
        }
        return procedure
    }

    static func sleep(_ call: HostCall) throws(HostFailure) -> Int64 {
        let time = Timestamp(microsecondsSinceUnixEpoch: call.i64(0))
        let procedure = try suspending(call)
        if time > procedure.now {
            // Everybody else would wait as well.
            guard call.state.transaction == nil else {
                throw .trap("a procedure may not wait while it has a transaction open")
            }
            try waitFor(call) { try await procedure.sleep(until: time) }
        }
        return procedure.now.microsecondsSinceUnixEpoch
    }

    static func send(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let procedure = try suspending(call)
        let head = try call.copyable(0, 1).array
        let body = try call.copyable(2, 3)
        _ = try call.memory(call.u32(4), 8)
        var reader = unsafe BSATNReader(head.span.bytes)
        guard var request = try? GuestRequest(from: &reader), request.isValid else { throw .number(.decodeError) }
        request.request.body = body.array
        guard procedure.canSend else { return try failed(call, "module outbound HTTP requests are disabled") }
        guard call.state.transaction == nil else { throw .number(.wouldBlockTransaction) }
        let (message, timeout) = (request.request, request.timeout ?? .seconds(30))
        let response: HTTP.Response
        do throws(WaitFailure) {
            response = try call.guest.wait { try await procedure.send(message, timeout: timeout) }
        } catch {
            switch error {
            case .host(let failure): throw failure
            case .error(let error):
                if error is CancellationError { throw .error(error) }
                let reason = (error as? DatabaseError)?.message ?? "\(error)"
                return try failed(call, "error sending request for url (\(message.urlWithoutQuery)): \(reason)")
            }
        }
        try writeSource(call, response.guestBytes, at: 0)
        try writeSource(call, response.body, at: 4)
        return 0
    }

    private static func failed(_ call: HostCall, _ reason: String) throws(HostFailure) -> UInt32 {
        try writeSource(call, reason.bsatn(), at: 0)
        return UInt32(GuestErrorNumber.httpError.rawValue)
    }

    /// Writes the number of a new source behind the last pointer.
    private static func writeSource(_ call: HostCall, _ bytes: [UInt8], at offset: UInt32) throws(HostFailure) {
        let number = try call.guest.addSource(bytes)
        try call.memory(call.u32(4) &+ offset, 4).store(number)
    }

    /// The call of something that may wait.
    private static func suspending(_ call: HostCall) throws(HostFailure) -> ProcedureCall {
        guard let procedure = call.state.call else {
            throw .trap("only procedures and handlers may wait")
        }
        return procedure
    }

    private static func waitFor<Result: Sendable>(
        _ call: HostCall, _ body: @escaping @Sendable () async throws -> Result
    ) throws(HostFailure) {
        do throws(WaitFailure) { _ = try call.guest.wait(body) } catch {
            switch error {
            case .host(let failure): throw failure
            case .error(let error): throw .error(error)
            }
        }
    }
}
