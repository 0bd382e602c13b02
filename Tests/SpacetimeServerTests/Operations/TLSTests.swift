import FoundationEssentials
import NIOSSL
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Testing

@testable import SpacetimeServer

@Suite struct TLSTests {
    private let first = SelfMadeCertificate.first
    private let second = SelfMadeCertificate.second

    private func server(_ tls: TLSOptions) -> SpacetimeServer { SpacetimeServer(options: .test { $0.tls = tls }) }

    private func ping(_ port: Int, trusting certificate: String) async throws -> String {
        try await SocketProbe.open(port, trusting: certificate) { try await $0.get("/v1/ping") }
    }

    @Test func requestsAndWebSocketsAreServedOverTLS() async throws {
        let server = server(.pem(certificateChain: first.chain, privateKey: first.key))
        try server.host(try await Database.open(.inMemory, module: Talk.self), as: "talk")
        try await serving(server) { port in
            #expect(try await ping(port, trusting: first.chain).hasPrefix("HTTP/1.1 200"))
            try await SocketProbe.open(port, trusting: first.chain) { probe in
                let head = try await probe.upgrade("talk")
                #expect(head.hasPrefix("HTTP/1.1 101"))
                #expect(await probe.readMessage()?.contains("IdentityToken") == true)
            }
        }
    }

    @Test func clientsThatDoNotTrustTheCertificateGetNothing() async throws {
        try await serving(server(.pem(certificateChain: first.chain, privateKey: first.key))) { port in
            let answer = try? await ping(port, trusting: second.chain)
            #expect(answer?.isEmpty ?? true)
            let plain = try? await SocketProbe.open(port) { try await $0.get("/v1/ping") }
            #expect(plain?.contains("200 OK") != true)
        }
    }

    @Test func filesThatTookThePlaceOfOthersAreUsedForNewConnections() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tls-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (chain, key) = (directory.appending(path: "chain.pem"), directory.appending(path: "key.pem"))
        func write(_ certificate: (chain: String, key: String)) throws {
            try Data(certificate.chain.utf8).write(to: chain)
            try Data(certificate.key.utf8).write(to: key)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
        }
        try write(first)
        let server = server(.files(certificateChain: chain.path, privateKey: key.path))
        try await serving(server) { port in
            #expect(try await ping(port, trusting: first.chain).contains("200 OK"))
            #expect(try server.certificates()?.reload() == false, "nothing has changed")
            try write(second)
            #expect(try server.certificates()?.reload() == true)
            #expect(try await ping(port, trusting: second.chain).contains("200 OK"))
            // As the keys of tokens.
            for mode in [0o644, 0o604, 0o660, 0o602] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key.path)
                let error = #expect(throws: DatabaseError.self) { try server.certificates()?.reload() }
                #expect(error?.code == .notPossible && error?.message.contains("chmod 600 '\(key.path)'") == true)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key.path)
            #expect(try server.certificates()?.reload() == false)
            // A renewal that is under way, or went wrong.
            try Data("nothing".utf8).write(to: key)
            let error = #expect(throws: DatabaseError.self) { try server.certificates()?.reload() }
            #expect(error?.message.contains(key.path) == true)
            #expect(try await ping(port, trusting: second.chain).contains("200 OK"))
        }
    }

    @Test func whatIsNoCertificateIsRefusedAtTheStart() async throws {
        let wrong: [TLSOptions] = [
            .pem(certificateChain: "nothing", privateKey: first.key),
            .pem(certificateChain: first.chain, privateKey: "nothing"),
            .pem(certificateChain: first.chain, privateKey: second.key),
            .files(certificateChain: "/nowhere/chain.pem", privateKey: "/nowhere/key.pem"),
        ]
        for options in wrong {
            let error = await #expect(throws: DatabaseError.self) { try await server(options).run() }
            #expect(error?.code == .notPossible)
            #expect(error?.message.contains("give a chain and its key in PEM form") == true)
        }
    }
}
