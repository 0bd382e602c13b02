/// The rules for names of databases.
enum DatabaseName {
    /// Whether a text is a name: groups of small letters and digits, joined by single hyphens.
    static func isValid(_ text: String) -> Bool {
        var afterHyphen = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): afterHyphen = false
            case UInt8(ascii: "-") where !afterHyphen: afterHyphen = true
            default: return false
            }
        }
        return !afterHyphen
    }

    /// What is said of a text that is no name.
    static func problem(_ text: String) -> String {
        "'\(text)' cannot name a database; use small letters and digits, in groups joined by single hyphens"
    }
}
