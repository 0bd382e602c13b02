/// Why bytes could not be read as BSATN. Offsets count bytes from the start of the reader's input.
public enum BSATNError: Error, Hashable, Sendable {
    /// The input ended: `needed` bytes were expected from `at`.
    case truncated(at: Int, needed: Int)
    /// The byte at `at` is not the tag of a variant.
    case invalidTag(UInt8, at: Int)
    /// The text whose bytes start at `at` is not UTF-8.
    case invalidUTF8(at: Int)
    /// The byte at `at` stands for a Bool but is neither 0 nor 1.
    case invalidBool(UInt8, at: Int)
    /// `count` bytes from `at` were left after the value.
    case trailingBytes(at: Int, count: Int)
    /// Values are nested in each other more than `limit` levels deep.
    case tooDeep(limit: Int)
    /// The input claims `count` values that occupy no bytes; nothing in it backs that claim.
    case tooManyEmptyElements(count: Int, limit: Int)
    /// The type to decode holds a `Ref` that leads nowhere in the typespace given.
    case unresolvedRef(UInt32)
    /// A sum type of `count` variants; a tag byte tells at most 256 apart.
    case tooManyVariants(count: Int)
}

extension BSATNError: CustomStringConvertible {
    /// One sentence for people, naming the byte offset where there is one.
    public var description: String {
        switch self {
        case .truncated(let at, let needed): "the input ends early: \(needed) bytes were needed at offset \(at)"
        case .invalidTag(let tag, let at): "unknown variant tag \(tag) at offset \(at)"
        case .invalidUTF8(let at): "the text at offset \(at) is not valid UTF-8"
        case .invalidBool(let byte, let at): "byte \(byte) at offset \(at) is not a Bool (0 or 1)"
        case .trailingBytes(let at, let count): "\(count) bytes are left over at offset \(at)"
        case .tooDeep(let limit): "values are nested deeper than \(limit) levels"
        case .tooManyEmptyElements(let count, let limit):
            "\(count) values of no size are claimed; at most \(limit) more than bytes read are accepted"
        case .unresolvedRef(let ref): "type reference \(ref) points outside of the typespace"
        case .tooManyVariants(let count): "a sum type has \(count) variants; at most 256 are possible"
        }
    }
}
