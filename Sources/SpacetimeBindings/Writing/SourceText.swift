/// Lines of code, indented by how many blocks are open.
struct SourceText {
    private(set) var lines: [String] = []
    private var depth = 0
    private let indentation: String

    init(indentation: Int = 4) { self.indentation = String(repeating: " ", count: indentation) }

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// A line, or an empty one.
    mutating func line(_ text: String = "") {
        lines.append(text.isEmpty ? "" : String(repeating: indentation, count: depth) + text)
    }

    /// The lines of a text.
    mutating func add(_ text: String) {
        for part in text.split(separator: "\n", omittingEmptySubsequences: false) { line(String(part)) }
    }

    /// A line behind which everything is one step further in, until ``close(_:)``.
    mutating func open(_ text: String) {
        line(text)
        depth += 1
    }

    mutating func close(_ text: String = "}") {
        depth -= 1
        line(text)
    }

    /// One step back out, without a line that says so.
    mutating func dedent() { depth -= 1 }

    /// An empty line, unless there is one, or a block has just begun.
    mutating func gap() {
        guard let last = lines.last, !last.isEmpty, !last.hasSuffix("{") else { return }
        line()
    }
}
