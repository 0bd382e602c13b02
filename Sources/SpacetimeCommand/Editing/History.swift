/// What was entered before, the newest last, and in a file so that it is there the next time.
struct History {
    private(set) var entries: [String] = []
    private let path: String?
    /// Where somebody is who goes back and forth; the count of the entries at the new line.
    private var place = 0
    /// The new line, while older ones are looked at.
    private var draft = ""

    static let limit = 1_000

    /// - Parameter path: nil if nothing is kept.
    init(path: String?) {
        self.path = path
        // A history that cannot be read is none.
        if let path, let bytes = try? UserFile.read(path) {
            entries = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).suffix(Self.limit)
        }
        place = entries.count
    }

    /// The file of a session: in the place for what programs remember.
    static func path(in session: CommandSession) -> String? {
        if let directory = session.variable("XDG_STATE_HOME"), directory.hasPrefix("/") {
            return directory + "/spacetimekit/sql-history"
        }
        return session.variable("HOME").map { $0 + "/.local/state/spacetimekit/sql-history" }
    }

    /// Takes in what was entered: on one line, and not twice in a row.
    mutating func add(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmed
        defer {
            place = entries.count
            draft = ""
        }
        guard !line.isEmpty, line != entries.last else { return }
        entries.append(line)
        if entries.count > Self.limit { entries.removeFirst(entries.count - Self.limit) }
    }

    /// Takes in what was entered, and writes the file at once: a statement that takes too long may be ended together with
    /// the program.
    mutating func remember(_ text: String) {
        let before = entries
        add(text)
        if entries != before { save() }
    }

    /// Writes the file. Nobody is told if that fails: it is a convenience, and no reason to lose what was asked for.
    func save() {
        guard let path else { return }
        try? UserFile.makeDirectory(of: path)
        try? UserFile.write(Array((entries.joined(separator: "\n") + "\n").utf8), to: path)
    }

    /// The newest entry with a text in it, whatever letters are large in it.
    ///
    /// - Parameter place: only entries before this one are looked at.
    func newest(with text: String, before place: Int) -> Int? {
        let wanted = text.lowercased()
        return entries[..<min(place, entries.count)].lastIndex { $0.lowercased().contains(wanted) }
    }

    /// The entry before the one that is shown, if there is one.
    mutating func previous(instead line: String) -> String? {
        guard place > 0 else { return nil }
        if place == entries.count { draft = line }
        place -= 1
        return entries[place]
    }

    /// The entry behind the one that is shown, and behind the last the line that was begun.
    mutating func next() -> String? {
        guard place < entries.count else { return nil }
        place += 1
        return place == entries.count ? draft : entries[place]
    }
}
