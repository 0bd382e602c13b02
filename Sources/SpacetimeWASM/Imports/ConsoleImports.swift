import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// The guest's console, and what else it is told.
enum ConsoleImports {
    /// Longer names are cut.
    private static let nameLimit = 1_024

    /// A line for the log. Bad pointers are no reason to stop: nothing is written then.
    static func log(_ call: HostCall) throws(HostFailure) {
        let level = LogLevel(number: UInt8(truncatingIfNeeded: call.u32(0)))
        do throws(HostFailure) {
            let target = call.u32(1) == 0 ? nil : try call.lossyText(1, 2, limit: nameLimit)
            let file = call.u32(3) == 0 ? nil : try call.lossyText(3, 4, limit: nameLimit)
            let message = try call.lossyText(6, 7, limit: call.state.limits.logByteLimit)
            let line = call.u32(5) == .max ? nil : call.u32(5)
            call.guest.log(EarlyLine(level: level, target: target, file: file, line: line, message: message))
        } catch {}
    }

    static func startTimer(_ call: HostCall) throws(HostFailure) -> UInt32 {
        let name = try call.lossyText(0, 1, limit: nameLimit)
        guard call.state.timers.count < call.state.limits.timerLimit else {
            throw .trap("\(call.state.timers.count) timers run; end them")
        }
        return call.state.timers.start(name, at: call.guest.now)
    }

    static func endTimer(_ call: HostCall) throws(HostFailure) -> UInt32 {
        guard let line = call.state.timers.end(call.u32(0), at: call.guest.now) else {
            throw .number(.noSuchConsoleTimer)
        }
        call.guest.log(EarlyLine(level: .info, target: nil, file: nil, line: nil, message: line))
        return 0
    }

    static func identity(_ call: HostCall) throws(HostFailure) {
        try call.memory(call.u32(0), 32).copy(call.state.identity.bsatn())
    }

    /// A call of a reducer that does not belong to the transaction.
    static func callSoon(_ call: HostCall) throws(HostFailure) {
        let name = try call.name(0, 1)
        let bytes = try call.copyable(2, 3)
        if call.state.activity == .start {
            throw .trap("reducers can be called once the module has been started only")
        }
        guard call.state.immediateCallsLeft > 0, call.state.immediateBytesLeft >= bytes.count else {
            throw .trap("the guest asks for more immediate calls than one of its own may")
        }
        call.state.immediateCallsLeft -= 1
        call.state.immediateBytesLeft -= bytes.count
        let arguments = bytes.array
        do throws(DatabaseError) {
            if let transaction = call.state.transaction {
                try transaction.callSoon(name, arguments: arguments)
            } else {
                try call.state.call?.callSoon(name, arguments: arguments)
            }
        } catch  where error.code == .noSuchReducer {
            // No reason to stop, and one of the call's lines like any other: there may be many.
            call.guest.log(
                EarlyLine(
                    level: .error, target: nil, file: nil, line: nil,
                    message: "the module asked for a call of '\(name)', which is no reducer of it"))
        } catch { throw .error(error) }
    }
}

extension GuestReference {
    /// Writes a line to the log, if the call has not written too much.
    func log(_ line: EarlyLine) {
        let count = line.message.utf8.count + (line.target?.utf8.count ?? 0) + (line.file?.utf8.count ?? 0) + 64
        // Negative: it has been said that lines are missing.
        guard state.logBytesLeft >= 0 else { return }
        state.logBytesLeft -= count
        if state.logBytesLeft >= 0 { return write(line) }
        write(
            EarlyLine(
                level: .warn, target: nil, file: nil, line: nil,
                message:
                    "the call writes more than \(state.limits.logByteLimit) bytes to the log; what follows is left out")
        )
    }

    private func write(_ line: EarlyLine) {
        guard let log = currentLog else { return state.earlyLines.append(line) }
        log.append(
            line.level, line.message, target: line.target, file: line.file, line: line.line,
            function: currentFunctionName)
    }

    /// Writes what was said while there was no log.
    func writeEarlyLines() {
        let lines = state.earlyLines
        state.earlyLines = []
        for line in lines { write(line) }
    }

    /// Nil while the guest is started.
    var currentLog: ModuleLog? {
        if state.activity == .start { return nil }
        return state.transaction?.log ?? state.call?.log
    }

    var currentFunctionName: String? {
        if let name = state.functionName { return name }
        return state.activity == .reducer ? state.transaction?.reducerName : nil
    }

    /// The time, by the clock of the database.
    var now: Timestamp {
        if let call = state.call { return call.now }
        if let transaction = state.transaction { return transaction.runner.clock.now() }
        return SystemClock().now()
    }
}
