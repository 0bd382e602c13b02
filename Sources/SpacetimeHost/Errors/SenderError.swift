/// What a reducer throws when its caller did something that is not allowed: the caller gets the text, and the
/// transaction is rolled back.
///
/// ```swift
/// guard !text.isEmpty else { throw SenderError("a message needs text") }
/// ```
public struct SenderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller is told.
    public let message: String

    /// An error with a text for the caller.
    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
