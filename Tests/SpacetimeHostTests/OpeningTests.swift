import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeHost

/// Databases of a module that is no Swift code go through the same doors as all others.
@Suite struct OpeningTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/db" }

    init() throws { directory = try TemporaryDirectory() }

    private var options: OpeningOptions {
        var options = OpeningOptions(name: "test")
        options.seed = 1
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        return options
    }

    private func open(
        _ module: any ModuleHost, _ options: OpeningOptions? = nil
    ) throws -> OpenedDatabase {
        try DatabaseCore.open(
            .directory(path, StorageOptions()), module: module, options: options ?? self.options)
    }

    private func item(_ id: UInt64, _ name: String) -> [UInt8] { id.bsatn() + name.bsatn() }

    @Test func whatWasCommittedIsThereWhenItIsOpenedAgain() throws {
        let first = try open(ByteModule.items()).core
        try first.runner.call("add", arguments: "apple".bsatn(), as: first.owner)
        #expect(first.catalog.identity == .local("database test") && first.owner.identity == .local("owner"))
        try first.close()
        let second = try open(ByteModule.items())
        #expect(second.warnings == [])
        #expect(try second.core.rows(of: second.core.items) == [item(1, "apple")])
        #expect(try second.core.runner.lastOffset() == TxOffset(1))
        #expect(second.core.catalog.identity == first.catalog.identity)
        try second.core.close()
    }

    @Test func clientsThatWereLeftGetTheirDisconnectReducer() throws {
        let first = try open(ByteModule.items()).core
        _ = try first.connections.connect(Identity(number: 9), credentials: "")
        try first.close()
        let calls = Mutex<[Identity]>([])
        let module = ByteModule.items(lifecycle: [
            (
                .onDisconnect,
                { @Sendable transaction, _ in
                    let caller = try transaction.caller.identity
                    calls.withLock { $0.append(caller) }
                    throw SenderError("not now")
                }
            )
        ])
        let second = try open(module)
        #expect(calls.withLock { $0 } == [Identity(number: 9)])
        #expect(second.warnings.count == 1 && second.warnings[0].contains("not now"))
        #expect(try second.core.rows(of: second.core.catalog.systemTables.client) == [])
        try second.core.close()
    }

    @Test func aGrownModuleMigratesItsTables() throws {
        let first = try open(ByteModule.items()).core
        try first.runner.call("add", arguments: "apple".bsatn(), as: first.owner)
        try first.close()
        let grown = ByteModule(
            tables: [ByteModule.itemTable, RawTableDefV10(sourceName: "note", productTypeRef: 1)],
            types: [ByteModule.itemType, .product([("text", .string)])], reducers: [])
        let planned = try DatabaseCore.plannedMigration(of: path, on: SystemDisk(), module: grown, options: options)
        #expect(planned?.plan.steps.isEmpty == false)
        let second = try open(grown).core
        #expect(try second.rows(of: second.items) == [item(1, "apple")])
        #expect(try second.runner.lastOffset() == TxOffset(2))
        try second.close()
        #expect(
            try DatabaseCore.plannedMigration(of: path, on: SystemDisk(), module: grown, options: options) == nil)
    }

    @Test func anEarlierMomentIsOpenedForReadingOnly() throws {
        let first = try open(ByteModule.items()).core
        for name in ["apple", "pear"] { try first.runner.call("add", arguments: name.bsatn(), as: first.owner) }
        try first.close()
        let past = try DatabaseCore.open(
            path, before: 2, on: SystemDisk(), module: ByteModule.items(), options: options
        ).core
        #expect(try past.rows(of: past.items) == [item(1, "apple")])
        #expect(try past.runner.lastOffset() == TxOffset(1))
        let error = #expect(throws: DatabaseError.self) {
            try past.runner.call("add", arguments: "plum".bsatn(), as: past.owner)
        }
        #expect(error?.code == .readOnly)
    }

    @Test func anOpeningThatIsRefusedChangesNoFile() throws {
        let first = try open(ByteModule.items()).core
        try first.close()
        let disk = SystemDisk()
        func content() throws -> [[UInt8]] {
            try disk.list(path + "/log").sorted().map { try disk.readAll(path + "/log/" + $0) }
        }
        let before = try content()
        var stranger = options
        stranger.identity = Identity(number: 99)
        let error = #expect(throws: DatabaseError.self) { try open(ByteModule.items(), stranger) }
        #expect(error?.code == .incompatibleFiles)
        let broken = ByteModule(
            tables: [RawTableDefV10(sourceName: "", productTypeRef: 5)], types: [], reducers: [])
        let other = #expect(throws: DatabaseError.self) { try open(broken) }
        #expect(other?.code == .invalidModule)
        #expect(try content() == before)
        // And it is free.
        try open(ByteModule.items()).core.close()
    }
}
