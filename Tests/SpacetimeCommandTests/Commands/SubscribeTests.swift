import SpacetimeKit
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// `subscribe`
@Suite struct SubscribeTests {
    @Test func rowsAndChangesAreLinesUntilThereAreEnough() async throws {
        try await withShop { shop in
            try await shop.shop.call(Shop.addCustomer, "Ann", nil)
            let screen = try PseudoTerminal(columns: 200)
            var environment = shop.environment
            environment["NO_COLOR"] = "1"
            let session = CommandSession(terminal: screen.terminal, environment: environment)
            async let code = CommandLineProgram.run(
                ["subscribe", "shop", "SELECT * FROM customer", "SELECT * FROM purchase", "-n", "4"], in: session)
            try await screen.expect("+ customer id=1 name=Ann nickname=NULL joined=1970-01-01T00:00:00.000000Z\r\n")
            try await shop.shop.call(Shop.buy, 1, 2.5, .open)
            try await screen.expect("+ purchase id=1 customer_id=1 price=2.5 state=open\r\n")
            let owner = shop.ownerToken
            let update = "UPDATE customer SET name = 'Anne' WHERE id = 1"
            #expect(await shop.run("sql", "shop", update, as: owner).code == 0)
            try await screen.expect("~ customer id=1 name=Ann → Anne nickname=NULL")
            #expect(await shop.run("sql", "shop", "DELETE FROM purchase", as: owner).code == 0)
            try await screen.expect("- purchase id=1")
            #expect(await code == 0)
        }
    }

    @Test func scriptsGetLinesOfJSON() async throws {
        try await withShop { shop in
            try await shop.shop.call(Shop.addCustomer, "Ann \"A\"", "x")
            let outcome = await shop.run("subscribe", "shop", "SELECT * FROM customer", "--json", "-n", "1")
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.isEmpty)
            let line = try JSON(parsing: outcome.output)
            #expect(line["table"] == .string("customer"))
            #expect(line["op"] == .string("insert"))
            #expect(line["row"]?["name"] == .string("Ann \"A\""))
        }
    }

    @Test func whatDoesNotComeIsWaitedForSoLong() async throws {
        try await withShop { shop in
            let none = await shop.run("subscribe", "shop", "SELECT * FROM customer", "-n", "1", "--timeout", "0.05")
            #expect(none.code == 1)
            #expect(none.errors.contains("1 of 1 lines have not come in time"))
            #expect(await shop.run("subscribe", "shop", "SELECT * FROM customer", "--timeout", "0.05").code == 0)
        }
    }

    /// The rows of others are bytes that might be read as rows of the table.
    @Test(arguments: [
        ("SELECT * FROM a", true), (" select\n a.* from a where f(x) = 1", true),
        ("SELECT \"a\".* FROM b JOIN a", true),
        ("SELECT COUNT(*) AS n FROM a", false), ("select room, max(id) from a group by room", false),
        ("SELECT", true), ("nonsense", true),
    ])
    func rowsThatAreNoTablesOwnAreNotWatched(_ query: String, _ isWatched: Bool) async {
        #expect(SubscribeCommand.isOfWholeRows(query) == isWatched)
        if isWatched { return }
        let outcome = await runCommand(["subscribe", "shop", query], environment: [:])
        #expect(outcome.code == 64)
        #expect(outcome.errors.contains("spacetimekit sql"), "\(outcome.errors)")
    }

    @Test func queriesThatCannotBeWatchedAreRefused() async throws {
        try await withShop { shop in
            let unknown = await shop.run("subscribe", "shop", "SELECT * FROM nothing")
            #expect(unknown.code == 1)
            #expect(unknown.errors.contains("nothing"))
            #expect(await shop.run("subscribe", "shop").code == 64)
            #expect(await shop.run("subscribe", "shop", "SELECT * FROM customer", "-n", "0").code == 64)
            #expect(await shop.run("subscribe", "none", "SELECT * FROM customer").code == 1)
        }
    }
}
