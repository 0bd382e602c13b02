import ArgumentParser
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

extension JSON {
    /// The schema of a shop, as servers publish it.
    static var shop: JSON {
        get throws {
            let database = try Database.open(.inMemory, module: Shop.self)
            let raw = try database.core.catalog.stored.rawDefinition()
            return try ModuleSchema(validating: raw).published(raw).json
        }
    }
}

/// Commands about a database on a server.
@Suite struct DatabaseTests {
    // MARK: call

    @Test func argumentsAreJSONOrWhatTablesShow() async throws {
        try await withShop { shop in
            for arguments in [
                ["add_customer", "Ann", "null"], ["add_customer", "\"Bo\\n\"", "Bob"],
                ["add_customer", "漢字", #"{"some":"x"}"#],
                ["buy", "1", "2.5", "open"], ["buy", "1", "-2", #"{"paid":[]}"#], ["buy", "2", "1e3", "paid"],
            ] {
                let outcome = await runCommand(["call", "shop"] + arguments, environment: shop.environment)
                #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
                #expect(outcome.output.isEmpty)
                #expect(outcome.errors.isEmpty, "in a pipe there is nothing but data")
            }
            let names = try await shop.shop.read { db in db.customer.rows.map { [$0.name, $0.nickname] } }
            #expect(Set(names) == [["Ann", nil], ["Bo\n", "Bob"], ["漢字", "x"]])
            let prices = try await shop.shop.read { db in db.purchase.rows.map(\.price) }
            #expect(Set(prices) == [2.5, -2, 1_000])
            #expect(await shop.run("call", "shop", "double", "21").output == "42\n")
            #expect(await shop.run("call", "shop", "greet", "Ann").output == "Hello Ann\n")
            #expect(await shop.run("call", "shop", "greet", "null").output == "null\n")
            #expect(await shop.run("call", "shop", "greet", "null", "--json").output == "[1,[]]\n")
            let timed = await shop.run("call", "shop", "add_customer", "Di", "null", "--json")
            let answer = try JSON(parsing: timed.output)
            #expect(answer["duration_micros"]?.integerValue(as: Int64.self) != nil)
        }
    }

    static let wrongCalls: [([String], Int32, String)] = [
        (["add_customer"], 64, "add_customer takes 2 arguments, not 0: add_customer(name: String, nickname: String?)"),
        (["buy", "x", "1", "open"], 64, "'x' is no value for the parameter customer_id: UInt64"),
        (["buy", "-1", "1", "open"], 64, "'-1' is no value for the parameter customer_id: UInt64"),
        (
            ["buy", "1", "1", "gone"], 64,
            "'gone' is no value for the parameter state: open | paid (expected one of the cases open, paid"
        ),
        (["double", "3000000000"], 64, "is no value for the parameter number: Int32"),
        (["add_custmer", "x", "null"], 64, "has no reducer or procedure 'add_custmer'; 'add_customer' is there"),
        (["what"], 64, "it has add_customer, buy, hide, double, greet"),
        (["add_customer", "", "null"], 1, "add_customer failed: a customer needs a name"),
        (["add_customer", "\u{1B}[2Jx", "null"], 1, #"add_customer failed: \u{1b}[2Jx is no name"#),
    ]

    @Test(arguments: wrongCalls.indices) func whatDoesNotFitIsNamed(index: Int) async throws {
        let (arguments, code, text) = Self.wrongCalls[index]
        try await withShop { shop in
            let outcome = await runCommand(["call", "shop"] + arguments, environment: shop.environment)
            #expect(outcome.code == code)
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
            let names = try await shop.shop.read { db in db.customer.rows.map(\.name) }
            #expect(names.isEmpty)
        }
    }

    @Test func adatabaseThatIsNotThereIsToldWithAWayOn() async throws {
        try await withShop { shop in
            for arguments in [
                ["call", "none", "x"], ["describe", "none"], ["sql", "none", "SELECT 1"], ["delete", "none", "--yes"],
            ] {
                let outcome = await runCommand(arguments, environment: shop.environment)
                #expect(outcome.code == 1, "\(arguments)")
                #expect(outcome.errors.contains("'spacetimekit list' shows"), "\(arguments): \(outcome.errors)")
            }
        }
    }

    /// Asked for as they are, they would be another address of the server.
    @Test(arguments: ["", ".", ".."]) func whatCannotBeANameIsNotAskedFor(name: String) async throws {
        try await withShop { shop in
            for arguments in [
                ["call", name, "x"], ["describe", name], ["sql", name, "SELECT 1"], ["delete", name, "--yes"],
                ["logs", name], ["subscribe", name, "SELECT * FROM customer"], ["rename", name, "other"],
            ] {
                let outcome = await runCommand(arguments, environment: shop.environment)
                #expect(outcome.code == 64, "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(name.isEmpty ? "a name is empty" : "is no name"), "\(arguments)")
            }
        }
    }

    // MARK: describe

    @Test func aDescriptionIsATree() async throws {
        try await withShop { shop in
            let outcome = await shop.run("describe", "shop")
            #expect(
                outcome.output == """
                    tables
                      customer  public
                        id        UInt64     primary key, auto-increment
                        name      String     unique
                        nickname  String?
                        joined    Timestamp
                      purchase  public
                        id           UInt64       primary key, auto-increment
                        customer_id  UInt64       indexed
                        price        Double
                        state        open | paid
                      secret  private
                        id    UInt32  primary key
                        text  String

                    reducers
                      add_customer(name: String, nickname: String?)
                      buy(customer_id: UInt64, price: Double, state: open | paid)
                      hide(text: String)

                    procedures
                      double(number: Int32) -> Int64
                      greet(name: String?) -> String?

                    """)
            let part = await shop.run("describe", "shop", "customer").output
            #expect(part.contains("indexes"))
            #expect(part.contains("(name)  hash, unique"))
            #expect(await shop.run("describe", "shop", "double").output == "double(number: Int32) -> Int64\n")
            let missing = await shop.run("describe", "shop", "custmer")
            #expect(missing.code == 64)
            #expect(missing.errors.contains("'customer' is there"))
        }
    }

    @Test func aDiagramGuessesWhatBelongsTogether() async throws {
        try await withShop { shop in
            let text = await shop.run("describe", "shop", "--mermaid").output
            #expect(text.hasPrefix("erDiagram\n    customer {\n        UInt64 id PK\n        String name UK\n"))
            #expect(text.contains("        String_or_none nickname\n"))
            #expect(text.contains("        Enum state\n"))
            #expect(text.hasSuffix("    customer ||--o{ purchase : customer_id\n"))
        }
    }

    @Test func schemasAreThoseOfTheServer() async throws {
        try await withShop { shop in
            let ten = try JSON(parsing: await shop.run("describe", "shop", "--json").output)
            #expect(ten == (try JSON.shop))
            let nine = try JSON(parsing: await shop.run("describe", "shop", "--json", "--schema-version", "9").output)
            #expect(nine["tables"]?.arrayValue?.count == 3)
            let definition = try JSON(parsing: await shop.run("describe", "shop", "--module-def").output)
            #expect(definition["V10"] == ten)
            #expect(await shop.run("describe", "shop", "--json", "--mermaid").code == 64)
            #expect(await shop.run("describe", "shop", "--schema-version", "11").code == 64)
            // What was printed is read again without a server.
            let path = shop.directory.path + "/shop.json"
            try UserFile.write(definition.utf8, to: path)
            let text = await shop.run("extract-schema", path, "--text").output
            #expect(text == (await shop.run("describe", "shop").output))
            let extracted = try JSON(parsing: await shop.run("extract-schema", path).output)
            #expect(extracted["V10"] != nil)
        }
    }

    // MARK: logs

    @Test func logsAreForTheOwnerAndForPeople() async throws {
        try await withShop { shop in
            #expect(await shop.run("call", "shop", "add_customer", "Ann", "null").code == 0)
            #expect(await shop.run("call", "shop", "hide", "x").code == 0)
            let stranger = await shop.run("logs", "shop")
            #expect(stranger.code == 1)
            #expect(stranger.errors.contains("the owner may do this"))
            let all = await shop.run("logs", "shop", as: shop.ownerToken).output
            #expect(all.contains(" INFO  add_customer: Ann is a customer  "))
            #expect(all.contains(" ERROR hide: hidden:\n    all of it  "), "\(all)")
            let errors = await shop.run("logs", "shop", "--level", "error", "--json", as: shop.ownerToken).output
            #expect(errors.split(separator: "\n").count == 1)
            let error = try JSON(parsing: errors.trimmed)
            #expect(error["message"] == .string("hidden:\nall of it"))
            let last = await shop.run("logs", "shop", "-n", "1", as: shop.ownerToken).output
            #expect(last.split(separator: "\n").count == 2)
            #expect(await shop.run("logs", "shop", "-n", "-1").code == 64)
            let unknown = await shop.run("logs", "shpo", as: shop.ownerToken)
            #expect(unknown.code == 1)
            #expect(unknown.errors.contains("'spacetimekit list'"), "\(unknown.errors)")
            #expect(await shop.run("logs", "shop", "--level", "loud").code == 64)
        }
    }

    @Test func followersOfALogSeeWhatComesUntilNobodyReads() async throws {
        try await withShop { shop in
            #expect(await shop.run("call", "shop", "add_customer", "Ann", "null").code == 0)
            var environment = shop.environment
            environment["SPACETIMEKIT_TOKEN"] = shop.ownerToken
            // The reader leaves behind the first line.
            let outcome = await runCommand(
                ["logs", "shop", "-f", "-n", "5", "--json"], environment: environment, outputLimit: 0)
            #expect(outcome.code == 141)
            #expect(outcome.errors.isEmpty)
        }
    }

    // MARK: managing

    @Test func databasesAreListedRenamedLockedAndDeleted() async throws {
        try await withShop { shop in
            let owner = shop.ownerToken
            let nobody = await shop.run("list")
            #expect(nobody.code == 1)
            #expect(nobody.errors.contains("spacetimekit login"))
            let list = try JSON(parsing: await shop.run("list", "--json", as: owner).output)
            #expect(list.arrayValue?.first?["names"] == .array([.string("shop")]))
            #expect(await shop.run("list", as: owner).output.contains(" shop │ c200"))
            #expect(await shop.run("rename", "shop", "Bad Name", as: owner).code == 1)
            #expect(await shop.run("rename", "shop", "store").errors.contains("somebody else's"))
            #expect(await shop.run("rename", "shop", "store", as: owner).code == 0)
            #expect(await shop.run("describe", "shop").code == 1)
            #expect(await shop.run("lock", "store", as: owner).code == 0)
            let asked = await shop.run("delete", "store", as: owner)
            #expect(asked.code == 2)
            #expect(asked.errors.contains("--yes"))
            let locked = await shop.run("delete", "store", "--yes", as: owner)
            #expect(locked.code == 1)
            #expect(locked.errors.contains("locked"))
            #expect(await shop.run("unlock", "store").code == 1)
            #expect(await shop.run("unlock", "store", as: owner).code == 0)
            #expect(await shop.run("delete", "store", "--yes", as: owner).code == 0)
            #expect(await shop.run("list", as: owner).errors.contains("you have no databases there"))
        }
    }

    // MARK: Help

    @Test(arguments: [
        [], ["server"], ["login"], ["call"], ["sql"], ["describe"], ["logs"], ["list"], ["publish"], ["subscribe"],
        ["rename"],
        ["delete"], ["lock"], ["unlock"], ["backup"], ["restore"], ["verify"], ["export"], ["replay"],
        ["extract-schema"], ["start"], ["logout"],
    ]) func helpTeachesByExamples(command: [String]) async {
        let outcome = await runCommand(command + ["--help"], environment: [:])
        #expect(outcome.code == 0)
        #expect(outcome.errors.isEmpty)
        // In front of the list of options, which begins with what the command is called, too.
        let discussion = outcome.output.part(before: "USAGE: ")
        #expect(discussion.contains((["spacetimekit"] + command).joined(separator: " ")), "\(outcome.output)")
    }

    /// Longer lines would be broken once more, in the middle of an example.
    @Test func helpFitsATerminal() {
        func check(_ command: any ParsableCommand.Type) {
            for line in command.configuration.discussion.split(separator: "\n") {
                #expect(line.count <= 80, "\(command): \(line)")
            }
            for subcommand in command.configuration.subcommands { check(subcommand) }
        }
        check(MainCommand.self)
        #expect(MainCommand.configuration.subcommands.count > 20)
    }

    @Test func wrongArgumentsAreCode64() async {
        for arguments in [
            ["no-such-command"], ["call"], ["sql", "--csv", "--json", "x"], ["export", "x"],
            ["start", "--port", "70000"],
        ] {
            let outcome = await runCommand(arguments, environment: ["HOME": "/nonexistent"])
            #expect(outcome.code == 64, "\(arguments)")
            #expect(outcome.output.isEmpty)
            #expect(!outcome.errors.isEmpty)
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func shellsGetCompletions(shell: String) async {
        let outcome = await runCommand(["--generate-completion-script", shell], environment: [:])
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("extract-schema"))
    }
}

extension StringProtocol {
    /// What stands in front of a text.
    fileprivate func part(before text: String) -> SubSequence {
        firstRange(of: text).map { self[..<$0.lowerBound] } ?? self[...]
    }
}
