/// Names of files are 20 decimal digits of an offset, so that they sort by it.
package enum FileName {
    package static func make(_ offset: UInt64, _ suffix: String) -> String {
        let digits = String(offset)
        return String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    /// The offset, if the name is one of these.
    package static func offset(_ name: String, _ suffix: String) -> UInt64? {
        guard name.utf8.count == 20 + suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
        let digits = name.utf8.prefix(20)
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}
