/// What a reducer throws when its caller did something that is not allowed: the caller gets the text, and the
/// transaction is rolled back.
///
/// ```swift
/// guard !text.isEmpty else { throw SenderError("a message needs text") }
/// ```
public struct SenderError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
