/// Why something could not be had of a server.
public struct ClientError: Error, Sendable, Hashable {
    /// What to switch on.
    public let code: Code
    /// What was wrong, and what to do next. For ``Code/rejected`` it is the text that the module threw, and nothing else.
    public let message: String

    /// An error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Kinds of errors. There may be more in later versions.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        public let description: String

        private init(_ description: String) { self.description = description }

        /// The module's own code threw, and nothing was changed. The message is its text.
        public static let rejected = Code("rejected")
        /// The server could not carry a call or a query out: no such function, arguments that do not fit, a crash of the module.
        public static let failed = Code("failed")
        /// A query cannot be watched, or is not any more.
        public static let subscription = Code("subscription")
        /// The server could not be reached.
        public static let unreachable = Code("unreachable")
        /// The server refused the connection: an invalid token, no such database.
        public static let refused = Code("refused")
        /// The connection was lost while something was under way. Whether a call was carried out is not known.
        public static let connectionLost = Code("connectionLost")
        /// The client was disconnected by the program.
        public static let disconnected = Code("disconnected")
        /// The server sent what it may not send.
        public static let protocolViolation = Code("protocolViolation")
        /// More requests wait for an answer than ``ClientOptions/requestLimit`` allows.
        public static let tooManyRequests = Code("tooManyRequests")
        /// A sequence of changes was not read fast enough. What follows is lost for it; begin a new one.
        public static let fellBehind = Code("fellBehind")
        /// The bytes of a row or of a result are not of the type that the program expects.
        public static let undecodable = Code("undecodable")
        /// A description of a table contradicts itself.
        public static let badDescription = Code("badDescription")
        /// The address of a server cannot be read.
        public static let badAddress = Code("badAddress")
    }
}

extension ClientError: CustomStringConvertible {
    public var description: String { message }
}
