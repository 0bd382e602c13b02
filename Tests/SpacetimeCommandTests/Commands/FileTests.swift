import SpacetimeKit
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// Commands about the files of databases.
@Suite struct FileTests {
    /// The directory of a shop with two customers and a purchase, which nobody has open.
    private func withFolder(_ body: (String, TemporaryDirectory) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/shop"
        let shop = try await Database.open(.directory(path), module: Shop.self)
        // Each waits for the disk, so that the log has them in batches of their own.
        try await shop.call(Shop.addCustomer, "Ann", nil, until: .durable)
        try await shop.call(Shop.addCustomer, "Bo", "B", until: .durable)
        try await shop.call(Shop.buy, 1, 2.5, .paid, until: .durable)
        try await shop.close()
        try await body(path, directory)
    }

    private func run(_ arguments: String...) async -> Outcome { await runCommand(arguments, environment: [:]) }

    @Test func aSoundDatabaseIsCalledSound() async throws {
        try await withFolder { path, _ in
            let outcome = await run("verify", path)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("rows and indexes agree"))
            let json = try JSON(parsing: await run("verify", path, "--json").output)
            #expect(json.arrayValue?.isEmpty == false)
        }
    }

    @Test func damageIsFoundAndPassedBy() async throws {
        try await withFolder { path, directory in
            let log = try #require(try logFile(of: path))
            var bytes = try #require(try UserFile.read(log))
            // In the second customer: behind it there is another transaction, so that this was no write that was cut short.
            let place = try #require(bytes.indices.last { bytes[$0...].starts(with: "Bo".utf8) })
            bytes[place] ^= 1
            try UserFile.write(bytes, to: log)
            let found = await run("verify", path)
            #expect(found.code == 1)
            #expect(found.output.isEmpty)
            #expect(found.errors.hasPrefix("error: "))
            let saved = await run("restore", path, directory.path + "/saved", "--salvage")
            #expect(saved.code == 0, "\(saved.errors)")
            #expect(saved.output.contains("is as after commit "))
            #expect(!saved.errors.isEmpty, "what was met is said")
        }
    }

    /// The one file of a log.
    private func logFile(of path: String) throws -> String? {
        let file = "\(path)/log/00000000000000000000.log"
        return try UserFile.read(file) == nil ? nil : file
    }

    @Test func aBackupIsRestoredAsItWas() async throws {
        try await withFolder { path, directory in
            let copy = directory.path + "/copy"
            let backup = await run("backup", path, copy, "--json")
            #expect(backup.code == 0, "\(backup.errors)")
            let offset = try #require(try JSON(parsing: backup.output)["offset"]?.integerValue(as: Int.self))
            let again = await run("backup", path, copy)
            #expect(again.code == 1)
            #expect(again.errors.contains("holds a database already"))
            #expect(await run("restore", copy, directory.path + "/new").output.contains("as after commit \(offset)"))
            let restored = try await Database.open(.directory(directory.path + "/new"), module: Shop.self)
            let names = try await restored.read { db in db.customer.rows.map(\.name) }
            #expect(names == ["Ann", "Bo"])
            try await restored.close()
            // Before the purchase.
            let before = directory.path + "/before"
            #expect(await run("restore", path, before, "--up-to", "\(offset - 1)").code == 0)
            #expect(
                await run("export", before, "--table", "purchase", "--format", "csv").output
                    == "id,customer_id,price,state\r\n")
            #expect(await run("restore", path, directory.path + "/x", "--up-to", "1000000").code == 1)
            #expect(await run("restore", path, before, "--up-to", "1", "--salvage").code == 64)
        }
    }

    @Test func tablesAreExportedWithoutTheirModule() async throws {
        try await withFolder { path, directory in
            #expect(
                await run("export", path, "--format", "csv", "--table", "purchase").output
                    == "id,customer_id,price,state\r\n1,1,2.5,paid\r\n")
            let lines = await run("export", path, "--format", "json", "--table", "customer").output
            #expect(lines.split(separator: "\n").count == 2)
            let first = try JSON(parsing: String(lines.split(separator: "\n")[0]))
            #expect(first["name"] == .string("Ann"))
            let folder = directory.path + "/tables"
            let all = await run("export", path, folder, "--format", "csv")
            #expect(all.code == 0)
            #expect(all.errors.hasPrefix("3 rows of 3 tables as of commit "))
            let secret = try UserFile.read(folder + "/secret.csv")
            #expect(secret == Array("id,text\r\n".utf8))
            let twice = await run("export", path, folder, "--format", "csv")
            #expect(twice.code == 1)
            #expect(twice.errors.contains("--force"))
            #expect(await run("export", path, folder, "--format", "csv", "--force").code == 0)
            let file = directory.path + "/shop.sqlite"
            #expect(await run("export", path, file).errors.hasPrefix("3 rows as of commit "))
            let written = try UserFile.read(file)
            #expect(written?.starts(with: Array("SQLite format 3".utf8)) == true)
            #expect(await run("export", path, file).code == 1)
            let unknown = await run("export", path, "--format", "csv", "--table", "cust")
            #expect(unknown.code == 64)
            #expect(unknown.errors.contains("there are customer, purchase, secret"))
        }
    }

    @Test func whoHasADatabaseOpenIsNotDisturbed() async throws {
        try await withFolder { path, directory in
            let open = try await Database.open(.directory(path), module: Shop.self)
            for arguments in [
                ["verify", path], ["backup", path, directory.path + "/b"], ["restore", path, directory.path + "/r"],
                ["export", path, "--format", "csv", "--table", "customer"],
            ] {
                let outcome = await runCommand(arguments, environment: [:])
                #expect(outcome.code == 1, "\(arguments)")
                #expect(outcome.errors.contains("is open in another process"), "\(outcome.errors)")
            }
            try await open.close()
        }
    }

    @Test func whatIsNoDatabaseIsRefused() async throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, directory.path + "/none", "/dev/null"] {
            for arguments in [["verify", path], ["backup", path, directory.path + "/b"], ["replay", path, "1"]] {
                let outcome = await runCommand(arguments, environment: [:])
                #expect(outcome.code == 1, "\(arguments)")
                #expect(outcome.errors.hasPrefix("error: "))
            }
        }
    }

    @Test func aCallOfASwiftModuleIsReplayedByItsProgram() async throws {
        try await withFolder { path, _ in
            let outcome = await run("replay", path, "1")
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains("its module is in Swift"))
        }
    }

    @Test func modulesThatAreNoneAreRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/module.wasm"
        for command in [["extract-schema", path], ["publish", path, "x"]] {
            #expect(await runCommand(command, environment: ["HOME": directory.path]).code == 64)
        }
        try UserFile.write(Array("text".utf8), to: path)
        for command in [["extract-schema", path], ["publish", path, "x"]] {
            let outcome = await runCommand(command, environment: ["HOME": directory.path])
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains("is no module in WebAssembly"))
        }
        try UserFile.write(Array("{}".utf8), to: path)
        #expect(await run("extract-schema", path).code == 64)
    }
}
