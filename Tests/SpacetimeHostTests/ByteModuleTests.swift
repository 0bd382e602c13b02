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
        let client = FakeSession(core)
        try client.subscribe(1, SessionQuery(core.items))
        #expect(client.rows(1) == [item(1, "apple")])
        try core.runner.call("rename", arguments: UInt64(1).bsatn() + "plum".bsatn(), as: core.owner)
        try core.runner.call("nothing", arguments: [], as: core.owner)
        #expect(throws: SenderError.self) { try core.runner.call("fail", arguments: [], as: core.owner) }
        let updates = client.updates
        #expect(updates.count == 1 && updates[0].changes.count == 1)
        let delta = updates[0].changes[0].delta
        #expect(delta.deletes.bytes == item(1, "apple"))
        #expect(delta.inserts.bytes == item(1, "plum"))
        #expect(delta.updatedRows() == [.init(deleted: 0, inserted: 0)])
        client.unsubscribe(1)
        try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
        #expect(client.updates.count == 1)
    }

    @Test func equalQueriesShareOneUpdate() throws {
        let core = try open(.items())
        let predicate = RowPredicate.compare(1, .equal, "apple".bsatn())
        let (first, second) = (FakeSession(core), FakeSession(core))
        for client in [first, second] { try client.subscribe(7, SessionQuery(core.items, where: predicate)) }
        #expect(try core.sessions.queryCount() == 1)
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
        #expect(first.updates.count == 1 && second.updates.count == 1)
        #expect(first.updates[0].changes[0].delta === second.updates[0].changes[0].delta)
    }

    @Test func aPredicateThatDoesNotFitTheTableIsRefused() throws {
        let core = try open(.items())
        let client = FakeSession(core)
        #expect(throws: DatabaseError.self) {
            try client.subscribe(1, SessionQuery(core.items, where: .compare(9, .equal, [0])))
        }
        #expect(throws: DatabaseError.self) {
            try client.subscribe(1, SessionQuery(core.items, where: .compare(0, .equal, [0])))
        }
        // The lock was released each time.
        try core.runner.call("nothing", arguments: [], as: core.owner)
        #expect(client.pull().isEmpty)
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
            func call(
                _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
            ) throws -> Outcome { .done }
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
