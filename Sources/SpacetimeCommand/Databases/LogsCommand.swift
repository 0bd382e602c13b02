import ArgumentParser
import SpacetimeHost
import SpacetimeSATS

/// `spacetimekit logs`
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what a module has logged.",
        discussion: """
            spacetimekit logs chat -n 20
            spacetimekit logs chat -f             go on with what comes
            spacetimekit logs chat --level warn   only what matters as much, or more
            spacetimekit logs chat --json | jq .message
            """)

    enum LeastLevel: String, ExpressibleByArgument, CaseIterable {
        case error, warn, info, debug, trace

        var level: LogLevel {
            switch self {
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            case .trace: .trace
            }
        }
    }

    @OptionGroup var connection: ConnectionOptions
    @Flag(name: [.short, .long], help: "Go on with what comes, until you interrupt it.") var follow = false
    @Option(name: [.customShort("n"), .long], help: "How many lines of before; by default all, or 10 with --follow.")
    var lines: Int?
    @Option(help: "The least that matters.") var level: LeastLevel?
    @Flag(help: "Lines of JSON, as the server keeps them.") var json = false
    @Argument(help: "The database: a name, or an identity.") var database: String

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines is a number that is not negative") }
    }

    func run() async throws {
        let session = CommandSession.current
        let threshold = level?.level
        let style = session.style(of: .output)
        var query = [("follow", follow ? "true" : "false")]
        if let count = lines ?? (follow ? 10 : nil) { query.append(("num_lines", "\(count)")) }
        try await connection.withServer(in: session) { server in
            try await server.lines(["database", database, "logs"], query: query, of: database) { line in
                guard !line.isEmpty else { return }
                let record = LogRecord(jsonLine: line)
                if let record, let threshold, !record.level.isKept(downTo: threshold) { return }
                // A line of a later version is shown as it is, rather than lost.
                guard !json, let record else { return try session.print(String(decoding: line, as: UTF8.self)) }
                try session.print(LogText.text(record, style))
            }
        }
    }
}

/// Lines of logs for people.
enum LogText {
    /// `2023-11-14T22:13:20.123456Z  INFO add_user: hello  src/lib.rs:42`
    static func text(_ record: LogRecord, _ style: TextStyle) -> String {
        let level = DisplayText.padded(record.level.name.uppercased(), to: 5)
        var text = style.dim("\(record.timestamp)") + " " + coloured(level, record.level, style) + " "
        if let function = record.function, !record.isOfHost { text += style.cyan(DisplayText.escaped(function)) + ": " }
        // Lines behind the first are indented, so that nobody can write one that looks like a record.
        let lines = record.message.split(separator: "\n", omittingEmptySubsequences: false)
        text += lines.map { DisplayText.escapedLines(String($0)) }.joined(separator: "\n    ")
        if let file = record.file, !record.isOfHost {
            text += "  " + style.dim(DisplayText.escaped(file) + (record.line.map { ":\($0)" } ?? ""))
        }
        for frame in record.trace {
            let place = [frame.module, frame.function].compactMap(\.self).joined(separator: "::")
            text += "\n    at \(DisplayText.escaped(place.isEmpty ? "?" : place))"
        }
        return text
    }

    private static func coloured(_ text: String, _ level: LogLevel, _ style: TextStyle) -> String {
        switch level {
        case .error, .panic: style.red(text)
        case .warn: style.yellow(text)
        case .info: style.green(text)
        case .debug, .trace: style.dim(text)
        }
    }
}
