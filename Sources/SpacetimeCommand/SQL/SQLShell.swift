import SpacetimeSATS

/// The prompt of `sql`.
struct SQLShell {
    let runner: SQLRunner
    var printer: SQLPrinter
    let session: CommandSession
    /// Nil if it could not be had: names are not completed then.
    private var schema: DatabaseSchema?

    init(runner: SQLRunner, printer: SQLPrinter, session: CommandSession) {
        self.runner = runner
        self.printer = printer
        self.session = session
    }

    /// What is in front of lines: short, since an identity is a line by itself.
    private var prompt: String { DisplayText.cut(runner.database, to: 20) }

    /// Reads and runs statements until the user has enough.
    mutating func run() async throws {
        let schema = try await runner.server.schema(of: runner.database)
        self.schema = schema
        try session.print(
            "\(runner.database) on \(runner.server.address.text); statements end with ;  \\? tells more, \\q ends")
        let completer = SQLCompleter(schema.module)
        let begun = Begun()
        let editor = LineEditor(session.terminal, history: History(path: History.path(in: session))) { text in
            completer.completions(text, before: begun.text)
        }
        var splitter = StatementSplitter()
        while true {
            let isOpen = splitter.isOpen
            let sign = isOpen ? splitter.continuation : "="
            switch try await editor.readLine("\(prompt)\(sign)> ") {
            case .end: return
            case .interrupted:
                splitter = StatementSplitter()
                begun.text = ""
            case .line(let line):
                if !isOpen, line.trimmed.hasPrefix("\\") {
                    editor.history.remember(line)
                    guard try await obey(line.trimmed) else { return }
                    continue
                }
                begun.text += line + "\n"
                let statements = splitter.append(line + "\n")
                if !splitter.isOpen {
                    editor.history.remember(begun.text)
                    begun.text = ""
                }
                for statement in statements { try await show(statement) }
            }
        }
    }

    /// The lines of a statement that is not whole.
    private final class Begun {
        var text = ""
    }

    /// Runs a statement. What the server has against it is no reason to leave; that it has gone is not either, it may come back.
    private func show(_ statement: String) async throws {
        do { try printer.print(try await runner.run(statement)) } catch let failure as CommandFailure {
            if failure.status == .outputClosed { throw failure }
            try session.print(session.style(of: .output).red("error: ") + DisplayText.escapedLines(failure.message))
        }
    }

    // MARK: Commands

    static let help = """
        \\d            tables and views
        \\d NAME       one of them, or a reducer or procedure, with all about it
        \\x            each row as a block of lines, or as a line again
        \\csv, \\json   rows as CSV or JSON; \\table: as a table again
        \\timing       say how long statements take, or do not
        \\q            leave; control-D does, too
        A statement ends with a semicolon and may have several lines; control-C gives it up. Tab completes names,
        control-R finds what was entered before.
        """

    /// Does what a line with a backslash says. False if that is to leave.
    private mutating func obey(_ line: String) async throws -> Bool {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        let argument = words.count > 1 ? words[1].trimmed : nil
        switch words[0] {
        case "\\q", "\\quit", "\\exit": return false
        case "\\?", "\\h", "\\help": try session.print(Self.help)
        case "\\x": try set(printer.format == .expanded ? .table : .expanded)
        case "\\csv": try set(printer.format == .csv ? .table : .csv)
        case "\\json": try set(printer.format == .json ? .table : .json)
        case "\\table": try set(.table)
        case "\\timing":
            printer.isTiming.toggle()
            try session.print(printer.isTiming ? "times are said" : "times are not said")
        case "\\d": try await describe(argument)
        default: try session.print("there is no \(DisplayText.escaped(words[0])); \\? tells what there is")
        }
        return true
    }

    private mutating func set(_ format: RowFormat) throws {
        printer.format = format
        let names: [RowFormat: String] = [
            .table: "as a table", .expanded: "as blocks of lines", .csv: "as CSV", .json: "as JSON",
        ]
        try session.print("rows are shown \(names[format] ?? "")")
    }

    private mutating func describe(_ name: String?) async throws {
        // A module may have been replaced since.
        if let new = try? await runner.server.schema(of: runner.database) { schema = new }
        guard let schema else { return }
        let text = SchemaText(schema, style: session.style(of: .output))
        guard let name else { return try session.print(text.tableList) }
        try session.print(
            text.part(name) ?? "there is nothing named '\(DisplayText.escaped(name))'; \\d shows what there is")
    }
}
