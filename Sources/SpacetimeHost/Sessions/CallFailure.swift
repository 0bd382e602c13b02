/// Why a call came to nothing, as clients are told.
package enum CallFailure {
    /// The reducer threw this.
    case thrown(String)
    /// The call could not start, or was stopped.
    case refused(String)

    /// - Parameter reducer: as the caller named it.
    package init(_ error: any Error, of reducer: String) {
        guard let error = error as? DatabaseError else {
            self = .thrown(String(describing: error))
            return
        }
        switch error.code {
        case .noSuchReducer: self = .refused(error.lifecycleText ?? "no such reducer")
        case .badArguments: self = .refused("invalid arguments for reducer \(reducer): \(error.message)")
        case .moduleFailure: self = .refused("The instance encountered a fatal error.")
        // What a reducer does not catch of its own writes is its own error.
        case .uniqueViolation, .noSuchRow, .malformedRow, .malformedKey, .notPermitted: self = .thrown(error.message)
        default: self = .refused(error.message)
        }
    }

    package var text: String {
        switch self {
        case .thrown(let text), .refused(let text): text
        }
    }

    /// Why a procedure came to nothing.
    package static func ofProcedure(_ error: any Error, _ name: String) -> String {
        guard let error = error as? DatabaseError else { return FailureText.of(error) }
        return switch error.code {
        case .noSuchProcedure: "No such procedure"
        case .badArguments: "invalid arguments for procedure \(name): \(error.message)"
        case .moduleFailure: "The module instance encountered a fatal error: \(error.message)"
        default: error.message
        }
    }
}

/// What clients are told of an error.
package enum FailureText {
    package static func of(_ error: any Error) -> String {
        if error is CancellationError { return "the call was cancelled, since its database was closed" }
        return (error as? DatabaseError)?.message ?? String(describing: error)
    }
}

extension DatabaseError {
    /// Of a call of a reducer that only the database itself runs; nil for others that do not exist.
    fileprivate var lifecycleText: String? {
        message.contains("it cannot be called") ? message : nil
    }
}
