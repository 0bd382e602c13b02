import SpacetimeDurability
import SpacetimeKit
import SpacetimeTestSupport
import SpacetimeTesting
import Synchronization
import Testing

@Table(name: "item") private struct OtherItem {
    @PrimaryKey var id: UInt64
    var name: [UInt8]
}

@Table(name: "again") private struct Twice {
    @PrimaryKey var id: UInt64
}

/// An opening that is refused leaves every file as it is, on the simulated disk and on the real one.
@Suite struct RefusalTests {
    private let temporary: TemporaryDirectory

    init() throws { temporary = try TemporaryDirectory() }

    /// A database that was not closed: its log has a torn end, and interrupted writers left something. An opening that
    /// goes through cuts the one and removes the other.
    private func torn() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let database = try Database.open(disk) { $0.segmentByteCount = 1_500 }
        for i in 0..<30 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        try database.takeSnapshot()
        for i in 30..<40 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        try database.flush()
        let after = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        let log = try #require(after.paths.last { $0.hasSuffix(".log") })
        after.setContents(log, try #require(after.contents(log)) + Array("a write that was not finished".utf8))
        after.setContents("shop/snapshots/00000000000000000099.snapshot.partial", [1, 2, 3])
        after.setContents("shop/log/00000000000000000099.log.partial", [1, 2, 3])
        return after
    }

    /// Opens the same files on both disks, after a change to them: must be refused, and change nothing.
    private func expectRefusal(
        _ code: DatabaseError.Code?, sourceLocation: SourceLocation = #_sourceLocation,
        of change: (SimulatedDisk) throws -> Void = { _ in }, opening open: (Storage) throws -> Void
    ) throws {
        let simulated = try torn()
        try change(simulated)
        let real = temporary.path + "/shop"
        try write(files("shop", on: simulated), of: "shop", to: real, on: SystemDisk())
        for (disk, path) in [(simulated as any Disk, "shop"), (SystemDisk(), real)] {
            let before = try files(path, on: disk)
            #expect(before.count > 6, sourceLocation: sourceLocation)
            let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
                try open(.directory(path, .small(disk)))
            }
            #expect((error as? DatabaseError)?.code == code, "\(error as Any)", sourceLocation: sourceLocation)
            #expect(try files(path, on: disk) == before, "files changed", sourceLocation: sourceLocation)
        }
    }

    private func openShop(_ storage: Storage) throws { try Database.open(storage, module: Shop.self).close() }

    @Test func anOpeningThatIsNotRefusedCutsTheTornEndAndTidiesUp() throws {
        let disk = try torn()
        let before = try files("shop", on: disk)
        let database = try Database.open(disk)
        #expect(database.openingWarnings.contains { $0.contains("unfinished write") })
        #expect(try database.items().count == 40)
        try database.close()
        let after = try files("shop", on: disk)
        #expect(after != before)
        #expect(!after.keys.contains { $0.hasSuffix(".partial") })
        #expect(try Database.open(disk).openingWarnings == [])
    }

    @Test func anInvalidModule() throws {
        let invalid = Module("shop") {
            Table(Item.self)
            Table(OtherItem.self)
        }
        try expectRefusal(.invalidModule) { try Database.open($0, module: invalid).close() }
    }

    @Test func aMigrationThatIsNotPossible() throws {
        let other = Module("shop") { Table(OtherItem.self) }
        try expectRefusal(.migrationRefused) { try Database.open($0, module: other).close() }
    }

    @Test func aWrittenMigrationThatThrows() throws {
        let other = Module("shop") { Table(OtherItem.self) }
        var options = DatabaseOptions()
        options.migrations = [
            Migration("half") { old, new in
                _ = try old.rows(of: Item.self)
                throw SenderError("no")
            }
        ]
        try expectRefusal(.migrationRefused) { try Database.open($0, module: other, options: options).close() }
    }

    /// The list of tables that are gone does not say that it is the wrong directory.
    @Test func anotherProgram() throws {
        let other = Module("garage") { Table(Twice.self) }
        try expectRefusal(.migrationRefused) { storage in
            do { try Database.open(storage, module: other).close() } catch let error as DatabaseError {
                #expect(error.message.contains("than a module named 'garage' gives"))
                #expect(error.message.contains("choose another directory"))
                throw error
            }
        }
    }

    @Test func theOwnProgramIsNoOther() throws {
        try expectRefusal(.migrationRefused) { storage in
            do { try Database.open(storage, module: Module("Shop") { Table(Twice.self) }).close() } catch let error
                as DatabaseError
            {
                #expect(!error.message.contains("another directory"))
                throw error
            }
        }
    }

    @Test func anotherIdentity() throws {
        var options = DatabaseOptions()
        options.identity = Identity(issuer: "test", subject: "another")
        try expectRefusal(.incompatibleFiles) { try Database.open($0, module: Shop.self, options: options).close() }
    }

    /// Every kind of file says its format in bytes 8 to 11, under a checksum.
    @Test(arguments: [(".log", 60), (".snapshot", 60), (".manifest", 68)])
    func aNewerFormat(suffix: String, checksumAt: Int) throws {
        try expectRefusal(
            .incompatibleFiles,
            of: { disk in
                let path = try #require(disk.paths.last { $0.hasSuffix(suffix) })
                var bytes = try #require(disk.contents(path))
                bytes[8] = 77
                let crc = crc32c(bytes.span.bytes.extracting(..<checksumAt))
                for i in 0..<4 { bytes[checksumAt + i] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * i)) }
                disk.setContents(path, bytes)
            }, opening: openShop)
    }

    @Test func damage() throws {
        try expectRefusal(
            .damaged,
            of: { disk in
                let path = try #require(disk.paths.last { $0.hasSuffix(".log") })
                disk.flipBit(100, of: path)
            }, opening: openShop)
    }

    @Test func aMissingFile() throws {
        try expectRefusal(
            .damaged, of: { disk in try disk.remove(try #require(disk.paths.last { $0.hasSuffix(".log") })) },
            opening: openShop)
    }

    @Test func aDirectoryThatIsInUse() throws {
        for disk in [SimulatedDisk(), SystemDisk()] as [any Disk] {
            let path = temporary.path + "/shop"
            let storage = Storage.directory(path, .small(disk))
            let first = try Database.open(storage, module: Shop.self)
            try first.call(Shop.add, "a", 1, until: .durable)
            let before = try files(path, on: disk)
            let error = #expect(throws: DatabaseError.self) { try openShop(storage) }
            #expect(error?.code == .inUse)
            #expect(try files(path, on: disk) == before)
            try first.close()
        }
    }

    @Test func whatOnlyReadsChangesNothing() throws {
        let disk = try torn()
        let before = try files("shop", on: disk)
        _ = try Database.open(at: "shop", asOf: TxOffset(35), module: Shop.self, disk: disk)
        _ = try Database<Shop>.replay(TxOffset(35), at: "shop", module: Shop.self, disk: disk)
        _ = try Database<Shop>.verify("shop", disk: disk)
        _ = try Database<Shop>.plannedMigration(at: "shop", module: Shop.self, disk: disk)
        try Database<Shop>.restore(from: "shop", to: "restored", disk: disk)
        _ = try Database<Shop>.salvage("shop", to: "salvaged", disk: disk)
        #expect(try files("shop", on: disk) == before)
    }

    /// A creation that fails makes nothing: no file, no directory.
    @Test(arguments: [true, false])
    func aCreationThatIsRefused(directoryIsThere: Bool) throws {
        let invalid = Module("shop") {
            Table(Item.self)
            Table(OtherItem.self)
        }
        let failing = Module("shop") {
            Table(Item.self)
            Reducer("begin", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                try context.table(Item.self).insert(Item(id: 0, code: "a", price: 1))
                throw SenderError("not today")
            }
        }
        for (disk, root) in [(SimulatedDisk() as any Disk, "root"), (SystemDisk(), temporary.path)] {
            try disk.createDirectory(directoryIsThere ? root + "/new" : root)
            let storage = Storage.directory(root + "/new", .small(disk))
            let error = #expect(throws: DatabaseError.self) { try Database.open(storage, module: invalid) }
            #expect(error?.code == .invalidModule)
            let thrown = #expect(throws: SenderError.self) { try Database.open(storage, module: failing) }
            #expect("\(thrown as Any)".contains("not today"))
            #expect(try disk.list(root) == (directoryIsThere ? ["new"] : []))
            if directoryIsThere { #expect(try disk.list(root + "/new") == []) }
            // And nobody has it locked.
            try Database.open(storage, module: Shop.self).close()
        }
    }

    @Test func aDatabaseThatSomebodyElseMakesMeanwhileIsNotOverwritten() throws {
        let disk = SimulatedDisk()
        let isFirst = Atomic(true)
        var faults = SimulatedDisk.Faults()
        // When the first opener has looked at everything, and is about to make its directory.
        faults.onOperation = { _ in
            if isFirst.exchange(false, ordering: .relaxed) { try? Database<Shop>.open(disk).close() }
        }
        disk.setFaults(faults)
        let error = #expect(throws: DatabaseError.self) { try Database<Shop>.open(disk) }
        #expect(error?.code == .inUse)
        #expect(try Database.open(disk).notes() == ["created"])
    }

    @Test func aMigrationIsOnDiskWhenTheOpeningReturns() throws {
        let disk = try torn()
        let grown = Module("shop") {
            Table(Item.self)
            Table(Note.self)
            Table(Visit.self)
            Table(Twice.self)
        }
        _ = try Database.open(.directory("shop", .simulated(disk)), module: grown)
        let later = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        #expect(try Database<Shop>.verify("shop", disk: later).contains { $0.contains("state after offset 41") })
    }
}
