import Foundation
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// What the command remembers, and where.
@Suite struct ConfigurationTests {
    /// The one of the worked example.
    static let token =
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJoZXhfaWRlbnRpdHkiOiJjMjAwM2E2NDkxODMyNzU3MTlhMTE3NmUyYjdkZTk"
        + "3NjdlMTUxMTYxNDA2NjU0MTJkMTRhYWI0NzNkNzMxYTM1Iiwic3ViIjoiMTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU"
        + "1NTU1IiwiaXNzIjoibG9jYWxob3N0IiwiYXVkIjpbInNwYWNldGltZWRiIl0sImlhdCI6MTcwMDAwMDAwMCwiZXhwIjpudWxsfQ."
        + "rU4g5fRGtPWD88Wl619d2ZGAollOFf0Mxv0ecBZLUSkc8fvvtqCvdshYTl7RcYwR58krcDKONTk-fr9gttRCPw"

    @Test func aTokenSaysWhoItsHolderIs() throws {
        let token = try #require(Token(Self.token))
        #expect(token.identity.hex == "c2003a649183275719a1176e2b7de9767e15116140665412d14aab473d731a35")
        for text in ["", "a.b.c", "a..b", Self.token + ".x", "é.é.é"] { #expect(Token(text) == nil, "\(text)") }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"), ("HTTPS://DB.Example.org//", "https://db.example.org"),
            ("https://example.org/Base/", "https://example.org/Base"), ("ftp://x", nil), ("localhost:3000", nil),
            ("http://", nil), ("http://a@b", nil), ("http://a?b", nil), ("http://a b", nil), ("", nil),
            ("http:///x", nil),
        ] as [(String, String?)]) func addressesAreOfServers(text: String, address: String?)
    {
        #expect(ServerAddress(text)?.text == address)
    }

    @Test func aConfigurationIsWhatWasWritten() throws {
        let address = try #require(ServerAddress("https://db.example.org"))
        var configuration = Configuration.initial
        configuration.servers.append(.init(name: "far \"away\"", address: address, token: nil))
        configuration.setToken("t", for: address)
        configuration.setToken("u", for: try #require(ServerAddress("http://other:1")))
        #expect(configuration.servers.count == 3)
        #expect(configuration.token(for: address) == "t")
        #expect(try Configuration(text: configuration.text) == configuration)
        configuration.setToken(nil, for: try #require(ServerAddress("http://other:1")))
        #expect(
            configuration.servers.map(\.name) == ["local", "far \"away\""], "who has neither name nor token is gone")
        #expect(try Configuration(text: Configuration().text) == Configuration())
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"servers":[{}]}"#, #"{"servers":[{"url":"no"}]}"#, #"{"servers":{}}"#, "\u{0}",
    ])
    func damageIsToldWithAWayOut(text: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/config.json"
        try UserFile.write(Array(text.utf8), to: path)
        let outcome = await runCommand(["server", "list"], environment: ["SPACETIMEKIT_CONFIG": path])
        #expect(outcome.code == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("error: the configuration '\(path)' cannot be read: "))
        #expect(outcome.errors.contains("mend it, or remove it"))
        #expect(try UserFile.read(path) == Array(text.utf8), "the file stays as it is")
    }

    @Test func onlyTheUserMayReadTheFile() async throws {
        let directory = try TemporaryDirectory()
        let environment = ["XDG_CONFIG_HOME": directory.path + "/a/b"]
        let outcome = await runCommand(["server", "add", "x", "https://x.example"], environment: environment)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let path = directory.path + "/a/b/spacetimekit/config.json"
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(path) == 0o600)
        #expect(try mode(directory.path + "/a/b/spacetimekit") == 0o700)
    }

    @Test func thePlaceIsThatOfTheRules() throws {
        func path(_ environment: [String: String]) throws -> String {
            let session = CommandSession(terminal: RecordingTerminal(), environment: environment)
            return try ConfigurationFile(in: session).path
        }
        #expect(try path(["HOME": "/home/a"]) == "/home/a/.config/spacetimekit/config.json")
        #expect(try path(["HOME": "/home/a", "XDG_CONFIG_HOME": "/etc/a"]) == "/etc/a/spacetimekit/config.json")
        #expect(
            try path(["HOME": "/home/a", "XDG_CONFIG_HOME": "relative"]) == "/home/a/.config/spacetimekit/config.json")
        #expect(try path(["HOME": "/home/a", "SPACETIMEKIT_CONFIG": "x.json"]) == "x.json")
        #expect(throws: CommandFailure.self) { try path([:]) }
    }
}
