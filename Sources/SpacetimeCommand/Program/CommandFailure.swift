import SpacetimeHost

/// Why a command did not do what it was asked to, in words that say what to do about it.
struct CommandFailure: Error, Equatable {
    /// What a script sees of it.
    enum Status: Int32 {
        /// The server, the module or the disk refused.
        case refused = 1
        /// It has to be agreed to, and nobody did.
        case unconfirmed = 2
        /// No server answers.
        case unreachable = 3
        /// The arguments are wrong. The number is that of `sysexits.h`, which ArgumentParser uses for what it finds itself.
        case usage = 64
        /// Whoever read the output has gone: as of a program that `SIGPIPE` ended.
        case outputClosed = 141
    }

    let status: Status
    let message: String

    init(_ status: Status = .refused, _ message: String) {
        self.status = status
        self.message = message
    }

    /// What any error means for the command.
    init(any error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as DatabaseError: self.init(.refused, error.message)
        case is CancellationError: self.init(.refused, "the command was interrupted")
        default: self.init(.refused, "\(error)")
        }
    }
}
