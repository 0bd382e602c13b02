/// A key that was pressed.
enum Key: Equatable {
    case character(Character)
    case enter, tab, backspace, delete
    case left, right, up, down, home, end, wordLeft, wordRight
    /// With the control key; the letter is a small one.
    case control(Character)
    /// With the alt key.
    case alt(Character)
    case unknown
}

/// Makes keys of the bytes that a terminal sends for them.
struct KeyDecoder {
    private var pending: [UInt8] = []

    /// Takes bytes in, which may end in the middle of a key.
    mutating func append(_ bytes: [UInt8]) -> [Key] {
        pending += bytes
        var keys: [Key] = []
        while let (key, count) = Self.first(pending[...]) {
            keys.append(key)
            pending.removeFirst(count)
        }
        return keys
    }

    /// The first key, and of how many bytes it is; nil if there is no whole one.
    private static func first(_ bytes: ArraySlice<UInt8>) -> (Key, Int)? {
        guard let byte = bytes.first else { return nil }
        switch byte {
        case 0x1B: return escape(bytes.dropFirst())
        case 0x0D, 0x0A: return (.enter, 1)
        case 0x09: return (.tab, 1)
        case 0x7F, 0x08: return (.backspace, 1)
        case 0x01...0x1A: return (.control(Character(Unicode.Scalar(byte + 0x60))), 1)
        case 0x00...0x1F: return (.unknown, 1)
        case 0x20..<0x7F: return (.character(Character(Unicode.Scalar(byte))), 1)
        default: return character(bytes)
        }
    }

    private static func character(_ bytes: ArraySlice<UInt8>) -> (Key, Int)? {
        let first = bytes[bytes.startIndex]
        let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
        guard bytes.count >= count else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        guard count > 1, text != "\u{FFFD}", let character = text.first else { return (.unknown, count) }
        return (.character(character), count)
    }

    /// What stands behind an escape, which is counted, too.
    private static func escape(_ bytes: ArraySlice<UInt8>) -> (Key, Int)? {
        guard let kind = bytes.first else { return nil }
        guard kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else {
            let letter = Character(Unicode.Scalar(kind))
            switch letter {
            case "b": return (.wordLeft, 2)
            case "f": return (.wordRight, 2)
            default: return (letter.isASCII && kind >= 0x20 ? .alt(letter) : .unknown, 2)
            }
        }
        // Numbers and semicolons, then one character that ends it.
        let rest = bytes.dropFirst()
        guard let end = rest.firstIndex(where: { 0x40...0x7E ~= $0 }) else {
            // What never ends is no key.
            return rest.count > 16 ? (.unknown, bytes.count + 1) : nil
        }
        let numbers = String(decoding: rest[..<end], as: UTF8.self)
        return (named(rest[end], numbers), end - bytes.startIndex + 2)
    }

    private static func named(_ end: UInt8, _ numbers: String) -> Key {
        let isWithModifier = numbers.hasSuffix(";5") || numbers.hasSuffix(";3")
        switch end {
        case UInt8(ascii: "A"): return .up
        case UInt8(ascii: "B"): return .down
        case UInt8(ascii: "C"): return isWithModifier ? .wordRight : .right
        case UInt8(ascii: "D"): return isWithModifier ? .wordLeft : .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "~"):
            switch numbers {
            case "1", "7": return .home
            case "4", "8": return .end
            case "3": return .delete
            default: return .unknown
            }
        default: return .unknown
        }
    }
}
