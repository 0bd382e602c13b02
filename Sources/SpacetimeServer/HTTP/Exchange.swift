import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeSATS

/// A request on its way through the routes.
struct Exchange {
    let head: HTTPRequest
    /// The path as it is written, without query.
    let path: String
    /// Names and values of the query, percent-decoded.
    let query: [(name: String, value: String)]
    let body: BodyReader
    /// Where it came from.
    let origin: ConnectionCounter.Origin?

    init(_ request: Request, from address: SocketAddress?) {
        origin = ConnectionCounter.Origin(address)
        head = request.head
        (path, query) = RequestTarget.split(request.head.path ?? "/")
        body = BodyReader(request)
    }

    /// The value of a parameter of the query; the last one counts.
    func parameter(_ name: String) -> String? { query.last { $0.name == name }?.value }

    /// The value of a parameter that is `true` or `false`.
    ///
    /// - Throws: 400 for anything else.
    func flag(_ name: String, default value: Bool) throws(Refusal) -> Bool {
        switch parameter(name) {
        case nil: return value
        case "true": return true
        case "false": return false
        case let other?: throw Refusal(400, "the parameter '\(name)' is true or false, not '\(other)'")
        }
    }

    /// The body, which has to be said to be JSON in just these words.
    ///
    /// - Throws: 400 and 415 if it is not or is compressed, 413 if it is too large.
    func jsonBytes(limit: Int) async throws(Refusal) -> [UInt8] {
        guard let type = head.headerFields[.contentType] else {
            throw Refusal(400, "the header 'content-type' is missing; send application/json")
        }
        guard type == "application/json" else {
            throw Refusal(415, "the content type is '\(type)'; send application/json, without parameters")
        }
        try requireUncompressed()
        return try await body.collect(limit: limit)
    }

    /// - Throws: 415 if the body is compressed: nothing here would read it.
    private func requireUncompressed() throws(Refusal) {
        guard let encoding = head.headerFields[.contentEncoding], encoding.lowercased() != "identity" else { return }
        throw Refusal(415, "the content encoding is '\(encoding)'; send the body as it is")
    }

    /// The body as text.
    ///
    /// - Throws: 400 if it is no UTF-8, 413 if it is too large, 415 if it is compressed.
    func text(limit: Int) async throws(Refusal) -> String {
        try requireUncompressed()
        guard let text = String(validating: try await body.collect(limit: limit), as: UTF8.self) else {
            throw Refusal(400, "the body is not UTF-8")
        }
        return text
    }
}
