import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeCommand

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `sql` in a pipe and at a prompt.
@Suite struct SQLCommandTests {
    /// A shop with two customers.
    private func withCustomers(_ body: @escaping @Sendable (ShopServer) async throws -> Void) async throws {
        try await withShop { shop in
            try await shop.shop.call(Shop.addCustomer, "Ann", nil)
            try await shop.shop.call(Shop.addCustomer, "Bo, \"Bob\"\n\u{1B}[31m", "B")
            try await body(shop)
        }
    }

    private static let statement = "SELECT * FROM customer ORDER BY id LIMIT 5"

    @Test func aPipeGetsNothingButTheTable() async throws {
        try await withCustomers { shop in
            let outcome = await shop.run("sql", "shop", Self.statement)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.isEmpty)
            #expect(
                outcome.output == #"""
                     id │ name                  │ nickname │ joined
                    ────┼───────────────────────┼──────────┼─────────────────────────────
                      1 │ Ann                   │ NULL     │ 1970-01-01T00:00:00.000000Z
                      2 │ Bo, "Bob"\n\u{1b}[31m │ B        │ 1970-01-01T00:00:00.000000Z

                    """#)
        }
    }

    @Test func aTerminalGetsWhatFitsAndHowLongItTook() async throws {
        try await withCustomers { shop in
            let outcome = await runCommand(
                ["sql", "shop", Self.statement], environment: shop.environment, isTerminal: true, width: 40)
            #expect(outcome.output.contains("\u{1B}[1mname\u{1B}[0m"))
            #expect(outcome.output.contains("…"))
            #expect(outcome.output.contains("(2 rows) in "))
            #expect(!outcome.output.contains("\u{1B}[31m"), "what is in a row is not obeyed")
            var plain = shop.environment
            plain["NO_COLOR"] = "1"
            let uncoloured = await runCommand(
                ["sql", "shop", Self.statement], environment: plain, isTerminal: true, width: 40)
            #expect(!uncoloured.output.contains("\u{1B}"))
            for line in uncoloured.output.split(separator: "\n") { #expect(DisplayText.width(String(line)) <= 40) }
        }
    }

    @Test func otherFormsAreForPrograms() async throws {
        try await withCustomers { shop in
            let csv = await shop.run(
                "sql", "shop", "--csv", "SELECT id, name, nickname FROM customer ORDER BY id LIMIT 5")
            #expect(csv.output == "id,name,nickname\r\n1,Ann,\r\n2,\"Bo, \"\"Bob\"\"\n\u{1B}[31m\",B\r\n")
            let json = try JSON(parsing: await shop.run("sql", "shop", "--json", Self.statement).output)
            #expect(json.arrayValue?.count == 2)
            #expect(json.arrayValue?[0]["nickname"] == .variant("none", .object([])))
            #expect(json.arrayValue?[1]["name"] == .string("Bo, \"Bob\"\n\u{1B}[31m"))
            let blocks = await shop.run("sql", "shop", "-x", "SELECT name, nickname FROM customer ORDER BY id LIMIT 1")
            #expect(blocks.output == "── row 1 ────────────────────\nname      Ann\nnickname  NULL\n")
            #expect(await shop.run("sql", "shop", "--json", "SELECT * FROM purchase").output == "[]\n")
        }
    }

    @Test func statementsComeOutOfThePipeUpToTheFirstMistake() async throws {
        try await withCustomers { shop in
            let good = await shop.run(
                "sql", "shop", "--csv",
                input: "SELECT id FROM customer -- both;\nORDER BY id LIMIT 5;\nSELECT name FROM customer WHERE id = 1")
            #expect(good.output == "id\r\n1\r\n2\r\nname\r\nAnn\r\n")
            let bad = await shop.run(
                "sql", "shop", "--csv", input: "SELECT id FROM nothing; SELECT id FROM customer;")
            #expect(bad.code == 1)
            #expect(bad.output.isEmpty)
            #expect(bad.errors.contains("nothing"))
        }
    }

    @Test func onlyTheOwnerChangesRows() async throws {
        try await withCustomers { shop in
            let statement = "UPDATE customer SET nickname = 'A' WHERE id = 1"
            #expect(await shop.run("sql", "shop", statement).code == 1)
            let owner = await shop.run("sql", "shop", "--json", statement, as: shop.ownerToken)
            #expect(owner.output == "{\"inserted\":0,\"updated\":1,\"deleted\":0}\n", "\(owner.errors)")
            #expect(await shop.run("sql", "shop", "--unconfirmed", statement, as: shop.ownerToken).output.isEmpty)
        }
    }

    // MARK: The prompt

    /// Works at the prompt of a shop with two customers, and leaves it.
    private func atPrompt(
        _ body: @escaping @Sendable (PseudoTerminal, ShopServer) async throws -> Void
    ) async throws {
        try await withCustomers { shop in
            try await atPrompt(of: shop, leavingBy: "\\q\r") { try await body($0, shop) }
        }
    }

    /// Works at the prompt of a shop, and leaves it by some keys.
    private func atPrompt(
        of shop: ShopServer, leavingBy keys: String, _ body: (PseudoTerminal) async throws -> Void
    ) async throws {
        let screen = try PseudoTerminal(columns: 100)
        let environment = shop.environment.merging(["NO_COLOR": "1"]) { $1 }
        let session = CommandSession(terminal: screen.terminal, environment: environment)
        async let code = CommandLineProgram.run(["sql", "shop"], in: session)
        try await screen.expect("\\q ends")
        try await screen.expect("shop=> ")
        try await body(screen)
        screen.send(keys)
        #expect(await code == 0)
    }

    @Test func statementsOfSeveralLinesAreRunAtThePrompt() async throws {
        try await atPrompt { screen, _ in
            screen.send("SELECT name\r")
            try await screen.expect("shop-> ")
            screen.send("FROM customer WHERE id = 1;\r")
            let shown = try await screen.expect("(1 row) in ")
            #expect(shown.contains(" Ann"))
            try await screen.expect("shop=> ")
            screen.send("SELECT 'it")
            screen.send("\r")
            try await screen.expect("shop'> ")
            // Given up, and not a part of what follows.
            screen.send("\u{3}")
            try await screen.expect("^C")
            try await screen.expect("shop=> ")
            screen.send("SELEC;\r")
            try await screen.expect("error: ")
            try await screen.expect("shop=> ")
        }
    }

    @Test func keysEditAndRepeatAtThePrompt() async throws {
        try await atPrompt { screen, shop in
            // Misspelt, mended with the arrow keys and control-A.
            screen.send("ELECT name FROM customer WHERE id = 3\u{7F}1;\u{1}S\r")
            #expect(try await screen.expect("(1 row) in ").contains(" Ann"))
            try await screen.expect("shop=> ")
            screen.send("\u{1B}[A\u{1B}[D\u{7F}2\r")
            #expect(try await screen.expect("(1 row) in ").contains("Bo, "))
            try await screen.expect("shop=> ")
            screen.send("nonsense\u{15}\\timing\r")
            try await screen.expect("times are not said")
            try await screen.expect("shop=> ")
            screen.send("\u{10}\u{10}\r")
            try await screen.expect("(1 row)\r\n")
            try await screen.expect("shop=> ")
            _ = shop
        }
    }

    @Test func tabCompletesAtThePrompt() async throws {
        try await atPrompt { screen, _ in
            screen.send("sel\tname from cus\twhere ni\t\u{17}id = 1;\r")
            #expect(try await screen.expect("(1 row) in ").contains(" Ann"))
            try await screen.expect("shop=> ")
            screen.send("SELECT * FROM \t\t")
            try await screen.expect("customer  purchase  secret")
            screen.send("\u{15}")
            try await screen.expect("shop=> ")
        }
    }

    @Test func backslashesAskAndSwitchAtThePrompt() async throws {
        try await atPrompt { screen, _ in
            screen.send("\\d\r")
            #expect(try await screen.expect("private").contains("customer  public"))
            try await screen.expect("shop=> ")
            screen.send("\\d purchase\r")
            try await screen.expect("customer_id  UInt64")
            try await screen.expect("shop=> ")
            for (command, text) in [
                ("\\x", "── row 1 "), ("\\csv", "name\r"), ("\\json", "[{\"name\":\"Ann\"}]"), ("\\table", " name"),
            ] {
                screen.send("\(command)\r")
                try await screen.expect("rows are shown")
                try await screen.expect("shop=> ")
                screen.send("SELECT name FROM customer WHERE id = 1;\r")
                try await screen.expect("id = 1;\r\n")
                try await screen.expect(text)
                try await screen.expect("shop=> ")
            }
            screen.send("\\what\r")
            try await screen.expect("there is no \\what")
            try await screen.expect("shop=> ")
            screen.send("\\?\r")
            try await screen.expect("control-D does, too")
            try await screen.expect("shop=> ")
        }
    }

    @Test func controlDLeavesAndTheHistoryStays() async throws {
        try await withCustomers { shop in
            // The second time out of the file.
            for keys in ["SELECT name FROM customer WHERE id = 1;\r", "\u{1B}[A\r"] {
                try await atPrompt(of: shop, leavingBy: "\u{4}") { screen in
                    screen.send(keys)
                    try await screen.expect(" in ")
                    try await screen.expect("shop=> ")
                }
            }
        }
    }

    @Test func controlRFindsWhatWasEntered() async throws {
        try await atPrompt { screen, _ in
            for id in [1, 2] {
                screen.send("SELECT name, \(id) AS n FROM customer WHERE id = \(id);\r")
                try await screen.expect("(1 row) in ")
                try await screen.expect("shop=> ")
            }
            screen.send("\\timing\r")
            try await screen.expect("shop=> ")
            // The newest with the text, the one before it, and no more than that one.
            screen.send("\u{12}CUSTOMER\u{12}\u{12}\u{12}")
            try await screen.expect("(search 'CUSTOMER') ")
            screen.send("\r")
            #expect(try await screen.expect("(1 row)\r\n").contains(" Ann"))
            try await screen.expect("shop=> ")
            screen.send("abc\u{12}nobody")
            try await screen.expect("(nothing with 'nobody') ")
            // Given up: what was being written is there again.
            screen.send("\u{7}")
            try await screen.expect("shop=> abc")
            screen.send("\u{15}")
        }
    }

    @Test func aSignalAtThePromptGivesTheTerminalBack() async throws {
        let screen = try PseudoTerminal()
        #expect(screen.echoes)
        await #expect(processExitsWith: .signal(SIGTERM)) { [name = screen.name as String] in
            // The terminal of this process is the test's.
            let descriptor = open(name, O_RDWR | O_NOCTTY)
            dup2(descriptor, 0)
            let restore = SystemTerminal.ofProcess.enterRawMode()
            precondition(restore != nil, "it is a terminal")
            var state = termios()
            tcgetattr(0, &state)
            precondition(state.c_lflag & tcflag_t(ECHO) == 0, "nothing is shown of what is typed")
            // Threads that run tasks let no signals through.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGTERM)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            raise(SIGTERM)
        }
        #expect(screen.echoes)
    }

    @Test func aQuestionIsAnsweredAtTheTerminal() async throws {
        try await withShop { shop in
            var environment = shop.environment
            environment["SPACETIMEKIT_TOKEN"] = shop.ownerToken
            for (answer, expected) in [("n\r", Int32(2)), ("y\r", 0)] {
                let screen = try PseudoTerminal(columns: 200)
                let session = CommandSession(terminal: screen.terminal, environment: environment)
                async let code = CommandLineProgram.run(["delete", "shop"], in: session)
                try await screen.expect("Delete it? [y/N] ")
                screen.send(answer)
                #expect(await code == expected)
            }
        }
    }
}
