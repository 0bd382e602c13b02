import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

@Suite struct ByteModuleTests {
    private func item(_ id: UInt64, _ name: String) -> [UInt8] { id.bsatn() + name.bsatn() }

    @Test func aModuleWithoutSwiftTypesInsertsAndScans() throws {
        let core = try open(.items())
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
        #expect(try core.rows(of: core.items) == [item(1, "apple"), item(2, "pear")])
        try core.runner.call("rename", arguments: UInt64(1).bsatn() + "plum".bsatn(), as: core.owner)
        #expect(try core.rows(of: core.items).contains(item(1, "plum")))
    }

    @Test func aFailedCallLeavesNoTrace() throws {
        let core = try open(.items())
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        let offset = try core.runner.lastOffset()
        #expect(throws: SenderError("failed on purpose")) {
            try core.runner.call("fail", arguments: [], as: core.owner)
        }
        #expect(try core.rows(of: core.items) == [item(1, "apple")])
        #expect(try core.runner.lastOffset() == offset)
    }

    @Test func malformedRowsAreRefused() throws {
        let core = try open(.items())
        let error = #expect(throws: DatabaseError.self) {
            try core.runner.call("malformed", arguments: [], as: core.owner)
        }
        #expect(error?.code == .malformedRow)
    }

    @Test func reducersAreCalledByPositionToo() throws {
        let core = try open(.items())
        #expect(try core.runner.call(0, arguments: "apple".bsatn(), as: core.owner) == TxOffset(1))
        #expect(throws: DatabaseError.self) { try core.runner.call(99, arguments: [], as: core.owner) }
        #expect(throws: DatabaseError.self) { try core.runner.call(-1, arguments: [], as: core.owner) }
    }

    @Test func aCallThatChangesNothingTakesNoOffset() throws {
        let core = try open(.items())
        #expect(try core.runner.call("nothing", arguments: [], as: core.owner) == TxOffset(0))
        #expect(try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner) == TxOffset(1))
        #expect(try core.runner.call("nothing", arguments: [], as: core.owner) == TxOffset(1))
    }

    @Test func aQueryGetsItsRowsAndThenOneUpdatePerCommit() throws {
        let core = try open(.items())
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        let sink = RecordingQuerySink()
        let token = try core.subscriptions.subscribe(core.items, where: .all, as: core.owner, sink: sink)
        try core.runner.call("rename", arguments: UInt64(1).bsatn() + "plum".bsatn(), as: core.owner)
        try core.runner.call("nothing", arguments: [], as: core.owner)
        #expect(throws: SenderError.self) { try core.runner.call("fail", arguments: [], as: core.owner) }
        let updates = sink.updates
        #expect(updates.map(\.isInitial) == [true, false])
        #expect(updates[0].inserts.bytes == item(1, "apple"))
        #expect(updates[1].deletes.bytes == item(1, "apple"))
        #expect(updates[1].inserts.bytes == item(1, "plum"))
        #expect(updates[1].updatedRows() == [.init(deleted: 0, inserted: 0)])
        token.cancel()
        try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
        #expect(sink.updates.count == 2)
    }

    @Test func equalQueriesShareOneUpdate() throws {
        let core = try open(.items())
        let predicate = RowPredicate.compare(1, .equal, "apple".bsatn())
        let (first, second) = (RecordingQuerySink(), RecordingQuerySink())
        let tokens = [
            try core.subscriptions.subscribe(core.items, where: predicate, as: core.owner, sink: first),
            try core.subscriptions.subscribe(core.items, where: predicate, as: core.owner, sink: second),
        ]
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
        #expect(first.updates.count == 2 && second.updates.count == 2)
        #expect(first.updates[1] === second.updates[1])
        for token in tokens { token.cancel() }
    }

    @Test func aPredicateThatDoesNotFitTheTableIsRefused() throws {
        let core = try open(.items())
        let sink = RecordingQuerySink()
        #expect(throws: DatabaseError.self) {
            try core.subscriptions.subscribe(core.items, where: .compare(9, .equal, [0]), as: core.owner, sink: sink)
        }
        #expect(throws: DatabaseError.self) {
            try core.subscriptions.subscribe(core.items, where: .compare(0, .equal, [0]), as: core.owner, sink: sink)
        }
        // The lock was released each time.
        try core.runner.call("nothing", arguments: [], as: core.owner)
        #expect(sink.updates.isEmpty)
    }

    @Test func privateReducersAreForTheOwner() throws {
        let table = RawTableDefV10(sourceName: "t", productTypeRef: 0)
        let definition = RawModuleDefV10(sections: [
            .typespace(Typespace([.product(ProductType([("a", .u8)]))])),
            .types([RawTypeDef(scope: [], sourceName: "T", ref: 0, customOrdering: true)]),
            .tables([table]), .reducers([RawReducerDefV10(sourceName: "secret", visibility: .private)]),
        ])
        final class Secret: ModuleHost {
            let definition: RawModuleDefV10
            init(_ definition: RawModuleDefV10) { self.definition = definition }
            func describe() throws(DatabaseError) -> RawModuleDefV10 { definition }
            func callReducer(
                _ reducer: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
            ) throws {}
        }
        let core = try open(any: Secret(definition))
        try core.runner.call("secret", arguments: [], as: core.owner)
        let stranger = Caller(identity: Identity(number: UInt256(9)))
        let error = #expect(throws: DatabaseError.self) { try core.runner.call("secret", arguments: [], as: stranger) }
        #expect(error?.code == .noSuchReducer)
    }

    @Test func aDefinitionThatBreaksRulesIsRefusedWithItsErrors() {
        let broken = ByteModule(
            tables: [RawTableDefV10(sourceName: "", productTypeRef: 5)], types: [], reducers: [])
        let error = #expect(throws: DatabaseError.self) { try open(broken) }
        #expect(error?.code == .invalidModule)
    }
}
