import NIOHTTP1
import SpacetimeSATS

/// What a server answered.
struct Reply {
    let status: UInt
    let headers: HTTPHeaders
    let bytes: [UInt8]

    var isSuccess: Bool { 200..<300 ~= status }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as JSON.
    func json() throws(CommandFailure) -> JSON {
        do throws(JSONError) { return try JSON(parsing: bytes) } catch {
            throw CommandFailure(.refused, "the server's answer is no JSON (\(error)); is it a SpacetimeDB server?")
        }
    }

    /// Itself, if the server did what it was asked to.
    ///
    /// - Throws: what the server said against it, and what can be done.
    func successful() throws(CommandFailure) -> Reply {
        if isSuccess { return self }
        let said = text.trimmed
        let reason = said.isEmpty ? "the server answered with status \(status)" : said
        let advice =
            switch status {
            case 401: "; 'spacetimekit login --show' tells who you are, 'spacetimekit login' makes you somebody"
            case 403: "; the owner may do this: 'spacetimekit login --show' tells who you are"
            case 404 where said.isEmpty: "; is it a SpacetimeDB server?"
            case 413: "; that is more than the server takes at once"
            case 429: "; wait, and try again"
            default: ""
            }
        throw CommandFailure(.refused, reason + advice)
    }
}

extension String {
    /// Without blanks and line ends at either end.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
