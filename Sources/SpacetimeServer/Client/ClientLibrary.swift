import HTTPTypes
import Hummingbird
import NIOCore

/// The client for browsers and other programs in JavaScript, as files.
///
/// The server hands them out, so that a page needs nothing but the server, and has the client that fits it. `spacetimekit
/// generate` writes them beside what it generates.
package enum ClientLibrary {
    /// One file of the client.
    package struct File: Sendable {
        /// Without a folder: `client.js`.
        package let name: String
        /// For the header `content-type`.
        package let type: String
        package let bytes: [UInt8]
    }

    private static let script = "text/javascript; charset=utf-8"
    private static let types = "application/typescript; charset=utf-8"

    package static let files: [File] = [
        File(name: "client.js", type: script, bytes: PackageResources.client_js),
        File(name: "client.d.ts", type: types, bytes: PackageResources.client_d_ts),
        File(name: "react.js", type: script, bytes: PackageResources.react_js),
        File(name: "react.d.ts", type: types, bytes: PackageResources.react_d_ts),
    ]
}

extension HTTPService {
    /// The answer to a request for one of the client's files; nil for other paths.
    func clientLibrary(_ request: Request, _ exchange: Exchange) -> Response? {
        guard server.options.clientLibrary, exchange.path.first == "/",
            let file = ClientLibrary.files.first(where: { $0.name == exchange.path.dropFirst() })
        else { return nil }
        guard request.method == .get || request.method == .head else {
            return .empty(405).with(.allow, "GET, HEAD")
        }
        let headers: HTTPFields = [
            .contentType: file.type,
            // A new version of the server brings new files.
            .cacheControl: "no-cache",
            // Pages from elsewhere may load it: what they may do with it, their tokens say.
            .accessControlAllowOrigin: "*",
            .xContentTypeOptions: "nosniff",
        ]
        let body = request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes))
        return Response(status: .ok, headers: headers, body: body)
    }
}
