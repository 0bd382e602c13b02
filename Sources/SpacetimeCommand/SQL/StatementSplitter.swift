/// Takes statements out of a text that comes in pieces: each ends with a semicolon that is in no quotes and no comment.
struct StatementSplitter {
    private enum Place { case plain, text, name, lineComment, blockComment }

    private var place = Place.plain
    private var statement = ""
    /// What may be the first of two characters that mean something together.
    private var previous: Character?
    /// How deep comments are nested.
    private var depth = 0

    /// Whether something has begun that has no end yet.
    var isOpen: Bool { place == .text || place == .name || place == .blockComment || !statement.trimmed.isEmpty }

    /// What to show in front of the line that goes on.
    var continuation: String {
        switch place {
        case .text: "'"
        case .name: "\""
        case .blockComment: "*"
        case .plain, .lineComment: "-"
        }
    }

    /// Takes in some more.
    ///
    /// - Returns: the statements that ended, without their semicolons.
    mutating func append(_ text: String) -> [String] {
        var found: [String] = []
        for character in text { if let ended = take(character) { found.append(ended) } }
        return found
    }

    /// What has no semicolon behind it, at the end of everything; nil if that is nothing.
    mutating func finish() -> String? {
        let rest = statement.trimmed
        self = StatementSplitter()
        return rest.isEmpty ? nil : rest
    }

    private mutating func take(_ character: Character) -> String? {
        let before = previous
        previous = character
        switch place {
        case .plain:
            switch character {
            case "'": place = .text
            case "\"": place = .name
            case "-" where before == "-":
                statement.removeLast()
                place = .lineComment
                return nil
            case "*" where before == "/":
                statement.removeLast()
                place = .blockComment
                depth = 1
                previous = nil
                return nil
            case ";":
                defer { statement = "" }
                let ended = statement.trimmed
                return ended.isEmpty ? nil : ended
            default: break
            }
            statement.append(character)
        case .text:
            // A doubled quote ends the text and begins it again, which comes to the same.
            if character == "'" { place = .plain }
            statement.append(character)
        case .name:
            if character == "\"" { place = .plain }
            statement.append(character)
        case .lineComment:
            if character.isNewline {
                place = .plain
                statement.append(character)
            }
        case .blockComment:
            if character == "/", before == "*" {
                depth -= 1
                previous = nil
            } else if character == "*", before == "/" {
                depth += 1
                previous = nil
            }
            if depth == 0 {
                place = .plain
                statement.append(" ")
            }
        }
        return nil
    }
}
