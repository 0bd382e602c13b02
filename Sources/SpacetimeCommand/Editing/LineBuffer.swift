/// A line that is being written, and where in it.
struct LineBuffer: Equatable {
    private(set) var characters: [Character] = []
    /// Before which character the next one goes.
    private(set) var cursor = 0
    /// What was cut last.
    private var cut: [Character] = []

    var text: String { String(characters) }
    var isEmpty: Bool { characters.isEmpty }
    /// What stands before the cursor.
    var head: String { String(characters[..<cursor]) }

    init(_ text: String = "") { replace(with: text) }

    mutating func replace(with text: String) {
        characters = Array(text)
        cursor = characters.count
    }

    mutating func insert(_ text: String) {
        characters.insert(contentsOf: text, at: cursor)
        cursor += text.count
    }

    /// Replaces so many characters before the cursor.
    mutating func replace(last count: Int, with text: String) {
        let start = cursor - count
        characters.replaceSubrange(start..<cursor, with: text)
        cursor = start + text.count
    }

    /// Does what a key does to a line. False if it does nothing to one.
    mutating func apply(_ key: Key) -> Bool {
        switch key {
        case .character(let character): insert(character)
        case .left, .control("b"): cursor = max(0, cursor - 1)
        case .right, .control("f"): cursor = min(characters.count, cursor + 1)
        case .home, .control("a"): cursor = 0
        case .end, .control("e"): cursor = characters.count
        case .wordLeft: cursor = wordStart
        case .wordRight: cursor = wordEnd
        case .backspace:
            guard cursor > 0 else { break }
            cursor -= 1
            characters.remove(at: cursor)
        case .delete: if cursor < characters.count { characters.remove(at: cursor) }
        case .control("k"): cutOut(cursor..<characters.count)
        case .control("u"): cutOut(0..<cursor)
        case .control("w"): cutOut(blankStart..<cursor)
        case .alt("d"): cutOut(cursor..<wordEnd)
        case .control("y"): insert(String(cut))
        case .control("t"): exchange()
        default: return false
        }
        return true
    }

    private mutating func insert(_ character: Character) {
        characters.insert(character, at: cursor)
        cursor += 1
        // What came byte by byte may belong to the character before: marks do.
        let joined = Array(String(characters))
        if joined.count < characters.count {
            cursor -= characters.count - joined.count
            characters = joined
        }
    }

    private mutating func cutOut(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        cut = Array(characters[range])
        characters.removeSubrange(range)
        cursor = range.lowerBound
    }

    private mutating func exchange() {
        guard characters.count > 1, cursor > 0 else { return }
        let second = min(cursor, characters.count - 1)
        characters.swapAt(second - 1, second)
        cursor = second + 1
    }

    // MARK: Words

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private var wordStart: Int {
        var place = cursor
        while place > 0, !Self.isOfWord(characters[place - 1]) { place -= 1 }
        while place > 0, Self.isOfWord(characters[place - 1]) { place -= 1 }
        return place
    }

    private var wordEnd: Int {
        var place = cursor
        while place < characters.count, !Self.isOfWord(characters[place]) { place += 1 }
        while place < characters.count, Self.isOfWord(characters[place]) { place += 1 }
        return place
    }

    /// Where what has no blanks in it begins.
    private var blankStart: Int {
        var place = cursor
        while place > 0, characters[place - 1].isWhitespace { place -= 1 }
        while place > 0, !characters[place - 1].isWhitespace { place -= 1 }
        return place
    }
}
