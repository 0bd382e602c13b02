import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeHost

/// A module with functions of all kinds, over bytes, as a guest's loader is to be: table `item(id u64 primary key,
/// owner u64 indexed with name, name string)`.
private final class AllKinds: ModuleHost {
    typealias View = @Sendable (GuestTransaction) throws -> [UInt8]
    typealias Body = @Sendable (GuestProcedure) throws -> [UInt8]

    let view: View
    let procedure: Body

    init(view: @escaping View = { _ in [] }, procedure: @escaping Body = { _ in [] }) {
        self.view = view
        self.procedure = procedure
    }

    func describe() throws(DatabaseError) -> RawModuleDefV10 {
        let table = RawTableDefV10(
            sourceName: "item", productTypeRef: 0, primaryKey: [0],
            indexes: [
                RawIndexDef(sourceName: "by_id", accessorName: "id", algorithm: .hash([0])),
                RawIndexDef(sourceName: "by_owner", accessorName: "by_owner", algorithm: .btree([1, 2])),
            ],
            constraints: [RawConstraintDef(data: .unique([0]))])
        return RawModuleDefV10(sections: [
            .typespace(Typespace([.product([("id", .u64), ("owner", .u64), ("name", .string)])])),
            .types([RawTypeDef(scope: [], sourceName: "Item", ref: 0, customOrdering: true)]),
            .tables([table, RawTableDefV10(sourceName: "other", productTypeRef: 0)]),
            .reducers([
                RawReducerDefV10(sourceName: "add", parameters: ProductType([("id", .u64), ("owner", .u64)]))
            ]),
            .procedures([RawProcedureDefV10(sourceName: "act", returnType: .u64)]),
            .httpHandlers([RawHttpHandlerDef(sourceName: "web")]),
            .httpRoutes([RawHttpRouteDef(handlerFunction: "web", method: .any, path: "/web")]),
        ])
    }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> Outcome {
        let transaction = GuestTransaction(transaction)
        if function.kind == .view { return .rows(try view(transaction)) }
        let row = Array(arguments) + "name".bsatn()
        try row.withUnsafeBytes { _ = try transaction.insert($0, into: transaction.table(named: "item")) }
        return .done
    }

    func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
        // A guest has a thread to itself, which it may block.
        let result = try await withCheckedThrowingContinuation { (done: CheckedContinuation<[UInt8], any Error>) in
            startGuestThread { done.resume(with: Result { try call.onThisThread(self.procedure) }) }
        }
        if case .request(let request) = input {
            return .response(HTTP.Response(status: 201, text: "\(request.method) \(result.count)"))
        }
        return .value(result)
    }
}

private func startGuestThread(_ body: @escaping @Sendable () -> Void) { startThread(body) }

private let stranger = Caller(identity: Identity(number: UInt256(9)))

extension DatabaseCore {
    fileprivate func add(_ id: UInt64, owner: UInt64) throws {
        try runner.call("add", arguments: id.bsatn() + owner.bsatn(), as: self.owner)
    }

    fileprivate var others: TableID { catalog.tableMap.table(at: 1) }

    fileprivate func index(_ position: Int) throws -> IndexID { try catalog.facts(of: items).indexes[position] }

    /// Evaluates the view inside of a read.
    fileprivate func evaluate(for caller: Caller? = nil) throws -> (outcome: Outcome, reads: ReadSet) {
        let serial = try runner.beginRead()
        defer { runner.endRead() }
        return try runner.evaluate(
            0, arguments: [], for: caller, in: TransactionReference(runner: runner, serial: serial))
    }
}

/// What an evaluation has read is noted, and costs nothing else anything.
@Suite struct ReadSetTests {
    private static func key(_ values: [UInt8]...) -> [UInt8] { values.flatMap { $0 } }

    /// How a view reads, and what is to be known of it: keys by index position, and whole tables.
    private struct Reading: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let view: AllKinds.View
        let keys: [(index: Int, key: [UInt8])]
        let isWhole: Bool

        init(
            _ description: String, keys: [(Int, [UInt8])] = [], isWhole: Bool = false, _ view: @escaping AllKinds.View
        ) {
            testDescription = description
            self.view = view
            self.keys = keys.map { ($0.0, $0.1) }
            self.isWhole = isWhole
        }
    }

    private static let readings: [Reading] = [
        Reading("a key that is there", keys: [(0, UInt64(1).bsatn())]) { transaction in
            try UInt64(1).bsatn().withUnsafeBytes {
                try transaction.scan(transaction.index(named: "by_id"), key: $0).readAll()
            }
        },
        Reading("a key that is not there", keys: [(0, UInt64(77).bsatn())]) { transaction in
            try UInt64(77).bsatn().withUnsafeBytes {
                try transaction.scan(transaction.index(named: "by_id"), key: $0).readAll()
            }
        },
        Reading("a complete key of two columns", keys: [(1, key(UInt64(5).bsatn(), "name".bsatn()))]) { transaction in
            try key(UInt64(5).bsatn(), "name".bsatn()).withUnsafeBytes {
                try transaction.scan(transaction.index(named: "by_owner"), key: $0).readAll()
            }
        },
        Reading("a range of one value", keys: [(1, key(UInt64(5).bsatn(), "name".bsatn()))]) { transaction in
            let range = IndexRange(
                prefix: UInt64(5).bsatn(), prefixColumns: 1, lower: .included("name".bsatn()),
                upper: .included("name".bsatn()))
            return try transaction.scan(transaction.index(named: "by_owner"), range: range).readAll()
        },
        Reading("a range", isWhole: true) { transaction in
            let range = IndexRange(
                prefix: UInt64(5).bsatn(), prefixColumns: 1, lower: .included("a".bsatn()),
                upper: .included("name".bsatn()))
            return try transaction.scan(transaction.index(named: "by_owner"), range: range).readAll()
        },
        Reading("a part of a key", isWhole: true) { transaction in
            let range = IndexRange(prefix: UInt64(5).bsatn(), prefixColumns: 1)
            return try transaction.scan(transaction.index(named: "by_owner"), range: range).readAll()
        },
        Reading("a scan", isWhole: true) { try $0.scan($0.table(named: "item")).readAll() },
        Reading("a count", isWhole: true) { UInt64(try $0.count($0.table(named: "item"))).bsatn() },
        Reading("a key, and then everything", isWhole: true) { transaction in
            _ = try UInt64(1).bsatn().withUnsafeBytes {
                try transaction.scan(transaction.index(named: "by_id"), key: $0)
            }
            return UInt64(try transaction.count(transaction.table(named: "item"))).bsatn()
        },
        Reading("nothing") { _ in [] },
    ]

    @Test(arguments: readings) private func readsAreNotedByKeyOrByTable(_ reading: Reading) throws {
        let core = try open(any: AllKinds(view: reading.view))
        try core.add(1, owner: 5)
        let reads = try core.evaluate().reads
        #expect(
            reads.keys
                == Set(
                    try reading.keys.map {
                        ReadSet.Key(table: core.items, index: try core.index($0.index), key: $0.key)
                    }))
        #expect(reads.tables == (reading.isWhole ? [core.items] : []))
    }

    @Test func theShortWayOfTypedCodeIsNotedToo() throws {
        let core = try open(any: AllKinds())
        try core.add(1, owner: 5)
        let index = try core.index(0)
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        let transaction = TransactionReference(runner: core.runner, serial: serial)
        let (row, reads) = core.runner.followingReads {
            transaction.find(index, bits: 1, byteCount: 8).map { Array($0) }
        }
        #expect(row == UInt64(1).bsatn() + UInt64(5).bsatn() + "name".bsatn())
        #expect(reads.keys == [ReadSet.Key(table: core.items, index: index, key: UInt64(1).bsatn())])
        let (several, more) = core.runner.followingReads {
            var found: [UnsafeRawBufferPointer?] = [nil, nil]
            let keys: [UInt64] = [1, 9]
            keys.withUnsafeBufferPointer { keys in
                found.withUnsafeMutableBufferPointer {
                    transaction.find(index, several: keys, byteCount: 8, $0)
                }
            }
            return found.map { $0 != nil }
        }
        #expect(several == [true, false])
        #expect(more.keys.count == 2)
        // Afterwards nothing is followed, and the short way is open again.
        #expect(!transaction.followsReads)
        #expect(transaction.find(index, bits: 1, byteCount: 8) != nil)
    }

    @Test func anInnerEvaluationIsPartOfTheOuter() throws {
        let core = try open(any: AllKinds())
        let serial = try core.runner.beginRead()
        defer { core.runner.endRead() }
        let transaction = TransactionReference(runner: core.runner, serial: serial)
        let (inner, outer) = core.runner.followingReads {
            _ = transaction.count(core.items)
            let (_, inner) = core.runner.followingReads { transaction.count(core.others) }
            return inner
        }
        #expect(inner.tables == [core.others])
        #expect(outer.tables == [core.items, core.others])
    }

    @Test func aViewKnowsWhomItIsForAndCannotWrite() throws {
        let module = AllKinds(view: { transaction in
            let row = UInt64(7).bsatn() + UInt64(7).bsatn() + "x".bsatn()
            let refused = #expect(throws: DatabaseError.self) {
                try row.withUnsafeBytes { _ = try transaction.insert($0, into: transaction.table(named: "item")) }
            }
            #expect(refused?.code == .readOnly)
            return try transaction.caller.identity.bsatn()
        })
        let core = try open(any: module)
        #expect(try core.evaluate(for: stranger).outcome == .rows(stranger.identity.bsatn()))
        #expect(try core.evaluate().outcome == .rows(core.catalog.identity.bsatn()))
        // Inside of a write that goes on afterwards, on behalf of its own caller.
        try core.runner.acquire()
        _ = try core.runner.runAndRelease(.host, as: stranger) { transaction in
            #expect(try core.runner.evaluate(0, arguments: [], for: nil, in: transaction).reads == ReadSet())
            #expect(transaction.caller == stranger)
            var row = UInt64(8).bsatn() + UInt64(8).bsatn() + "x".bsatn()
            _ = try row.withUnsafeMutableBytes { try transaction.insert(core.items, trusted: $0) }
        }
        #expect(try core.rows(of: core.items).count == 1)
    }

    @Test func aViewThatThrowsLeavesNothingBehind() throws {
        let core = try open(any: AllKinds(view: { _ in throw SenderError("no view") }))
        #expect(throws: SenderError.self) { try core.evaluate() }
        try core.add(1, owner: 1)
        #expect(try core.rows(of: core.items).count == 1)
    }
}

/// Procedures of guests, which begin and end their transactions themselves.
@Suite struct GuestProcedureTests {
    private static func insert(_ id: UInt64, _ transaction: TransactionReference) throws {
        let guest = GuestTransaction(transaction)
        let row = id.bsatn() + id.bsatn() + "x".bsatn()
        try row.withUnsafeBytes { _ = try guest.insert($0, into: guest.table(named: "item")) }
    }

    private func ids(_ core: DatabaseCore) throws -> [UInt64] {
        try core.rows(of: core.items).map { try UInt64(bsatn: Array($0[..<8])) }.sorted()
    }

    private func open(
        _ module: AllKinds, sink: (any CommitSink)? = nil, _ failures: FailureList = FailureList()
    ) throws -> DatabaseCore {
        var options = OpeningOptions(name: "test")
        options.owner = testOwner
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        options.sink = sink
        options.procedures.onFailure = { failures.add($0) }
        return try DatabaseCore.open(.memory, module: module, options: options).core
    }

    private final class FailureList: Sendable {
        private let list = Mutex<[String]>([])
        var texts: [String] { list.withLock { $0 } }
        func add(_ failure: ProcedureFailure) { list.withLock { $0.append("\(failure.name): \(failure.error)") } }
    }

    @Test func transactionsAreCommittedAndRolledBackOneByOne() async throws {
        let core = try open(
            AllKinds(procedure: { guest in
                try Self.insert(1, guest.begin())
                try guest.commit()
                try Self.insert(2, guest.begin())
                try guest.rollBack()
                let third = try guest.begin()
                try Self.insert(3, third)
                let nested = #expect(throws: DatabaseError.self) { try guest.begin() }
                #expect(nested?.code == .nestedTransaction)
                try guest.commit()
                #expect(throws: DatabaseError.self) { try guest.commit() }
                #expect(throws: DatabaseError.self) { try guest.rollBack() }
                #expect(throws: DatabaseError.self) { try Self.insert(4, third) }
                return UInt64(3).bsatn()
            }))
        #expect(try await core.procedures.call("act", arguments: [], as: stranger) == UInt64(3).bsatn())
        #expect(try ids(core) == [1, 3])
    }

    @Test(arguments: [false, true]) func whatIsOpenAtTheEndIsRolledBackAndToldOf(_ throwing: Bool) async throws {
        let failures = FailureList()
        let core = try open(
            AllKinds(procedure: { guest in
                try Self.insert(1, guest.begin())
                if throwing { throw SenderError("on the way") }
                return []
            }), failures)
        _ = try? await core.procedures.call("act", arguments: [], as: stranger)
        #expect(try ids(core) == [])
        #expect(failures.texts.count == 1)
        #expect(failures.texts[0].hasPrefix("act: transactionEnded: the procedure ended with a transaction open"))
        // The lock is free.
        try core.add(1, owner: 1)
    }

    @Test func theLogSaysWhichProcedureCommitted() async throws {
        let sink = FunctionSink()
        let core = try open(
            AllKinds(procedure: { guest in
                try Self.insert(1, guest.begin())
                try guest.commit()
                return []
            }), sink: sink)
        _ = try await core.procedures.call("act", arguments: [], as: stranger)
        let response = await core.handle(HTTP.Request(.put, "/web"))
        #expect(response == HTTP.Response(status: 201, text: "PUT 0"))
        try core.add(2, owner: 1)
        #expect(
            sink.lines == [
                "creation nil \(testOwner)", "procedure 0 \(stranger.identity)", "reducer 0 \(testOwner)",
            ])
        #expect(try core.runner.lastOffset() == TxOffset(2), "a transaction that changes nothing is no commit")
    }

    private final class FunctionSink: CommitSink {
        private let kept = Mutex<[String]>([])
        var lines: [String] { kept.withLock { $0 } }
        func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
            guard let record = try? CommitRecord(record) else { return }
            let function = record.function.map(String.init) ?? "nil"
            let line = "\(record.kind) \(function) \(record.caller.map { "\($0.identity)" } ?? "owner")"
            kept.withLock { $0.append(line) }
        }
    }
}
