import SpacetimeDurability
import Synchronization

/// One line that shows how far something long has come, where there is somebody to see it.
final class ProgressLine: Sendable {
    private struct State {
        /// In hundredths, so that the line is not written anew for each byte.
        var shown = -1
        var isVisible = false
        var hasEnded = false
    }

    private let session: CommandSession
    private let title: String
    private let isShown: Bool
    /// Held while the line is written, so that nothing is behind its end.
    private let state = Mutex(State())

    init(_ title: String, in session: CommandSession) {
        self.title = title
        self.session = session
        isShown = session.terminal.isTerminal(.errors) && session.environment["TERM"] != "dumb"
    }

    private var width: Int { max(20, session.terminal.width ?? 80) }

    /// Shows that so much of the whole is done.
    func show(_ done: Int, of whole: Int) {
        guard isShown, whole > 0 else { return }
        let part = min(100, done * 100 / whole)
        state.withLock { state in
            guard part != state.shown, !state.hasEnded else { return }
            state.shown = part
            state.isVisible = true
            write(Self.line(title, part, width: width))
        }
    }

    /// Shows that something goes on of which nobody knows how long it takes.
    func show(_ text: String) {
        guard isShown else { return }
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.isVisible = true
            write(DisplayText.cut("\(title) \(text)", to: width - 1))
        }
    }

    /// Takes the line away.
    func end() {
        state.withLock { state in
            if state.isVisible { write("") }
            state.isVisible = false
            state.hasEnded = true
        }
    }

    /// `uploading [████████────────]  50%`
    static func line(_ title: String, _ part: Int, width: Int) -> String {
        let places = min(40, width - DisplayText.width(title) - 9)
        guard places >= 5 else { return "\(part)%" }
        let full = places * part / 100
        let bar = String(repeating: "█", count: full) + String(repeating: "─", count: places - full)
        return "\(title) [\(bar)] " + DisplayText.padded("\(part)%", to: 4, isRight: true)
    }

    private func write(_ line: String) {
        // Who cannot be told how far it is can still be told what came of it.
        try? session.terminal.write(Array("\r\u{1B}[K\(line)".utf8), to: .errors)
    }

    /// Does long work on a thread of its own, and shows meanwhile that it goes on.
    static func show<Value: Sendable>(
        _ title: String, in session: CommandSession,
        _ work: @escaping @Sendable (ProgressLine) throws -> Value
    ) async throws -> Value {
        let line = ProgressLine(title, in: session)
        let began = ContinuousClock.now
        let ticker = Task {
            while true {
                // What is done at once needs no line.
                try await Task.sleep(for: .milliseconds(500))
                line.showTime(began)
            }
        }
        defer {
            ticker.cancel()
            line.end()
        }
        return try await suspendingAside { try work(line) }
    }

    /// Nothing, where it is known how far it is.
    private func showTime(_ began: ContinuousClock.Instant) {
        guard state.withLock({ $0.shown < 0 }) else { return }
        show("… \((ContinuousClock.now - began).components.seconds) s")
    }
}
