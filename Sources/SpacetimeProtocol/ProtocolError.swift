public import SpacetimeSATS

/// Why a payload is no message, or none that is accepted.
///
/// Offsets count bytes from the start of what was decoded: a client's payload, or the body behind the compression tag of a
/// server's.
public enum ProtocolError: Error, Hashable, Sendable {
    /// The bytes are no message.
    case malformed(BSATNError)
    /// The text is no message.
    case malformedText(JSONError)
    /// A payload that should hold at least one message holds none.
    case emptyPayload
    /// The byte at `at` holds flags that do not exist; `allowed` is the largest that does. `at` is nil in texts.
    case unknownFlags(UInt8, at: Int?, allowed: UInt8)
    /// The list of rows whose data begin at `at` contradicts itself.
    case contradictoryRows(at: Int, expected: String)
    /// Something is larger than accepted. `at` is nil in texts.
    case tooLarge(ProtocolLimits.Part, found: Int, limit: Int, at: Int?)
    /// The first byte of a server's payload names no kind of compression.
    case unknownCompression(UInt8)
    /// What claims to be compressed could not be taken apart, or there is nothing that could do so.
    case notDecompressed(Compression)
}

extension ProtocolError: CustomStringConvertible {
    /// One sentence for people, with the place.
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .malformedText(let error): error.description
        case .emptyPayload: "the payload is empty; at least one message was expected"
        case .unknownFlags(let flags, let at, let allowed):
            "unknown flags \(flags)\(place(at)); \(allowed == 0 ? "only 0 is" : "0 to \(allowed) are") accepted"
        case .contradictoryRows(let at, let expected): "the rows at offset \(at) are inconsistent: expected \(expected)"
        case .tooLarge(let part, let found, let limit, let at):
            "\(part.description)\(place(at)): \(found), and at most \(limit) are accepted"
        case .unknownCompression(let tag): "unknown compression tag \(tag) at offset 0; 0, 1 and 2 exist"
        case .notDecompressed(let compression): "the payload could not be decompressed as \(compression.parameter)"
        }
    }

    private func place(_ offset: Int?) -> String { offset.map { " at offset \($0)" } ?? "" }

    /// ``description``, cut to what fits the reason of a close frame: 123 bytes of UTF-8.
    public var closeReason: String { Self.closeReason(description) }

    /// `text`, cut between characters to the 123 bytes that RFC 6455 leaves for the reason of a close frame.
    public static func closeReason(_ text: String) -> String {
        if text.utf8.count <= 123 { return text }
        var end = text.startIndex
        var byteCount = 0
        for index in text.indices {
            byteCount += text[index].utf8.count
            // Three bytes are for the ellipsis.
            if byteCount > 120 { break }
            end = text.index(after: index)
        }
        return text[..<end] + "…"
    }
}
