import SpacetimeKit
import SpacetimeServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Serves ``Gallery`` on a free port, for clients that code was generated for.
@main
struct Program {
    static func main() async throws {
        if CommandLine.arguments.dropFirst().first == "extract-schema" { return print(try Gallery.definitionJSON()) }
        let database = try await Database.open(.inMemory, module: Gallery.self)
        let server = SpacetimeServer(options: ServerOptions(port: 0))
        try server.host(database, as: "gallery")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try await server.waitUntilListening()
            print("http://127.0.0.1:\(port)")
            fflush(nil)
            try await group.waitForAll()
        }
    }
}
