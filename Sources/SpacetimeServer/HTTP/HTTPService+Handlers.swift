import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeHost

/// What a module answers itself.
extension HTTPService {
    /// Has a handler of the module answer. Nobody checks who asks: that is for the handler.
    func handle(_ segment: String, _ path: String, _ exchange: Exchange) async throws(Refusal) -> Response {
        let core = try database(segment).core
        let method = HTTP.Method(exchange.head.method.rawValue)
        guard core.routes.handler(for: method, path) != nil else {
            throw Refusal(404, "Database has not registered a handler for this route")
        }
        let request = HTTP.Request(
            method, Self.url(of: exchange.head),
            headers: HTTP.Headers(
                exchange.head.headerFields.map { HTTP.Headers.Field(name: $0.name.rawName, value: $0.value) }),
            body: try await exchange.body.collect(limit: options.handlerBodyByteLimit))
        let answer = await core.handle(request, path: path)
        // These are without a body, whatever is given: its bytes would be taken for the next answer.
        let hasBody = ![204, 205, 304].contains(answer.status)
        var response = Response(
            status: HTTPResponse.Status(code: Int(answer.status)),
            body: hasBody ? ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)) : ResponseBody())
        for field in answer.headers.fields {
            guard let name = HTTPField.Name(field.name), !Self.ownHeaders.contains(name) else { continue }
            response.headers.append(HTTPField(name: name, value: field.value))
        }
        return response
    }

    /// How a message is carried is the server's to say: a module that contradicted it would break the connection.
    private static let ownHeaders: Set<HTTPField.Name> = [
        .contentLength, .transferEncoding, .connection, .upgrade, .trailer,
    ]

    /// The address that the client used, as far as proxies tell.
    private static func url(of head: HTTPRequest) -> String {
        func first(_ name: HTTPField.Name) -> String? {
            let value = head.headerFields[name]?.split(separator: ",").first.map { $0.filter { $0 != " " } }
            return value.flatMap { $0.isEmpty ? nil : String($0) }
        }
        let scheme = first(.forwardedProtocol) ?? "http"
        let authority = first(.forwardedHost) ?? head.authority ?? "localhost"
        return "\(scheme)://\(authority)\(head.path ?? "/")"
    }
}
