/// Rewrites names from the style of the module's language into that of the database and of its clients.
///
/// A name is cut into words, which are then joined. Words end
/// - at `_`, `-` and space, which vanish: `a_b`;
/// - between a lower-case and an upper-case letter: `foo|Bar`;
/// - between a letter and a digit, either way: `player|1`, `1|up`;
/// - before the last capital of an acronym that a lower-case letter follows: `HTTP|Request`.
///
/// Characters are those of Swift: a letter with its combining marks. Digits are the ASCII digits; letters without case
/// belong to the word they stand in. Text without any word, such as
/// `_`, gives the empty string, which is then refused as an identifier.
package enum CaseConversion {
    /// `PlayerId` becomes `player_id`: tables, columns, fields, functions.
    package static func snake(_ name: String) -> String {
        var result = ""
        for word in words(of: name) {
            if !result.isEmpty { result += "_" }
            result += word.lowercased()
        }
        return result
    }

    /// `player_id` becomes `playerId`: variants.
    package static func camel(_ name: String) -> String {
        var result = ""
        for word in words(of: name) {
            result += result.isEmpty ? word.lowercased() : capitalized(word)
        }
        return result
    }

    /// `player_id` becomes `PlayerId`: types.
    package static func pascal(_ name: String) -> String {
        var result = ""
        for word in words(of: name) {
            result += capitalized(word)
        }
        return result
    }

    /// The words of a name as they are written, none of them empty.
    package static func words(of name: String) -> [Substring] {
        var words: [Substring] = []
        var wordStart = name.startIndex
        var last: Kind?
        var beforeLast: Kind?
        var lastIndex = name.startIndex

        func endWord(at end: String.Index) {
            if wordStart < end { words.append(name[wordStart..<end]) }
        }

        var index = name.startIndex
        while index < name.endIndex {
            let kind = Kind(name[index])
            let next = name.index(after: index)
            if kind == .separator {
                endWord(at: index)
                wordStart = next
            } else if let last, isBoundary(last, kind) {
                endWord(at: index)
                wordStart = index
            } else if beforeLast == .upper, last == .upper, kind == .lower {
                endWord(at: lastIndex)
                wordStart = lastIndex
            }
            beforeLast = last
            last = kind
            lastIndex = index
            index = next
        }
        endWord(at: name.endIndex)
        return words
    }

    private enum Kind {
        case separator, lower, upper, digit, other

        init(_ character: Character) {
            // Nearly all names are ASCII. Looking others up in the tables of Unicode takes ten times as long.
            if let byte = character.asciiValue {
                self.init(ascii: byte)
                return
            }
            switch character {
            case _ where character.isLowercase && !character.isUppercase: self = .lower
            case _ where character.isUppercase && !character.isLowercase: self = .upper
            default: self = .other
            }
        }

        private init(ascii byte: UInt8) {
            switch byte {
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: " "): self = .separator
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .digit
            case UInt8(ascii: "a")...UInt8(ascii: "z"): self = .lower
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .upper
            default: self = .other
            }
        }
    }

    private static func isBoundary(_ left: Kind, _ right: Kind) -> Bool {
        switch (left, right) {
        case (.lower, .upper), (.lower, .digit), (.upper, .digit), (.digit, .upper), (.digit, .lower): true
        default: false
        }
    }

    private static func capitalized(_ word: Substring) -> String {
        word.prefix(1).uppercased() + word.dropFirst().lowercased()
    }
}
