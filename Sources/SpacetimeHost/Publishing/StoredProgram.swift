import SpacetimeSATS

/// Which program a database's module is. In the files it is one byte for the kind, and the hash as an array of bytes.
package struct StoredProgram: Hashable, Sendable {
    package let kind: ModuleProgram.Kind
    /// Keccak-256 of the program.
    package let hash: [UInt8]

    package init(_ program: ModuleProgram) {
        kind = program.kind
        hash = program.hash
    }

    package init(_ kind: ModuleProgram.Kind, hash: [UInt8]) {
        self.kind = kind
        self.hash = hash
    }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        let number = try reader.readU8()
        guard let kind = ModuleProgram.Kind(rawValue: number) else { throw .invalidTag(number, at: 0) }
        self.kind = kind
        hash = try reader.readBytes()
    }
}

extension StoredSchema {
    /// By what versions of the module are told apart: the hash of its program, or of its definition if it has none.
    package var programHash: [UInt8] { program?.hash ?? Keccak256.hash(definition) }
}

extension [UInt8] {
    /// What pairs of hexadecimal digits stand for; nil if the text is none.
    package init?(hexText text: String) {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }

    /// As pairs of hexadecimal digits.
    package var hexText: String {
        var text = ""
        text.reserveCapacity(count * 2)
        for byte in self {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }
}
