/// Takes statements out of a text that comes in pieces: each ends with a semicolon that is in no quotes and no comment.
struct StatementSplitter {
    private enum Place { case plain, text, name, lineComment, blockComment }

    private var place = Place.plain
    private var statement = ""
    /// What may be the first of two characters that mean something together.
    private var previous: Unicode.Scalar?
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

    /// Takes in some more. By scalars, as servers do: a quote with an accent behind it is one character that is no quote.
    ///
    /// - Returns: the statements that ended, without their semicolons.
    mutating func append(_ text: String) -> [String] {
        var found: [String] = []
        for scalar in text.unicodeScalars { if let ended = take(scalar) { found.append(ended) } }
        return found
    }

    /// What has no semicolon behind it, at the end of everything; nil if that is nothing.
    mutating func finish() -> String? {
        let rest = statement.trimmed
        self = StatementSplitter()
        return rest.isEmpty ? nil : rest
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> String? {
        let before = previous
        previous = scalar
        switch place {
        case .plain:
            switch scalar {
            case "'": place = .text
            case "\"": place = .name
            case "-" where before == "-":
                statement.unicodeScalars.removeLast()
                place = .lineComment
                return nil
            case "*" where before == "/":
                statement.unicodeScalars.removeLast()
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
            statement.unicodeScalars.append(scalar)
        case .text:
            // A doubled quote ends the text and begins it again, which comes to the same.
            if scalar == "'" { place = .plain }
            statement.unicodeScalars.append(scalar)
        case .name:
            if scalar == "\"" { place = .plain }
            statement.unicodeScalars.append(scalar)
        case .lineComment:
            if scalar == "\n" || scalar == "\r" {
                place = .plain
                statement.unicodeScalars.append(scalar)
            }
        case .blockComment:
            if scalar == "/", before == "*" {
                depth -= 1
                previous = nil
            } else if scalar == "*", before == "/" {
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
