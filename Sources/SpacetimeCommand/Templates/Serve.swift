import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SpacetimeKit
import SpacetimeServer
import TemplateDatabase

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Serves the database and a page that uses it, in one process.
@main
struct Serve {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // What 'spacetimekit generate' asks for, to write code for clients.
        if arguments.first == "extract-schema" { return print(try Template.definitionJSON()) }
        let port = value(of: "--port", in: arguments).flatMap { Int($0) } ?? 3000
        let data = value(of: "--data", in: arguments) ?? "data"

        let db = try await Database.open(.directory("\(data)/database"), module: Template.self)
        for warning in db.openingWarnings { print(warning) }
        let log = Task { for await record in db.log.follow() { say("\(record.level.name): \(record.message)") } }
        defer { log.cancel() }

        var options = ServerOptions(port: port)
        options.inspector = true
        // The same keys after each start, so that clients stay who they are.
        options.tokens.keys = try TokenKeys(directory: "\(data)/keys")
        let server = SpacetimeServer(options: options)
        try server.host(db, as: "template-name")

        let router = Router()
        // What begins with /v1, /inspect and /client.js is the server's; the rest is this program's own.
        router.add(middleware: SpacetimeMiddleware(server))
        add("/", "text/html; charset=utf-8", PackageResources.index_html, to: router)
        add("/page.js", "text/javascript; charset=utf-8", PackageResources.page_js, to: router)

        let host = options.host
        let application = Application(
            router: router, server: server.serverBuilder,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            services: [server.upkeep],
            onServerRunning: { channel in
                let address = "http://\(host):\(channel.localAddress?.port ?? port)"
                say("the page:      \(address)/")
                say("the inspector: \(address)/inspect#database=template-name&token=\(server.token(for: "owner"))")
            },
            logger: Logger(label: "serve"))
        // Ends when it is asked to: after clients were told, and what was promised is on disk.
        try await application.runService()
    }

    private static func value(of option: String, in arguments: [String]) -> String? {
        arguments.firstIndex(of: option).flatMap { arguments.dropFirst($0 + 1).first }
    }

    /// Prints a line at once, also to somebody who reads it through a pipe.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func add(
        _ path: RouterPath, _ type: String, _ bytes: [UInt8], to router: Router<BasicRequestContext>
    ) {
        let headers: HTTPFields = [
            .contentType: type, .cacheControl: "no-cache",
            .contentSecurityPolicy: "default-src 'self'; style-src 'unsafe-inline'",
        ]
        router.get(path) { _, _ in
            Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
    }
}
