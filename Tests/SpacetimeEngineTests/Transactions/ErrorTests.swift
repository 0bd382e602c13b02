import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct ErrorTests {
    let datastore = Datastore()
    let table: TableID

    init() throws {
        table = try datastore.createTable(
            TableSchema(
                name: "person",
                columns: [
                    ("id", .u64), ("first", .string), ("last", .string), ("born", .i32), ("owner", .identity),
                ],
                primaryKey: [0],
                indexes: [
                    IndexSchema(name: "by_id", columns: [0]), IndexSchema(name: "by_names", columns: [1, 2]),
                    IndexSchema(name: "by_born", columns: [3]),
                    IndexSchema(name: "by_owner", algorithm: .hash, columns: [4]),
                ],
                uniqueConstraints: [
                    UniqueConstraintSchema(name: "one_id", columns: [0]),
                    UniqueConstraintSchema(name: "one_name", columns: [2, 1]),
                    UniqueConstraintSchema(name: "one_owner", columns: [4]),
                ]))
        try datastore.transact { _ = try datastore.insert(table, Self.row(1)) }
    }

    private static func row(_ id: UInt64, first: String = "Ada", last: String = "L", owner: UInt128 = 5) -> Row {
        [.u64(id), .string(first), .string(last), .i32(-3), .product([.u256(UInt256(owner))])]
    }

    private func error(_ body: () throws -> Void) -> EngineError? {
        if case .failure(let error) = outcome(body) { error } else { nil }
    }

    @Test func violationsNameTableConstraintColumnsAndValue() throws {
        datastore.begin()
        #expect(
            error { try datastore.insert(table, Self.row(1, first: "B")) }
                == .uniqueViolation(table: "person", constraint: "one_id", columns: ["id"], key: "id = 1"))
        #expect(
            error { try datastore.insert(table, Self.row(2)) }
                == .uniqueViolation(
                    table: "person", constraint: "one_name", columns: ["first", "last"],
                    key: "first = \"Ada\", last = \"L\""))
        guard
            case .uniqueViolation("person", "one_owner", ["owner"], let key) = error({
                try datastore.insert(table, Self.row(2, first: "B"))
            })
        else {
            Issue.record("the owner was accepted")
            return
        }
        #expect(key == "owner = " + String(repeating: "0", count: 63) + "5")
        #expect(datastore.count(table) == 1 && !datastore.hasChanges)
        try datastore.checkInvariants()
        datastore.commit()
    }

    @Test func anIdenticalRowIsNoViolation() throws {
        try datastore.transact { () throws in #expect(try !datastore.insert(table, Self.row(1))) }
    }

    @Test func aRefusedUpdateChangesNothing() throws {
        try datastore.transact {
            try datastore.insert(table, Self.row(2, first: "Bob", owner: 6))
            #expect(
                error { try datastore.update(datastore.index(table), Self.row(2, first: "Ada", owner: 6)) }
                    == .uniqueViolation(
                        table: "person", constraint: "one_name", columns: ["first", "last"],
                        key: "first = \"Ada\", last = \"L\""))
            #expect(
                error { try datastore.update(datastore.index(table), Self.row(77)) }
                    == .noSuchRow(table: "person", index: "by_id", key: "id = 77"))
            #expect(try datastore.find(datastore.index(table), [.u64(2)]) == image(Self.row(2, first: "Bob", owner: 6)))
        }
        try datastore.checkInvariants()
    }

    @Test func onlyUniqueIndexesFindAndUpdate() throws {
        let born = datastore.index(table, 2)
        datastore.begin()
        #expect(error { try datastore.update(born, Self.row(1)) } == .indexNotUnique(index: "by_born"))
        #expect(error { _ = try datastore.find(born, [.i32(1)]) } == .indexNotUnique(index: "by_born"))
        datastore.commit()
    }

    @Test func malformedKeysAreRefusedEverywhere() throws {
        let id = datastore.index(table)
        let names = datastore.index(table, 1)
        datastore.begin()
        for index in [id, names] {
            for key in [[], [1], [9, 0, 0, 0, 65], [UInt8](repeating: 1, count: 9)] {
                func isMalformed(_ error: EngineError?) -> Bool {
                    if case .malformedKey = error { true } else { false }
                }
                key.withUnsafeBytes { bytes in
                    #expect(isMalformed(error { _ = try datastore.find(index, key: bytes) }))
                    #expect(isMalformed(error { _ = try datastore.delete(index, key: bytes) }))
                    #expect(isMalformed(error { _ = try datastore.count(index, key: bytes) }))
                    #expect(isMalformed(error { _ = try datastore.scan(index, key: bytes) }))
                }
                for range in [
                    IndexRange(lower: .included(key)), IndexRange(lower: .excluded(key)),
                    IndexRange(upper: .included(key)), IndexRange(upper: .excluded(key)),
                ] {
                    #expect(isMalformed(error { _ = try datastore.scan(index, range: range) }), "\(range)")
                    #expect(isMalformed(error { _ = try datastore.delete(index, range: range) }))
                }
            }
        }
        #expect(
            error { _ = try datastore.scan(names, range: IndexRange(prefix: [], prefixColumns: 2)) }
                == .tooManyPrefixColumns(index: "by_names", given: 2, limit: 1))
        #expect(
            error { _ = try datastore.scan(names, range: IndexRange(prefix: [], prefixColumns: -1)) }
                == .tooManyPrefixColumns(index: "by_names", given: -1, limit: 1))
        #expect(
            error { _ = try datastore.scan(datastore.index(table, 3), range: .all) }
                == .rangeOnHashIndex(index: "by_owner"))
        datastore.commit()
    }

    @Test func idsThatNobodyHasAreRefused() throws {
        datastore.begin()
        #expect(error { try datastore.insert(TableID(7), [.u8(1)]) } == .noSuchTable("#7"))
        #expect(error { _ = try datastore.scan(TableID(7)) } == .noSuchTable("#7"))
        #expect(error { try datastore.delete(IndexID(70), [.u8(1)]) } == .noSuchIndex("#70"))
        #expect(datastore.count(TableID(7)) == 0 && datastore.schema(of: TableID(7)) == nil)
        #expect(datastore.indexIDs(of: TableID(7)).isEmpty)
        datastore.commit()
        try datastore.dropTable(table)
        #expect(error { _ = try datastore.scan(table) } == .noSuchTable("#0"))
        #expect(error { _ = try datastore.find(IndexID(0), [.u64(1)]) } == .noSuchIndex("#0"))
    }

    @Test func writingNeedsATransactionAndSchemasNeedNone() throws {
        func isState(_ error: EngineError?) -> Bool { if case .transactionState = error { true } else { false } }
        #expect(isState(error { try datastore.insert(table, Self.row(3)) }))
        #expect(isState(error { try datastore.update(datastore.index(table), Self.row(1)) }))
        #expect(isState(error { try datastore.delete(datastore.index(table), [.u64(1)]) }))
        #expect(isState(error { try datastore.deleteRow(table, Self.row(1)) }))
        #expect(isState(error { _ = try datastore.clear(table) }))
        datastore.begin()
        #expect(isState(error { _ = try datastore.make("new", [("a", .u8)]) }))
        #expect(isState(error { try datastore.dropTable(table) }))
        datastore.commit()
        #expect(datastore.count(table) == 1)
    }

    @Test func unsuitableSchemasAreRefused() {
        func isUnsupported(_ schema: TableSchema) -> Bool {
            if case .unsupportedSchema = error({ _ = try datastore.createTable(schema) }) { true } else { false }
        }
        let columns = [ColumnSchema(name: "a", type: .u8), ColumnSchema(name: "s", type: .string)]
        #expect(isUnsupported(TableSchema(name: "x", columns: [ColumnSchema(name: "a", type: .ref(0))])))
        #expect(
            isUnsupported(TableSchema(name: "x", columns: columns, indexes: [IndexSchema(name: "i", columns: [5])])))
        #expect(isUnsupported(TableSchema(name: "x", columns: columns, indexes: [IndexSchema(name: "i", columns: [])])))
        #expect(
            isUnsupported(TableSchema(name: "x", columns: columns, sequences: [SequenceSchema(name: "s", column: 1)])))
        #expect(
            isUnsupported(TableSchema(name: "x", columns: columns, sequences: [SequenceSchema(name: "s", column: 9)])))
        let constraint = UniqueConstraintSchema(name: "u", columns: [0])
        #expect(isUnsupported(TableSchema(name: "x", columns: columns, uniqueConstraints: [constraint])))
        #expect(datastore.tableIDs == [table])
    }

    @Test func predicatesOfWrongTypesAreRefused() {
        for predicate in [
            RowPredicate.compare(9, .equal, []), .compare(0, .equal, [1]),
            .and([.not(.compare(1, .less, [1, 0, 0, 0]))]),
            RowPredicate(.compareFields(FieldPath(0), .equal, FieldPath(1))), RowPredicate(.isPresent(FieldPath(9))),
            RowPredicate(.isPresent(FieldPath(0, [.field(0)]))), RowPredicate(.isPresent(FieldPath(1, [.payload(0)]))),
            RowPredicate(.hasPrefix(FieldPath(0), [1])),
            RowPredicate(.isIn(FieldPath(1), ValueList(count: 2, bytes: [0, 0, 0, 0]))),
            RowPredicate(.isIn(FieldPath(1), ValueList(count: 1, bytes: [0, 0, 0, 0, 0]))),
        ] {
            #expect(error { _ = try datastore.compile(predicate, for: table) } != nil, "\(predicate)")
        }
    }

    @Test func predicatesOfAnyDepthAreCompiled() throws {
        var deep = RowPredicate.compare(1, .equal, "x".bsatn())
        for number in 0..<20_000 { deep = number % 2 == 0 ? .not(.not(.not(deep))) : .or(.none, .and(.all, deep)) }
        let compiled = try datastore.compile(deep, for: table)
        try datastore.transact { () throws in #expect(try datastore.count(table, where: compiled) >= 0) }
    }

    @Test func aTableWithoutColumnsHoldsOneRow() throws {
        let empty = try datastore.make("empty", [])
        try datastore.transact { () throws in
            #expect(try datastore.insert(empty, []) && !datastore.insert(empty, []))
            #expect(try datastore.rows(empty) == [[]] && datastore.count(empty) == 1)
        }
        try datastore.checkInvariants()
        try datastore.transact { () throws in #expect(try datastore.deleteRow(empty, [])) }
        #expect(datastore.count(empty) == 0)
    }

    @Test func keysWithoutBytesAreUnique() throws {
        let unit = try datastore.make("unit", [("u", .unit)], primaryKey: [0])
        try datastore.transact { () throws in
            #expect(try datastore.insert(unit, [.unit]) && !datastore.insert(unit, [.unit]))
        }
        #expect(datastore.count(unit) == 1)
        try datastore.checkInvariants()
    }
}
