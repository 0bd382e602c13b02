import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// The server of the command.
@Suite struct StartTests {
    @Test func whatIsServedIsReachedAndKept() async throws {
        let directory = try TemporaryDirectory()
        let environment = ["SPACETIMEKIT_CONFIG": directory.path + "/config.json"]
        let data = directory.path + "/data"
        try await withStartedServer(["--data", data]) { address in
            #expect(address.hasPrefix("http://127.0.0.1:"))
            #expect(await runCommand(["server", "ping", address], environment: environment).code == 0)
            #expect(await runCommand(["login", "--server", address], environment: environment).code == 0)
        }
        let token = await runCommand(["server", "list", "--json"], environment: environment)
        #expect(token.code == 0)
        let keys = try UserFile.read(data + "/keys/id_ecdsa.pub")
        #expect(keys != nil)
        // The same keys the next time, so that tokens stay good.
        let text = try #require(try UserFile.read(directory.path + "/config.json"))
        let servers = try JSON(parsing: text)["servers"]?.arrayValue
        let known = try #require(servers?.compactMap { $0["token"]?.stringValue }.first)
        try await withStartedServer(["--data", data]) { address in
            let login = await runCommand(
                ["login", "--server", address, "--token", known], environment: environment)
            #expect(login.code == 0, "\(login.errors)")
        }
    }

    @Test func whoSignedACertificateIsNamedByAFile() async throws {
        let directory = try TemporaryDirectory()
        let (chain, key) = (directory.path + "/chain.pem", directory.path + "/key.pem")
        try UserFile.write(Array(SelfMadeCertificate.first.chain.utf8), to: chain)
        try UserFile.write(Array(SelfMadeCertificate.first.key.utf8), to: key)
        let environment = ["SPACETIMEKIT_CONFIG": directory.path + "/config.json"]
        try await withStartedServer(["--in-memory", "--tls-certificate", chain, "--tls-key", key]) { address in
            #expect(address.hasPrefix("https://127.0.0.1:"))
            let stranger = await runCommand(["server", "ping", address], environment: environment)
            #expect(stranger.code == 3)
            #expect(stranger.errors.contains("SPACETIMEKIT_CA"), "\(stranger.errors)")
            var trusting = environment
            trusting["SPACETIMEKIT_CA"] = chain
            let known = await runCommand(["server", "ping", address], environment: trusting)
            #expect(known.code == 0, "\(known.errors)")
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://[::1]:1"),
        ("::1", "http://[::1]:1"), ("fe80::2", "http://[fe80::2]:1"), ("localhost", "http://localhost:1"),
    ])
    func theAddressThatIsPrintedIsOne(_ host: String, _ address: String) {
        let printed = StartCommand.address(host, 1, isSecure: false)
        #expect(printed == address)
        #expect(ServerAddress(printed) != nil)
    }

    @Test func whatCannotBeServedIsSaid() async throws {
        let directory = try TemporaryDirectory()
        for (arguments, code) in [
            (["--tls-certificate", "x"], Int32(64)), (["--log-level", "loud"], 64),
            (["--in-memory", "--port", "0", "--tls-certificate", "x", "--tls-key", "y"], 1),
            (["--in-memory", "--host", "300.1.1.1"], 1),
        ] {
            let outcome = await runCommand(["start", "--data", directory.path + "/d"] + arguments, environment: [:])
            #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
            #expect(!outcome.errors.isEmpty)
        }
    }
}
