/// The rules for names of databases.
enum DatabaseName {
    /// The longest name, in bytes: it stands in addresses and in every line of the metrics.
    static let byteLimit = 255

    /// Whether a text is a name: groups of small letters and digits, joined by single hyphens.
    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= byteLimit else { return false }
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
        text.utf8.count > byteLimit
            ? "a name of \(text.utf8.count) bytes cannot name a database; use \(byteLimit) at most"
            : "'\(text)' cannot name a database; use small letters and digits, in groups joined by single hyphens"
    }
}
