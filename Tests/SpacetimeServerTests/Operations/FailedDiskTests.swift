import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTesting
import Testing

@testable import SpacetimeServer

/// A server whose database can write no more.
@Suite struct FailedDiskTests {
    private func sql(_ port: Int, as token: String?) async throws -> String {
        let text = "SELECT text FROM line"
        return try await SocketProbe.open(port) { probe in
            try await probe.send(
                "POST /v1/database/talk/sql?confirmed=false HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                    + (token.map { "authorization: Bearer \($0)\r\n" } ?? "")
                    + "content-length: \(text.utf8.count)\r\n\r\n\(text)")
            return await probe.readToEnd()
        }
    }

    @Test func theOwnerStillReads() async throws {
        let disk = SimulatedDisk()
        let db = try await Database.open(.directory("talk", .simulated(disk)), module: Talk.self)
        try await db.call(Talk.say, "kept", until: .durable)
        disk.powerOff()
        await #expect(throws: DatabaseError.self) { try await db.call(Talk.say, "lost", until: .durable) }
        let server = SpacetimeServer(options: .test())
        try server.host(db, as: "talk")
        try await serving(server) { port in
            let seen = try await sql(port, as: server.token(for: "owner"))
            #expect(seen.hasPrefix("HTTP/1.1 200 OK"), "\(seen)")
            #expect(seen.contains(#"["kept"]"#))
            // Whether the module would let others in cannot be asked.
            for stranger in [nil, server.token(for: "somebody")] {
                let refused = try await sql(port, as: stranger)
                #expect(refused.hasPrefix("HTTP/1.1 503 "), "\(refused)")
                #expect(refused.contains("the database takes no more writes"))
            }
        }
    }
}
