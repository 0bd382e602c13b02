/// The smallest pieces of a statement.
struct SQLToken: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// A name or a keyword: which of the two depends on where it stands.
        case word(String)
        /// A name in double quotes, which is never a keyword.
        case quoted(String)
        case string(String)
        /// Digits, perhaps with a point and an exponent; as written, without a sign.
        case number(String)
        /// The digits behind `0x`, or between the quotes of `X'…'`.
        case hex(String)
        /// The name behind a colon.
        case parameter(String)
        case symbol(Symbol)
        case end
    }

    enum Symbol: String, Hashable, Sendable, CaseIterable {
        case comma = ","
        case dot = "."
        case semicolon = ";"
        case open = "("
        case close = ")"
        case star = "*"
        case plus = "+"
        case minus = "-"
        case slash = "/"
        case percent = "%"
        case equal = "="
        case doubleEqual = "=="
        case notEqual = "<>"
        case bangEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case concatenation = "||"
    }

    let kind: Kind
    let range: SourceRange

    /// True for a word that, in whatever case, is this keyword. Keywords are given in capitals.
    func isKeyword(_ keyword: StaticString) -> Bool {
        guard case .word(let word) = kind, word.utf8.count == keyword.utf8CodeUnitCount else { return false }
        return keyword.withUTF8Buffer { expected in
            zip(word.utf8, expected).allSatisfy { ($0 >= 0x61 && $0 <= 0x7A ? $0 - 0x20 : $0) == $1 }
        }
    }
}
