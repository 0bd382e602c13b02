/// A file in an archive of the form that `tar` reads (POSIX ustar): a header of 512 bytes, the bytes of the file, and zeros up to the
/// next multiple of 512. Two blocks of zeros are the end.
package struct TarEntry: Hashable, Sendable {
    package static let blockByteCount = 512

    /// Relative, of at most 100 bytes.
    package let path: String
    /// The size of the file.
    package let byteCount: UInt64

    package init(path: String, byteCount: UInt64) {
        self.path = path
        self.byteCount = byteCount
    }

    /// How many zeros follow the file.
    package var padding: Int {
        let rest = Int(byteCount % UInt64(Self.blockByteCount))
        return rest == 0 ? 0 : Self.blockByteCount - rest
    }

    /// The end of an archive.
    package static var end: [UInt8] { [UInt8](repeating: 0, count: 2 * blockByteCount) }

    /// Nil if the path is too long, or the file larger than 8 GiB, for which the form has no room.
    package var header: [UInt8]? {
        guard path.utf8.count <= 100, byteCount < 1 << 33 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.blockByteCount)
        func put(_ text: String, at place: Int) {
            for (index, byte) in text.utf8.enumerated() { bytes[place + index] = byte }
        }
        func octal(_ number: UInt64, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        put(path, at: 0)
        put("0000600", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(byteCount, 11), at: 124)
        put("00000000000", at: 136)
        // The sum is made as if blanks stood in its place.
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(bytes.reduce(0) { $0 + UInt64($1) }, 6) + "\0", at: 148)
        return bytes
    }

    /// Reads a header; nil if it is none, or one of something else than a file.
    ///
    /// - Parameter header: 512 bytes.
    package init?(header bytes: [UInt8]) {
        guard bytes.count == Self.blockByteCount, bytes[257..<262].elementsEqual("ustar".utf8) else { return nil }
        guard bytes[156] == UInt8(ascii: "0") || bytes[156] == 0 else { return nil }
        func text(_ range: Range<Int>) -> String {
            String(decoding: bytes[range].prefix { $0 != 0 && $0 != UInt8(ascii: " ") }, as: UTF8.self)
        }
        guard let size = UInt64(text(124..<136), radix: 8), let sum = UInt64(text(148..<156), radix: 8) else {
            return nil
        }
        let blank = bytes[..<148].reduce(0) { $0 + UInt64($1) } + 8 * 32 + bytes[156...].reduce(0) { $0 + UInt64($1) }
        guard sum == blank else { return nil }
        path = text(0..<100)
        byteCount = size
    }
}
