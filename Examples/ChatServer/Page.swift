import HTTPTypes
import Hummingbird
import NIOCore

/// The files of the page. They are part of the program, which runs from any folder.
enum Page {
    private static let files: [(path: RouterPath, type: String, bytes: [UInt8])] = [
        ("/", "text/html; charset=utf-8", PackageResources.index_html),
        ("/chat.css", "text/css; charset=utf-8", PackageResources.chat_css),
        ("/chat.js", "text/javascript; charset=utf-8", PackageResources.chat_js),
    ]

    static func addRoutes(to router: Router<BasicRequestContext>) {
        for (path, type, bytes) in files {
            let headers: HTTPFields = [
                .contentType: type, .cacheControl: "no-cache",
                // Whatever somebody manages to send to the chat, the page runs no script but its own.
                .contentSecurityPolicy: "default-src 'self'; img-src data:; frame-ancestors 'none'",
            ]
            router.get(path) { _, _ in
                Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
            }
        }
    }
}
