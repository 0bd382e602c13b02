import SpacetimeDurability
import SpacetimeKit
import SpacetimeSQLiteExport
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

/// Which directories are taken for a database's, and what is said of the others.
@Suite struct DirectoryTests {
    private let temporary: TemporaryDirectory
    private let disks: [(disk: any Disk, root: String)]

    init() throws {
        temporary = try TemporaryDirectory()
        disks = [(SystemDisk(), temporary.path), (SimulatedDisk(), "root")]
        try disks[1].disk.createDirectory("root")
    }

    private func makeFile(_ disk: any Disk, _ path: String, _ text: String = "text") throws {
        let file = try disk.open(path, .create)
        defer { file.close() }
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
    }

    private func open(_ disk: any Disk, _ path: String) throws -> Database<Shop> {
        try Database.open(.directory(path, .small(disk)), module: Shop.self)
    }

    /// Everything that reads a database from a directory.
    private func reading(_ disk: any Disk, _ path: String, _ spare: String) -> [(String, () throws -> Void)] {
        [
            ("asOf", { _ = try Database.open(at: path, asOf: TxOffset(0), module: Shop.self, disk: disk) }),
            ("replay", { _ = try Database<Shop>.replay(TxOffset(1), at: path, module: Shop.self, disk: disk) }),
            ("verify", { _ = try Database<Shop>.verify(path, disk: disk) }),
            ("plannedMigration", { _ = try Database<Shop>.plannedMigration(at: path, module: Shop.self, disk: disk) }),
            ("restore", { _ = try Database<Shop>.restore(from: path, to: spare, disk: disk) }),
            ("salvage", { _ = try Database<Shop>.salvage(path, to: spare, disk: disk) }),
        ]
    }

    /// Everything that makes a database in a directory out of another one.
    private func writing(_ disk: any Disk, from source: Database<Shop>, _ sourcePath: String, _ path: String) -> [(
        String, () throws -> Void
    )] {
        [
            ("backup", { _ = try source.backup(to: path, disk: disk) }),
            ("restore", { _ = try Database<Shop>.restore(from: sourcePath, to: path, disk: disk) }),
            ("salvage", { _ = try Database<Shop>.salvage(sourcePath, to: path, disk: disk) }),
        ]
    }

    private func expectRefusal(
        _ name: String, mentioning text: String, _ body: () throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: DatabaseError.self, "\(name)", sourceLocation: sourceLocation, performing: body)
        #expect(error?.code == .notPossible, "\(name): \(error as Any)", sourceLocation: sourceLocation)
        #expect(error?.message.contains(text) == true, "\(name): \(error as Any)", sourceLocation: sourceLocation)
    }

    @Test func anEmptyPathIsRefusedByEverything() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            let all =
                [("open", { _ = try open(disk, "") })] + reading(disk, "", root + "/spare")
                + writing(disk, from: source, root + "/source", "") + [
                    ("export", { _ = try source.export(Item.self, as: .csv, to: "", disk: disk) }),
                    ("exportAll", { _ = try source.exportAll(as: .csv, to: "", disk: disk) }),
                    ("exportSQLite", { _ = try source.exportSQLite(to: "") }),
                    ("import", { _ = try source.import(Item.self, from: "", as: .csv, disk: disk) }),
                ]
            for (name, body) in all { expectRefusal(name, mentioning: "the path is empty", body) }
            expectRefusal("open", mentioning: "zero byte") { _ = try open(disk, root + "/a\0b") }
            #expect(try disk.list(root) == ["source"])
        }
    }

    @Test func aDirectoryOfSomethingElseIsRefusedAndStaysAsItIs() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            let contents: [(name: String, files: [String], mentions: String)] = [
                ("photographs", ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"], "'1.jpg', '2.jpg', '3.jpg' and 2 more"),
                ("one", ["letter.txt"], "'letter.txt'"),
                ("var", ["log/syslog", "log/dmesg"], "'log/dmesg', 'log/syslog'"),
                ("logfile", ["log"], "'log'"),
                ("inside", ["00000000000000000000.log"], "'00000000000000000000.log'"),
                ("mixed", ["lock", "snapshots/holiday.jpg"], "'snapshots/holiday.jpg'"),
            ]
            for (name, names, mentions) in contents {
                let path = root + "/" + name
                for file in names {
                    try disk.createDirectory(parentDirectory(of: path + "/" + file))
                    try makeFile(disk, path + "/" + file)
                }
                let before = try files(path, on: disk)
                expectRefusal("open", mentioning: mentions) { _ = try open(disk, path) }
                for (operation, body) in reading(disk, path, root + "/spare")
                    + writing(disk, from: source, root + "/source", path)
                {
                    expectRefusal(operation, mentioning: mentions, body)
                }
                #expect(try files(path, on: disk) == before)
            }
            #expect(!(try disk.list(root)).contains("spare"))
        }
    }

    @Test func aFileIsNoDirectory() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            try makeFile(disk, root + "/file")
            for path in [root + "/file", root + "/file/below"] {
                expectRefusal("open", mentioning: "'\(path)' is no directory") { _ = try open(disk, path) }
                for (operation, body) in reading(disk, path, root + "/spare")
                    + writing(disk, from: source, root + "/source", path)
                {
                    expectRefusal(operation, mentioning: "'\(path)' is no directory", body)
                }
            }
            #expect(try disk.readAll(root + "/file") == Array("text".utf8))
        }
    }

    @Test func whereThereIsNoDatabaseNoneIsReadOrMade() throws {
        for (disk, root) in disks {
            for (operation, body) in reading(disk, root + "/nothing", root + "/spare") {
                expectRefusal(operation, mentioning: "there is no directory '\(root)/nothing'", body)
            }
            try disk.createDirectory(root + "/empty")
            for (operation, body) in reading(disk, root + "/empty", root + "/spare") {
                expectRefusal(operation, mentioning: "there is no database in '\(root)/empty'", body)
            }
            #expect(try disk.list(root) == ["empty"])
        }
    }

    @Test func hiddenFilesAndThoseOfTheSystemDoNotCount() throws {
        for (disk, root) in disks {
            for name in [".DS_Store", ".gitkeep", ".nfs0001"] {
                let path = root + "/with " + name
                try disk.createDirectory(path)
                try makeFile(disk, path + "/" + name)
                try open(disk, path).close()
                try open(disk, path).close()
                #expect(try disk.readAll(path + "/" + name) == Array("text".utf8))
            }
            try disk.createDirectory(root + "/volume/lost+found")
            try open(disk, root + "/volume").close()
        }
    }

    @Test func besideADatabaseThereMayBeOtherFiles() throws {
        for (disk, root) in disks {
            try open(disk, root + "/db").close()
            try makeFile(disk, root + "/db/notes.txt")
            try makeFile(disk, root + "/db/log/backup.txt")
            try disk.createDirectory(root + "/db/snapshots")
            try makeFile(disk, root + "/db/snapshots/film.partial")
            let again = try open(disk, root + "/db")
            #expect(try again.notes() == ["created"])
            try again.close()
            #expect(try Database<Shop>.verify(root + "/db", disk: disk).isEmpty == false)
            for name in ["notes.txt", "log/backup.txt", "snapshots/film.partial"] {
                #expect(try disk.readAll(root + "/db/" + name) == Array("text".utf8))
            }
        }
    }

    @Test func copiesGoToAnEmptyDirectoryOnly() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            try source.call(Shop.add, "a", 1, until: .durable)
            for (operation, body) in writing(disk, from: source, root + "/source", root + "/source") {
                expectRefusal(operation, mentioning: "holds a database already", body)
            }
            try disk.createDirectory(root + "/empty")
            for path in ["empty", "new/and/deep"] {
                try source.backup(to: "\(root)/\(path)", disk: disk)
                expectRefusal("backup", mentioning: "holds a database already") {
                    try source.backup(to: "\(root)/\(path)", disk: disk)
                }
                #expect(try open(disk, "\(root)/\(path)").items().map(\.code) == ["a"])
            }
        }
    }

    @Test func whatAnInterruptedBackupLeftIsInNobodysWay() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            try disk.createDirectory(root + "/copy/snapshots")
            try makeFile(disk, root + "/copy/snapshots/00000000000000000001.snapshot.partial")
            try source.backup(to: root + "/copy", disk: disk)
            #expect(try open(disk, root + "/copy").notes() == ["created"])
        }
    }

    @Test func aDirectoryThatIsBeingWrittenIsNotOpenedAndNotWritten() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            try disk.createDirectory(root + "/copy")
            let lock = try disk.lock(root + "/copy")
            for (operation, body) in writing(disk, from: source, root + "/source", root + "/copy")
                + [("open", { _ = try open(disk, root + "/copy") })]
            {
                let error = #expect(throws: DatabaseError.self, "\(operation)", performing: body)
                #expect(error?.code == .inUse)
            }
            lock.release()
            try source.backup(to: root + "/copy", disk: disk)
        }
    }

    @Test func exportsReplaceFilesAndNothingElse() throws {
        for (disk, root) in disks {
            let source = try open(disk, root + "/source")
            try source.call(Shop.add, "a", 1)
            try disk.createDirectory(root + "/directory")
            try makeFile(disk, root + "/file.csv", String(repeating: "long ", count: 1_000))
            func refusals(_ path: String, _ text: String) {
                expectRefusal("export", mentioning: text) {
                    try source.export(Item.self, as: .csv, to: path, disk: disk)
                }
                if disk is SystemDisk {
                    expectRefusal("exportSQLite", mentioning: text) {
                        try source.exportSQLite(to: path, replacing: true)
                    }
                }
            }
            refusals(root + "/directory", "it is a directory")
            refusals(root + "/missing/a.csv", "there is no directory '\(root)/missing'")
            refusals(root + "/file.csv/a.csv", "'\(root)/file.csv' is no directory")
            #expect(try source.export(Item.self, as: .csv, to: root + "/file.csv", disk: disk) == 1)
            #expect(try disk.readAll(root + "/file.csv").count < 100)
            // All tables go to a directory, which is made.
            try source.exportAll(as: .csv, to: root + "/made/below", disk: disk)
            #expect(try disk.list(root + "/made/below") == ["item.csv", "note.csv"])
            let error = #expect(throws: DatabaseError.self) {
                try source.exportAll(as: .csv, to: root + "/file.csv", disk: disk)
            }
            #expect(error?.message.contains("file.csv") == true)
        }
    }

    @Test func aRemovedLockFileLetsNobodyIn() throws {
        for (disk, root) in disks {
            let path = root + "/db"
            let first = try open(disk, path)
            // No file of the directory matters for it, nor one that earlier versions locked.
            try makeFile(disk, path + "/lock")
            try disk.remove(path + "/lock")
            let error = #expect(throws: DatabaseError.self) { try open(disk, path) }
            #expect(error?.code == .inUse)
            // A copy is a directory of its own.
            try write(files(path, on: disk), of: path, to: root + "/copied", on: disk)
            try open(disk, root + "/copied").close()
            try first.close()
            try open(disk, path).close()
        }
    }
}
