import ArgumentParser
import ChatModule
import Hummingbird
import Logging
import SpacetimeKit
import SpacetimeServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A chat that people open in a browser: the page, the database and what connects them, in one process.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat-server", abstract: "Serves a chat, and an inspector that shows what happens in it.")

    @Option(help: "The port to listen on, for this machine alone; 0 takes a free one.")
    var port = 3000
    @Option(help: "The folder that keeps what was said, and the keys that sign tokens.")
    var data = "data"
    @Flag(help: "Keep nothing of what is said.")
    var inMemory = false
    @Option(help: "What tokens of other issuers have to name as their audience.")
    var audience: String?

    func run() async throws {
        let db = try await Database.open(inMemory ? .inMemory : .directory("\(data)/chat"), module: Chat.self)
        for warning in db.openingWarnings { print(warning) }

        var options = ServerOptions(port: port)
        options.inspector = true
        options.tokens.keys = try TokenKeys(directory: "\(data)/keys")
        options.tokens.audience = audience
        let server = SpacetimeServer(options: options)
        try server.host(db, as: "chat")

        // The page is this program's own; what begins with /v1 or /inspect is the server's.
        let router = Router()
        router.add(middleware: SpacetimeMiddleware(server))
        Page.addRoutes(to: router)

        let host = options.host
        let application = Application(
            router: router,
            server: server.serverBuilder,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            services: [server.upkeep],
            onServerRunning: { channel in
                let address = "http://\(host):\(channel.localAddress?.port ?? port)"
                print("The chat is at      \(address)/")
                print("The inspector is at \(address)/inspect#database=chat&token=\(server.token(for: "owner"))")
                // Who reads this through a pipe waits for it.
                fflush(nil)
            },
            logger: Logger(label: "chat-server"))
        // Ends when it is asked to: after clients were told, and what was said has reached the disk.
        try await application.runService()
    }
}
