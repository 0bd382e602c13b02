/// The three streams of a process.
enum StandardStream: Sendable {
    case input, output, errors
}

/// Where a command reads and writes.
protocol Terminal: Sendable {
    /// Whether a stream leads to eyes, or from fingers.
    func isTerminal(_ stream: StandardStream) -> Bool
    /// How many columns a line has; nil if that is not known.
    var width: Int? { get }
    /// Writes all of the bytes.
    ///
    /// - Throws: with the status `outputClosed` if nobody reads them any more.
    func write(_ bytes: [UInt8], to stream: StandardStream) throws(CommandFailure)
    /// What arrives next in the input; nothing at its end. Blocks until then.
    func read() -> [UInt8]
    /// Has each key delivered as it is pressed, unseen, until the result is called. Nil if the input has no keys.
    func enterRawMode() -> (@Sendable () -> Void)?
}

/// The lines of the input, one after the other.
final class InputLines {
    private let terminal: any Terminal
    private var pending: [UInt8] = []
    /// Where what was not taken yet begins.
    private var start = 0
    private var isAtEnd = false

    init(_ terminal: any Terminal) { self.terminal = terminal }

    /// The next line without its end; nil behind the last.
    func next() async -> String? {
        while true {
            if let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = pending[start..<end]
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                start = end + 1
                return String(decoding: line, as: UTF8.self)
            }
            if isAtEnd {
                let last = await rest()
                return last.isEmpty ? nil : String(decoding: last, as: UTF8.self)
            }
            await readMore()
        }
    }

    /// Everything that is left.
    func rest() async -> [UInt8] {
        while !isAtEnd { await readMore() }
        defer { start = pending.count }
        return Array(pending[start...])
    }

    private func readMore() async {
        let bytes = await terminal.next()
        pending.removeSubrange(..<start)
        start = 0
        if bytes.isEmpty { isAtEnd = true } else { pending += bytes }
    }
}
