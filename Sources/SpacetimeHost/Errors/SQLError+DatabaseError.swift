package import SpacetimeQuery

/// Where in an SQL statement something is wrong: the ``DatabaseError/cause`` of errors with the code `invalidQuery`.
public struct SQLProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    public let line: Int
    /// Counted from 1, in characters.
    public let column: Int
    /// The part of the text that is meant, as offsets of its UTF-8.
    public let range: Range<Int>
    /// What is wrong and what was expected.
    public let reason: String

    init(_ error: SQLError) {
        line = error.line
        column = error.column
        range = error.range.start..<error.range.end
        reason = error.reason
    }

    public var description: String { "line \(line), column \(column): \(reason)" }
}

extension DatabaseError {
    /// The public face of an error in a statement.
    @inline(never)
    package init(_ error: SQLError) {
        let problem = SQLProblem(error)
        let code: Code =
            switch error.code {
            case .noSuchTable: .noSuchTable
            case .tooLarge: .limitReached
            case .empty, .syntax, .unsupported, .name, .type, .count, .index: .invalidQuery
            }
        self.init(code, problem.description, cause: problem)
    }
}
