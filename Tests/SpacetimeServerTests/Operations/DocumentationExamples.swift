import Hummingbird
import SpacetimeKit
import SpacetimeServer
import Testing

// The code of the articles on the server and of the comments about it.

/// Compiled, and not run: a server that listens on a port of everybody's choice is nothing for a test.
private func serveChat(_ db: Database<Talk>) async throws {
    try await db.serve(as: "chat", options: ServerOptions(port: 3000))
}

private func mount(_ db: Database<Talk>) async throws {
    let spacetime = SpacetimeServer()
    try spacetime.host(db, as: "chat")

    let router = Router()
    router.middlewares.add(SpacetimeMiddleware(spacetime))
    router.get("hello") { _, _ in "hello" }

    let application = Application(
        router: router, server: spacetime.serverBuilder,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 8_080)),
        services: [spacetime.upkeep])
    try await application.runService()
}

private func serveOwn() async throws {
    typealias Chat = Talk
    let db = try await Database.open(at: "chat.stdb", module: Chat.self)
    let server = SpacetimeServer(options: ServerOptions(port: 3000))
    try server.host(db, as: "chat")
    try await server.run()
}

struct ServerDocumentationExamples {
    @Test func certificatesAreNamedByTheirFiles() {
        var options = ServerOptions(host: "0.0.0.0", port: 443)
        options.tls = .files(certificateChain: "/etc/tls/chain.pem", privateKey: "/etc/tls/key.pem")
        #expect(options.tls?.reloadInterval == .seconds(60))
    }

    @Test func limitsAreSaidForEverybodyAndForRoles() {
        var options = ServerOptions(port: 3000)
        options.limits.everybody.messageRate = RateLimit(perSecond: 100, burst: 500)
        options.limits.everybody.reducerRates["send"] = RateLimit(perSecond: 5, burst: 20)
        options.limits.roles["importer"] = .trusted
        #expect(options.limits.roles["importer"]?.messageRate == nil)
    }
}
