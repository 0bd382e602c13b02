import SpacetimeDurability
import SpacetimeKit
import SpacetimeSATS
import SpacetimeServer
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// Backups of databases that run on a server.
@Suite(.timeLimit(.minutes(10))) struct BackupTests {
    @Test func aRunningDatabaseIsCopiedAsItIs() async throws {
        try await withShop { shop in
            try await shop.shop.call(Shop.addCustomer, "Ann", nil)
            try await shop.shop.call(Shop.addCustomer, "Bo", "B")
            let copy = shop.directory.path + "/copies/one"
            let outcome = await shop.run(
                "backup", "--server", shop.address, "shop", copy, "--json", as: shop.ownerToken)
            #expect(outcome.code == 0, "\(outcome.errors)")
            let offset = try #require(try JSON(parsing: outcome.output)["offset"]?.integerValue(as: UInt64.self))
            // It goes on, and is copied again to another place only.
            try await shop.shop.call(Shop.addCustomer, "Cy", nil)
            let again = await shop.run("backup", "--server", shop.address, "shop", copy, as: shop.ownerToken)
            #expect(again.code == 1)
            #expect(again.errors.contains("holds a database already"), "\(again.errors)")
            let later = shop.directory.path + "/later"
            let second = await shop.run("backup", "-s", shop.address, "shop", later, "--json", as: shop.ownerToken)
            #expect(try JSON(parsing: second.output)["offset"]?.integerValue(as: UInt64.self) == offset + 1)

            let restored = try await Database.open(.directory(copy), module: Shop.self)
            #expect(try await restored.read { db in db.customer.rows.map(\.name) } == ["Ann", "Bo"])
            try await restored.close()
            #expect(await shop.run("verify", later).code == 0)
            #expect(FolderContents.names(in: shop.directory.path).allSatisfy { !$0.hasSuffix(".partial") })
        }
    }

    @Test func onlyTheOwnerGetsACopy() async throws {
        try await withShop { shop in
            let copy = shop.directory.path + "/copy"
            for token in [nil, shop.server.token(for: "somebody")] {
                let outcome = await shop.run("backup", "-s", shop.address, "shop", copy, as: token)
                #expect(outcome.code == 1)
                #expect(outcome.output.isEmpty)
            }
            #expect(FolderContents.names(in: copy).isEmpty)
            let missing = await shop.run("backup", "-s", shop.address, "shpo", copy, as: shop.ownerToken)
            #expect(missing.code == 1)
            #expect(missing.errors.contains("shpo"))
            // Without a server the word is a folder's.
            let folder = await shop.run("backup", "shop", copy)
            #expect(folder.code == 1)
            #expect(folder.errors.contains("--server"), "\(folder.errors)")
        }
    }

    // MARK: Archives

    private func archive(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for (path, content) in files {
            let entry = TarEntry(path: path, byteCount: UInt64(content.count))
            bytes += try #require(entry.header) + content + [UInt8](repeating: 0, count: entry.padding)
        }
        return bytes + TarEntry.end
    }

    @Test func filesComeOutOfAnArchiveHoweverItIsCut() throws {
        let files: [(String, [UInt8])] = [
            ("a", []), ("b/c/d", Array(repeating: 7, count: 512)), ("b/e", Array("text".utf8)),
            ("f", (0..<1_500).map { UInt8(truncatingIfNeeded: $0) }),
        ]
        let bytes = try archive(files)
        for size in [1, 7, 511, 512, 513, bytes.count] {
            let directory = try TemporaryDirectory()
            var writer = ArchiveWriter(into: directory.path, on: SystemDisk())
            for start in stride(from: 0, to: bytes.count, by: size) {
                try writer.append(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(writer.isWhole)
            for (path, content) in files {
                #expect(try UserFile.read(directory.path + "/" + path) == content, "\(size)")
            }
        }
    }

    @Test func anArchiveThatLeadsElsewhereIsRefused() throws {
        // A slash with an accent behind it is a slash to the system.
        for path in [
            "/etc/x", "../x", "a/../../x", "a//b", "./x", "", "../\u{301}x", "a/..//\u{301}x", "a/../\u{301}/x",
        ] {
            let directory = try TemporaryDirectory()
            var writer = ArchiveWriter(into: directory.path, on: SystemDisk())
            let bytes = try archive([(path, [1])])
            #expect(throws: CommandFailure.self, "\(path)") { try writer.append(bytes) }
            #expect(FolderContents.files(in: directory.path).isEmpty)
        }
    }

    @Test func anArchiveIsWholeOnlyWithItsEnd() throws {
        let bytes = try archive([("a", [1, 2, 3])])
        for count in stride(from: 0, through: bytes.count - 1_024 + 511, by: 73) {
            let directory = try TemporaryDirectory()
            var writer = ArchiveWriter(into: directory.path, on: SystemDisk())
            try writer.append(Array(bytes[..<count]))
            #expect(!writer.isWhole, "\(count)")
        }
    }

    @Test func damagedHeadersAreNone() throws {
        let header = try #require(TarEntry(path: "a", byteCount: 5).header)
        #expect(TarEntry(header: header) == TarEntry(path: "a", byteCount: 5))
        // Behind the sum there is a blank that means nothing.
        for place in 0..<300 where place != 155 {
            var damaged = header
            damaged[place] ^= 1
            #expect(TarEntry(header: damaged) == nil, "\(place)")
        }
        #expect(TarEntry(path: String(repeating: "x", count: 101), byteCount: 0).header == nil)
        #expect(TarEntry(path: "x", byteCount: 1 << 33).header == nil)
    }

    @Test func tarReadsWhatServersSend() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/backup.tar"
        try UserFile.write(try archive([("a/b", Array("text".utf8))]), to: file)
        let outcome = try await ChildProgram("tar", ["-tvf", file], output: .collected).finished(within: .seconds(600))
        #expect(outcome.status == 0)
        #expect(String(decoding: outcome.output, as: UTF8.self).contains("a/b"))
    }
}
