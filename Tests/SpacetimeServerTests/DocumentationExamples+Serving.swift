import Hummingbird
import Logging
import ServiceLifecycle
import SpacetimeKit
import SpacetimeServer
import SpacetimeWASM
import Testing
import UnixSignals

// The code of the articles on serving and of the comments. `DocumentationTests` of the testing kit looks for it here.

fileprivate enum ServingExamples {
    @Table(.public)
    struct Book {
        @PrimaryKey @AutoIncrement var id: UInt32
        var title: String
    }

    @Module
    enum Library {
        static let tables = Tables(Book.self)
    }

    @Module
    enum Arcade {
        static let tables = Tables()
    }
}

extension ServingExamples {
    // MARK: PublishingModules

    static func publishing(_ runtime: ModuleRuntime) async throws {
        func serve() async throws {
            var options = ServerOptions(port: 3000)
            options.publishing.runtime = runtime
            options.publishing.directory = "/var/lib/spacetime"
            let server = SpacetimeServer(options: options)
            try await server.run()
        }
        try await serve()
    }

    static func webAssembly() -> ServerOptions {
        var options = ServerOptions()
        options.publishing.runtime = .webAssembly()
        return options
    }

    // MARK: ServingADatabase

    static func oneLine() async throws {
        func serve() async throws {
            let db = try await Database.open(at: "library.stdb", module: Library.self)
            try await db.serve(as: "library")
        }
        try await serve()
    }

    static func options(_ library: Database<Library>, _ arcade: Database<Arcade>) async throws {
        func serve(_ library: Database<Library>, _ arcade: Database<Arcade>) async throws {
            var options = ServerOptions(host: "0.0.0.0", port: 8080)
            options.tokens.keys = try TokenKeys(directory: "keys")
            options.inspector = true
            let server = SpacetimeServer(options: options)
            try server.host(library, as: "library")
            try server.host(arcade, as: "arcade")
            print("The owner's token: \(server.token(for: "owner"))")
            try await server.run()
        }
        try await serve(library, arcade)
    }

    static func signals(_ server: SpacetimeServer, _ library: Database<Library>) async throws {
        func serveUntilToldToStop(_ server: SpacetimeServer, _ library: Database<Library>) async throws {
            let group = ServiceGroup(
                services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "library"))
            try await group.run()
            try await library.close()
        }
        try await serveUntilToldToStop(server, library)
    }

    static func mounting(_ db: Database<Library>) throws -> some ApplicationProtocol {
        func application(_ db: Database<Library>) throws -> some ApplicationProtocol {
            let server = SpacetimeServer()
            try server.host(db, as: "library")
            let router = Router()
            router.add(middleware: SpacetimeMiddleware(server))
            router.get("/") { _, _ in "Welcome to the library" }
            router.get("/count") { _, _ in "\(try db.read { $0.book.count }) books" }
            return Application(
                router: router, server: server.serverBuilder,
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 8080)),
                services: [server.upkeep])
        }
        return try application(db)
    }

    // MARK: TheInspector

    static func inspector(_ db: Database<Library>) async throws {
        func servingWithInspector(_ db: Database<Library>) async throws {
            var options = ServerOptions()
            options.inspector = true
            try await db.serve(as: "library", options: options)
        }
        try await servingWithInspector(db)
    }

    // MARK: SpacetimeMiddleware

    static func middleware(_ db: Database<Library>) async throws {
        let server = SpacetimeServer()
        try server.host(db, as: "library")
        let router = Router()
        router.add(middleware: SpacetimeMiddleware(server))
        router.get("/") { _, _ in "Hello" }
        let application = Application(router: router, server: server.serverBuilder, services: [server.upkeep])
        try await application.runService()
    }
}
