import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// Names of servers, and who the user is to each.
@Suite struct ServerTests {
    @Test func serversGetNamesAndADefault() async throws {
        let directory = try TemporaryDirectory()
        let environment = ["SPACETIMEKIT_CONFIG": directory.path + "/config.json"]
        func run(_ arguments: String...) async -> Outcome { await runCommand(arguments, environment: environment) }
        #expect(await run("server", "default").output == "local http://127.0.0.1:3000\n")
        let added = await run("server", "add", "far", "http://far.example/", "--default")
        #expect(added.code == 0)
        #expect(added.errors.contains("can be read on the way"))
        #expect(await run("server", "default").output == "far http://far.example\n")
        #expect(
            await run("server").output == """
                 name          │ address               │ identity
                ───────────────┼───────────────────────┼──────────
                 local         │ http://127.0.0.1:3000 │ -
                 far (default) │ http://far.example    │ -

                """)
        let json = try JSON(parsing: await run("server", "list", "--json").output)
        #expect(json.arrayValue?[1]["default"] == .bool(true))
        #expect(await run("server", "default", "local").code == 0)
        #expect(await run("server", "remove", "far").code == 0)
        #expect(await run("server", "default", "far").code == 64)
        #expect(await run("server", "remove", "far").errors.contains("there is no server 'far'"))
        #expect(await run("server", "add", "x", "nowhere").code == 64)
        #expect(await run("server", "add", "a/b", "http://x").code == 64)
    }

    @Test func noServerMeansCodeThreeAndAWord() async throws {
        let directory = try TemporaryDirectory()
        let silent = try SilentPort()
        defer { withExtendedLifetime(silent) {} }
        let port = silent.number
        let environment = [
            "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "SPACETIMEKIT_SERVER": "http://127.0.0.1:\(port)",
        ]
        for arguments in [["server", "ping", "http://127.0.0.1:\(port)"], ["login"], ["sql", "shop", "SELECT 1"]] {
            let outcome = await runCommand(arguments, environment: environment)
            #expect(outcome.code == 3, "\(arguments)")
            #expect(outcome.output.isEmpty)
            #expect(
                outcome.errors
                    == "error: no server answers at http://127.0.0.1:\(port); start one with 'spacetimekit start', or name "
                    + "another with --server\n")
        }
        let nowhere = await runCommand(["server", "ping", "http://no-such-host.invalid"], environment: environment)
        #expect(nowhere.code == 3)
        #expect(nowhere.errors.contains("no-such-host.invalid"))
    }

    @Test func somebodyLogsInAndOut() async throws {
        try await withShop { shop in
            #expect(await shop.run("server", "ping", shop.address).output.hasPrefix("\(shop.address) is there ("))
            let nobody = await shop.run("login", "--show")
            #expect(nobody.code == 1)
            #expect(nobody.errors.contains("'spacetimekit login' makes you somebody"))
            let login = await shop.run("login")
            #expect(login.code == 0, "\(login.errors)")
            #expect(login.output.hasPrefix("from now on you are c200"))
            let shown = try JSON(parsing: await shop.run("login", "--show", "--json").output)
            #expect(shown["issuer"] == .string("localhost"))
            #expect(login.output.contains(try #require(shown["identity"]?.stringValue)))
            let token = await shop.run("login", "--show-token").output.trimmed
            #expect(Token(token) != nil)
            let again = await shop.run("login")
            #expect(again.code == 1)
            #expect(again.errors.contains("--new"))
            #expect(await shop.run("login", "--new").code == 0)
            #expect(await shop.run("login", "--show-token").output.trimmed != token)
            // The one of before, out of a pipe.
            #expect(await shop.run("login", "--token-file", "-", input: token + "\n").code == 0)
            #expect(await shop.run("login", "--show-token").output.trimmed == token)
            let asked = await shop.run("logout")
            #expect(asked.code == 2)
            #expect(asked.errors.contains("--yes"))
            #expect(await shop.run("logout", "--yes").code == 0)
            #expect(await shop.run("logout").code == 0)
            #expect(await shop.run("login", "--show").code == 1)
        }
    }

    @Test func tokensThatAreNoneAreNotKept() async throws {
        try await withShop { shop in
            let none = await shop.run("login", "--token", "no-token")
            #expect(none.code == 64)
            #expect(!none.errors.contains("no-token"), "what may be a secret is not shown")
            let foreign = await shop.run("login", "--token", ConfigurationTests.token)
            #expect(foreign.code == 1)
            #expect(foreign.errors.contains("does not accept the token"))
            #expect(await shop.run("login", "--token-file", shop.directory.path + "/none").code == 64)
            #expect(await shop.run("login", "--show").code == 1)
            #expect(await shop.run("login", "--new", "--show").code == 64)
        }
    }

    @Test func eachServerHasItsOwnToken() async throws {
        try await withShop { shop in
            #expect(await shop.run("login").code == 0)
            let other = await shop.run("login", "--show", "--server", "http://other.example")
            #expect(other.code == 1, "a token is shown to nobody but its server")
            #expect(
                await shop.run("login", "--show", "--server", "nameless").errors.contains("server add nameless URL"))
        }
    }
}
