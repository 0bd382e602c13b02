import Synchronization

@testable import SpacetimeCommand

/// Streams in memory: pipes, or what looks like a terminal.
final class RecordingTerminal: Terminal {
    private struct State {
        var input: [UInt8]
        var output: [UInt8] = []
        var errors: [UInt8] = []
        /// How many bytes of output are taken before the reader leaves.
        var limit: Int?
    }

    private let state: Mutex<State>
    private let isTerminal: Bool
    let width: Int?

    init(input: String = "", isTerminal: Bool = false, width: Int? = nil, outputLimit: Int? = nil) {
        state = Mutex(State(input: Array(input.utf8), limit: outputLimit))
        self.isTerminal = isTerminal
        self.width = width
    }

    func isTerminal(_ stream: StandardStream) -> Bool { isTerminal }

    func write(_ bytes: [UInt8], to stream: StandardStream) throws(CommandFailure) {
        let isOpen = state.withLock { state in
            if stream == .errors {
                state.errors += bytes
            } else if let limit = state.limit, state.output.count + bytes.count > limit {
                return false
            } else {
                state.output += bytes
            }
            return true
        }
        if !isOpen { throw CommandFailure(.outputClosed, "nobody reads") }
    }

    func read() -> [UInt8] {
        state.withLock { state in
            // In pieces, as pipes give them.
            let piece = Array(state.input.prefix(7))
            state.input.removeFirst(piece.count)
            return piece
        }
    }

    func enterRawMode() -> (@Sendable () -> Void)? { nil }

    var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var errors: String { state.withLock { String(decoding: $0.errors, as: UTF8.self) } }
}
