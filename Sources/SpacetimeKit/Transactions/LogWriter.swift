import SpacetimeHost

/// Writes lines to the module's log, from inside a reducer, view, procedure or handler.
///
/// ```swift
/// @Reducer static func join(_ context: borrowing Context, name: String) throws {
///     context.log.info("\(name) joins as \(context.sender)")
///     guard name.count < 40 else { throw SenderError("a shorter name, please") }  // the line stays
///     try context.db.guest.insert(Guest(id: 0, name: name))
/// }
/// ```
///
/// A line says where in the source it was written, and what ran. Its text is made only if its level is kept
/// (``ModuleLogOptions/level``); writing it takes about a microsecond, and waits for no disk and no reader.
public struct LogWriter {
    private enum Origin {
        case transaction(TransactionReference)
        /// A view, whatever reducer has it run.
        case view(TransactionReference)
        case call(ProcedureCall)
    }

    private let origin: Origin

    init(_ transaction: TransactionReference) { origin = .transaction(transaction) }
    init(view transaction: TransactionReference) { origin = .view(transaction) }
    init(_ call: ProcedureCall) { origin = .call(call) }

    /// Something failed.
    public func error(
        _ message: @autoclosure () -> String, file: String = #fileID, line: UInt32 = #line, function: String = #function
    ) { write(.error, message(), file: file, line: line, function: function) }

    /// Something is not as it should be, and went on.
    public func warn(
        _ message: @autoclosure () -> String, file: String = #fileID, line: UInt32 = #line, function: String = #function
    ) { write(.warn, message(), file: file, line: line, function: function) }

    /// Something happened that is worth knowing.
    public func info(
        _ message: @autoclosure () -> String, file: String = #fileID, line: UInt32 = #line, function: String = #function
    ) { write(.info, message(), file: file, line: line, function: function) }

    /// For whoever looks for a mistake.
    public func debug(
        _ message: @autoclosure () -> String, file: String = #fileID, line: UInt32 = #line, function: String = #function
    ) { write(.debug, message(), file: file, line: line, function: function) }

    /// For whoever follows every step.
    public func trace(
        _ message: @autoclosure () -> String, file: String = #fileID, line: UInt32 = #line, function: String = #function
    ) { write(.trace, message(), file: file, line: line, function: function) }

    private func write(
        _ level: LogLevel, _ message: @autoclosure () -> String, file: String, line: UInt32, function: String
    ) {
        let (log, name): (ModuleLog, String?) =
            switch origin {
            case .transaction(let transaction): (transaction.log, transaction.reducerName)
            case .view(let transaction): (transaction.log, nil)
            case .call(let call): (call.log, call.name)
            }
        guard level.isKept(downTo: log.options.level) else { return }
        log.append(
            level, message(), target: String(file.prefix { $0 != "/" }), file: file, line: line,
            // In a view or a read the source says more than the call: `best(_:)` is `best`.
            function: name ?? String(function.prefix { $0 != "(" }))
    }
}
