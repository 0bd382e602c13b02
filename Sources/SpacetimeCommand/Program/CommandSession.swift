/// What a command has of the world around it. Tests put another in its place.
struct CommandSession: Sendable {
    let terminal: any Terminal
    /// The variables of the environment.
    let environment: [String: String]

    /// That of the command that runs.
    @TaskLocal static var current = CommandSession.ofProcess()

    static func ofProcess() -> CommandSession {
        CommandSession(terminal: SystemTerminal.ofProcess, environment: Environment.ofProcess())
    }

    /// A variable that is set to something.
    func variable(_ name: String) -> String? {
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    // MARK: Output

    /// Writes a line of data.
    func print(_ text: String) throws(CommandFailure) { try write(text + "\n") }

    /// Writes data.
    func write(_ text: String) throws(CommandFailure) { try terminal.write(Array(text.utf8), to: .output) }

    /// Tells the user something that is no data: it does not get into pipes.
    func note(_ text: String) throws(CommandFailure) { try terminal.write(Array((text + "\n").utf8), to: .errors) }

    /// How texts are set off in a stream: not at all where they are not for eyes.
    func style(of stream: StandardStream) -> TextStyle {
        let isPlain = variable("NO_COLOR") != nil || environment["TERM"] == "dumb"
        return TextStyle(isColoured: terminal.isTerminal(stream) && !isPlain)
    }

    /// How many columns a line of output may have; nil if that does not matter.
    var outputWidth: Int? {
        guard terminal.isTerminal(.output) else { return nil }
        return max(20, terminal.width ?? 80)
    }

    // MARK: Questions

    /// Asks before something that cannot be undone.
    ///
    /// - Parameter option: what agrees without being asked.
    /// - Throws: with the status `unconfirmed` if the answer is not yes, or if there is nobody to ask.
    func confirm(_ question: String, option: String = "--yes") async throws(CommandFailure) {
        guard terminal.isTerminal(.input), terminal.isTerminal(.errors) else {
            throw CommandFailure(.unconfirmed, "\(question) Nobody can be asked here; say \(option) to do it")
        }
        try terminal.write(Array("\(question) [y/N] ".utf8), to: .errors)
        let answer = await InputLines(terminal).next() ?? ""
        guard ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure(.unconfirmed, "nothing was done")
        }
    }
}
