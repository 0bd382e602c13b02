// Normalisation is in the standard library but only half public: swift-foundation takes it the same way. The
// alternative, a copy of the composition tables, would disagree with the library's character properties after each
// Unicode release.
@_spi(_Unicode) import Swift

/// The rules for names of tables, columns, functions, types and the like.
///
/// A name is not empty, is in Unicode normal form C, begins with an XID_Start character or `_` and goes on with
/// XID_Continue characters. Names are never normalised: a name in another form is refused. There are no reserved
/// words.
package enum Identifier {
    /// Why a text is no identifier.
    package enum Problem: Error, Hashable, Sendable {
        case empty
        case notCanonicalized
        case invalidStart(Unicode.Scalar)
        case invalidContinue(Unicode.Scalar)
    }

    /// Nil if `text` is an identifier. Linear in its length.
    package static func problem(with text: String) -> Problem? {
        guard let first = text.unicodeScalars.first else { return .empty }
        guard isNormalized(text) else { return .notCanonicalized }
        guard first == "_" || isStart(first) else { return .invalidStart(first) }
        for scalar in text.unicodeScalars.dropFirst() where !isContinue(scalar) {
            return .invalidContinue(scalar)
        }
        return nil
    }

    /// Whether `text` is in normal form C.
    package static func isNormalized(_ text: String) -> Bool {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return true }
        return text.unicodeScalars.elementsEqual(text._nfc)
    }

    private static func isStart(_ scalar: Unicode.Scalar) -> Bool {
        // Nearly all names are ASCII, which needs no look into the tables of Unicode.
        isASCIILetter(scalar) || !scalar.isASCII && scalar.properties.isXIDStart
    }

    private static func isContinue(_ scalar: Unicode.Scalar) -> Bool {
        isASCIILetter(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
            || !scalar.isASCII && scalar.properties.isXIDContinue
    }

    private static func isASCIILetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }
}
