import HTTPTypes
import Hummingbird
import NIOCore

/// The page at `/inspect`, and the files that it consists of.
///
/// They are part of the program: there is nothing to install beside it. The page has no rights of its own. It asks by the
/// routes and the WebSocket that everybody has, with the token that whoever opened it gave.
enum InspectorPage {
    private struct File: Sendable {
        let bytes: [UInt8]
        let type: String
    }

    private static let style = "text/css; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"

    private static let files: [String: File] = [
        "/inspect": File(bytes: PackageResources.index_html, type: "text/html; charset=utf-8"),
        "/inspect/inspector.css": File(bytes: PackageResources.inspector_css, type: style),
        "/inspect/calls.js": File(bytes: PackageResources.calls_js, type: script),
        "/inspect/connection.js": File(bytes: PackageResources.connection_js, type: script),
        "/inspect/clients.js": File(bytes: PackageResources.clients_js, type: script),
        "/inspect/fields.js": File(bytes: PackageResources.fields_js, type: script),
        "/inspect/inspector.js": File(bytes: PackageResources.inspector_js, type: script),
        "/inspect/logs.js": File(bytes: PackageResources.logs_js, type: script),
        "/inspect/metrics.js": File(bytes: PackageResources.metrics_js, type: script),
        "/inspect/picture.js": File(bytes: PackageResources.picture_js, type: script),
        "/inspect/schedules.js": File(bytes: PackageResources.schedules_js, type: script),
        "/inspect/schema.js": File(bytes: PackageResources.schema_js, type: script),
        "/inspect/sql.js": File(bytes: PackageResources.sql_js, type: script),
        "/inspect/tables.js": File(bytes: PackageResources.tables_js, type: script),
        "/inspect/values.js": File(bytes: PackageResources.values_js, type: script),
    ]

    /// What the page may load and who may show it: its own files and this server, inside no other page. A page around it
    /// could have its visitors press buttons that they do not see.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The answer to a request for the page or one of its files; nil for other paths.
    static func respond(to request: Request) -> Response? {
        guard let file = files[request.uri.path] else { return nil }
        guard request.method == .get || request.method == .head else {
            return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        }
        let headers: HTTPFields = [
            .contentType: file.type,
            // A new version of the server brings new files.
            .cacheControl: "no-cache",
            .contentSecurityPolicy: policy,
            .xContentTypeOptions: "nosniff",
        ]
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
}
