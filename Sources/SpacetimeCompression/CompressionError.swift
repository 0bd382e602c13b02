/// Why bytes were not compressed, or not taken apart.
package enum CompressionError: Error, Hashable {
    /// The bytes are no stream of the format, or their checksum is wrong.
    case damaged
    /// The stream stops before its end.
    case truncated
    /// The stream ended, and this many bytes follow it. A second member counts as such: a payload is one stream.
    case trailingBytes(Int)
    /// The stream stands for more bytes than were to be accepted.
    case tooLarge(limit: Int)
    /// So many bytes cannot be compressed in one stream whose trailer tells their true number.
    case tooLong(Int)
    /// The library could not get the memory that it needs.
    case outOfMemory
}

extension CompressionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .damaged: "the compressed bytes are damaged"
        case .truncated: "the compressed bytes end in the middle of the stream"
        case .trailingBytes(let count): "\(count) bytes follow the compressed stream; a payload is one stream"
        case .tooLarge(let limit): "the compressed bytes stand for more than the \(limit) that are accepted"
        case .tooLong(let count): "\(count) bytes are too many for one compressed stream; send them as they are"
        case .outOfMemory: "there is no memory to compress or decompress with"
        }
    }
}
