/// Reads lines from a terminal, whose keys edit them.
///
/// | Key | |
/// | --- | --- |
/// | left, right, control-B, control-F | one character |
/// | alt-B, alt-F, control with left or right | one word |
/// | home, end, control-A, control-E | to the beginning or end |
/// | up, down, control-P, control-N | what was entered before |
/// | control-R | looks for what was entered before: again for older ones, control-G gives it up |
/// | tab | completes; the second shows what there is |
/// | control-W, control-U, control-K, alt-D | cuts the word before, all before, all behind, the word behind |
/// | control-Y, control-T | puts back what was cut; exchanges two characters |
/// | control-L | clears the screen |
/// | control-C | gives the line up |
/// | control-D | on an empty line ends the input |
final class LineEditor {
    /// How reading a line ended.
    enum Outcome: Equatable {
        case line(String)
        /// Control-C.
        case interrupted
        /// Control-D, or the terminal has gone.
        case end
    }

    /// What there is for the word that the cursor is behind.
    struct Completions: Equatable {
        /// How many characters of the line the word has so far.
        let replaced: Int
        let words: [String]
    }

    private let terminal: any Terminal
    private let complete: (String) -> Completions
    private var decoder = KeyDecoder()
    /// Keys that came together with those of the line before.
    private var keys: [Key] = []
    var history: History

    /// - Parameter complete: what there is for the text before the cursor.
    init(_ terminal: any Terminal, history: History, complete: @escaping (String) -> Completions) {
        self.terminal = terminal
        self.history = history
        self.complete = complete
    }

    /// Shows a prompt and reads a line.
    func readLine(_ prompt: String) async throws(CommandFailure) -> Outcome {
        guard let leaveRawMode = terminal.enterRawMode() else { return .end }
        defer { leaveRawMode() }
        var line = LineBuffer()
        var lastKey: Key?
        try draw(prompt, line)
        while true {
            guard let key = await nextKey() else { return .end }
            defer { lastKey = key }
            switch key {
            case .enter:
                try draw(prompt, line, isLast: true)
                return .line(line.text)
            case .control("c"):
                try write("^C\r\n")
                return .interrupted
            case .control("d") where line.isEmpty:
                try write("\r\n")
                return .end
            case .control("d"): _ = line.apply(.delete)
            case .control("l"): try write("\u{1B}[H\u{1B}[2J")
            case .up, .control("p"):
                if let entry = history.previous(instead: line.text) { line.replace(with: entry) }
            case .down, .control("n"): if let entry = history.next() { line.replace(with: entry) }
            case .control("r"):
                guard let next = try await search(&line) else { return .end }
                if next != .control("g") { keys.insert(next, at: 0) }
            case .tab: try completeWord(in: &line, isSecond: lastKey == .tab)
            default: _ = line.apply(key)
            }
            // What was typed ahead is shown at once.
            if keys.isEmpty { try draw(prompt, line) }
        }
    }

    private func nextKey() async -> Key? {
        while keys.isEmpty {
            let bytes = await terminal.next()
            if bytes.isEmpty { return nil }
            keys = decoder.append(bytes)
        }
        return keys.removeFirst()
    }

    // MARK: Searching

    /// Looks for an entry with what is typed, and shows it. Letters make the text longer, control-R goes on to older entries.
    ///
    /// - Returns: the key that ended it: control-G has given it up, and any other is meant for the line, which is what was found.
    ///   Nil at the end of the input.
    private func search(_ line: inout LineBuffer) async throws(CommandFailure) -> Key? {
        let before = line
        var text = ""
        var found: Int?
        while true {
            let sign = found == nil && !text.isEmpty ? "nothing with" : "search"
            if keys.isEmpty { try draw("(\(sign) '\(DisplayText.escaped(text))') ", line) }
            guard let key = await nextKey() else { return nil }
            switch key {
            case .character(let character):
                text.append(character)
                // The entry that is shown may have the longer text, too.
                found = history.newest(with: text, before: found.map { $0 + 1 } ?? .max)
            case .backspace:
                _ = text.popLast()
                found = text.isEmpty ? nil : history.newest(with: text, before: .max)
            case .control("r"):
                guard !text.isEmpty, let place = found else { continue }
                // The oldest one stays.
                found = history.newest(with: text, before: place) ?? place
            case .control("g"):
                line = before
                return key
            default: return key
            }
            if let found { line.replace(with: history.entries[found]) } else if text.isEmpty { line = before }
        }
    }

    // MARK: Completing

    private func completeWord(in line: inout LineBuffer, isSecond: Bool) throws(CommandFailure) {
        let found = complete(line.head)
        guard let first = found.words.first else { return try write("\u{7}") }
        if found.words.count == 1 { return line.replace(last: found.replaced, with: first + " ") }
        let common = Self.commonPrefix(found.words)
        if common.count > found.replaced {
            line.replace(last: found.replaced, with: common)
        } else if isSecond {
            try write("\r\n" + columns(found.words))
        } else {
            try write("\u{7}")
        }
    }

    static func commonPrefix(_ words: [String]) -> String {
        guard var prefix = words.first.map(Array.init) else { return "" }
        for word in words.dropFirst() {
            let same = zip(prefix, word).prefix { $0.0.lowercased() == $0.1.lowercased() }.count
            prefix.removeSubrange(same...)
        }
        return String(prefix)
    }

    /// Words in columns, line by line.
    private func columns(_ words: [String]) -> String {
        let limit = terminal.width ?? 80
        let width = (words.map { DisplayText.width($0) }.max() ?? 0) + 2
        let perLine = max(1, limit / width)
        var text = ""
        for (position, word) in words.enumerated() {
            text += DisplayText.padded(word, to: width)
            if position % perLine == perLine - 1 || position == words.count - 1 { text += "\r\n" }
        }
        return text
    }

    // MARK: Drawing

    private func write(_ text: String) throws(CommandFailure) { try terminal.write(Array(text.utf8), to: .output) }

    /// Shows the line on one line of the screen: of a long one, the part around the cursor.
    private func draw(_ prompt: String, _ line: LineBuffer, isLast: Bool = false) throws(CommandFailure) {
        let room = max(8, (terminal.width ?? 80) - DisplayText.width(prompt) - 1)
        let (shown, column) = Self.window(line, room: room)
        var text = "\r\u{1B}[K" + prompt + shown
        if isLast {
            text += "\r\n"
        } else {
            text += "\r\u{1B}[\(DisplayText.width(prompt) + column)C"
        }
        try write(text)
    }

    /// The part of a line that fits, and at which column of it the cursor is.
    static func window(_ line: LineBuffer, room: Int) -> (text: String, column: Int) {
        let characters = line.characters.map { DisplayText.escaped(String($0)) }
        var start = line.cursor
        var column = 0
        // As much as fits in front of the cursor, with one column left for the cursor itself.
        while start > 0 {
            let width = DisplayText.width(characters[start - 1])
            guard column + width < room else { break }
            column += width
            start -= 1
        }
        var end = line.cursor
        var width = column
        while end < characters.count, width + DisplayText.width(characters[end]) <= room {
            width += DisplayText.width(characters[end])
            end += 1
        }
        return (characters[start..<end].joined(), column)
    }
}
