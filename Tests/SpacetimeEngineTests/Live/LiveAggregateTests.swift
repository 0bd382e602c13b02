import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Rows of which some have gone and others have come.
extension [[UInt8]] {
    func applying(_ changes: RowChanges) throws -> [[UInt8]] {
        var counts = reduce(into: [[UInt8]: Int]()) { $0[$1, default: 0] += 1 }
        for row in changes.deletes.rows {
            let count = counts[row, default: 0]
            guard count > 0 else { throw InvariantViolation("a row goes that is not there") }
            counts[row] = count - 1
        }
        let inserts = changes.inserts.rows
        for row in inserts {
            if changes.deletes.rows.contains(row) { throw InvariantViolation("a row goes and comes") }
            counts[row, default: 0] += 1
        }
        return counts.flatMap { Array(repeating: $0, count: $1) }.sortedBytes()
    }
}

/// A table of random columns, changed by random transactions.
struct LiveTable {
    let datastore = Datastore()
    let id: TableID
    let schema: TableSchema
    /// What is in the table.
    var rows: [Row] = []

    init(_ random: inout SplitMix64, columns: [(String, AlgebraicType)]? = nil, indexes: [IndexSchema] = []) throws {
        let columns =
            columns
            ?? [("id", .u64)] + (0..<2 + random.below(4)).map { ("c\($0)", random.type(depth: random.below(3))) }
        id = try datastore.make("live", columns, primaryKey: [0], indexes: indexes, unique: [[0]])
        schema = try #require(datastore.schema(of: id))
    }

    /// A path to a field somewhere in the rows.
    func path(_ random: inout SplitMix64) -> (path: FieldPath, type: AlgebraicType) {
        let column = random.below(schema.columns.count)
        var path = FieldPath(ColumnID(column))
        var type = schema.columns[column].type
        while !random.oneIn(3) {
            switch type {
            case .product(let product) where !product.elements.isEmpty:
                let field = random.below(product.elements.count)
                path.steps.append(.field(field))
                type = product.elements[field].algebraicType
            case .sum(let sum) where !sum.variants.isEmpty:
                let tag = random.below(sum.variants.count)
                path.steps.append(.payload(UInt8(tag)))
                type = sum.variants[tag].algebraicType
            default: return (path, type)
            }
        }
        return (path, type)
    }

    /// Runs a transaction of some inserts, deletes and updates, and returns what it did to the table.
    mutating func change(_ random: inout SplitMix64, upTo count: Int, domain: Int = 6) throws -> TableChanges {
        datastore.begin()
        for _ in 0..<1 + random.below(count) {
            let isFull = rows.count > 60 && random.oneIn(2)
            if rows.isEmpty || random.oneIn(2) && !isFull {
                let row = self.row(UInt64(random.below(200)), &random, domain)
                if rows.contains(where: { $0[0] == row[0] }) { continue }
                try datastore.insert(id, row)
                rows.append(row)
            } else {
                let position = random.below(rows.count)
                if random.oneIn(2) {
                    try datastore.deleteRow(id, rows[position])
                    rows.remove(at: position)
                } else {
                    guard case .u64(let key) = rows[position][0] else { continue }
                    let row = self.row(key, &random, domain)
                    try datastore.update(datastore.index(id), row)
                    rows[position] = row
                }
            }
        }
        return datastore.commit(collecting: .all)?[id] ?? TableChanges(table: id)
    }

    private func row(_ key: UInt64, _ random: inout SplitMix64, _ domain: Int) -> Row {
        [.u64(key)] + schema.columns.dropFirst().map { random.value(of: $0.type, domain: domain) }
    }
}

@Suite struct LiveAggregateTests {
    /// What is at the end of a path; nil if the row has another case there.
    private func value(_ path: FieldPath, _ row: Row) -> AlgebraicValue? {
        var value = row[path.column.index]
        for step in path.steps {
            switch (step, value) {
            case (.field(let position), .product(let fields)): value = fields[position]
            case (.payload(let tag), .sum(let found, let payload)):
                if tag != found { return nil }
                value = payload
            default: return nil
            }
        }
        return value
    }

    /// Random tables, aggregates and transactions: after each commit the maintained rows are those that computing them anew
    /// gives, and the changes lead from the rows before to the rows after.
    @Test(arguments: 0..<10)
    func resultsFollowTheTable(_ round: Int) throws {
        var random = seededRandom("live aggregates \(round)")
        for _ in 0..<6 {
            var table = try LiveTable(&random)
            let keys = (0..<random.below(3)).map { _ in table.path(&random) }
            let inputs = (0..<1 + random.below(3)).map { _ in table.path(&random) }
            let outputs = (0..<1 + random.below(4)).map { _ in
                let input = random.below(inputs.count)
                let functions = QueryAggregate.Function.allCases.filter {
                    $0.result(of: inputs[input].type, isNullable: false, isGrouped: true) != nil
                }
                return AggregateShape.Output(
                    functions[random.below(functions.count)], of: input, isDistinct: random.oneIn(4))
            }
            // Some rows are there before.
            _ = try table.change(&random, upTo: 20)
            func make() throws -> LiveAggregate {
                try LiveAggregate(by: keys.map(\.path), of: inputs.map(\.path), outputs, for: table.schema)
            }
            func computed() throws -> [[UInt8]] {
                var model = try AggregateModel(
                    keys: keys.map {
                        $0.path.isTotal || $0.type.optionPayload != nil ? $0.type : .option($0.type)
                    }, inputs: inputs.map { AggregateShape.Input($0.type, isNullable: !$0.path.isTotal) },
                    outputs: outputs)
                for row in table.rows {
                    let key: [AlgebraicValue] = keys.map { key in
                        let found = value(key.path, row)
                        if key.path.isTotal { return found ?? .unit }
                        if key.type.optionPayload != nil { return found ?? .none }
                        return found.map { .some($0) } ?? .none
                    }
                    model.rows.append(AggregateModel.ModelRow(key: key, values: inputs.map { value($0.path, row) }))
                }
                return model.results()
            }
            let live = try make()
            for row in table.rows { image(row).withUnsafeBytes { live.fill($0) } }
            var rows = live.rows().rows.sortedBytes()
            #expect(try rows == computed())
            for _ in 0..<25 {
                let changes = try table.change(&random, upTo: 8)
                rows = try rows.applying(live.apply(deletes: changes.deletes, inserts: changes.inserts))
                let expected = try computed()
                #expect(rows == expected, "keys \(keys), inputs \(inputs), outputs \(outputs)")
                #expect(live.rows().rows.sortedBytes() == expected)
                try live.checkInvariants()
            }
        }
    }

    private func totals(_ output: LiveAggregate.Output? = nil, by keys: [FieldPath] = []) throws -> LiveAggregate {
        let schema = TableSchema(name: "score", columns: [("room", .u32), ("points", .i64)], primaryKey: [])
        return try LiveAggregate(
            by: keys, of: [FieldPath(ColumnID(1))], [.init(.count), .init(.sum, of: 0)], for: schema, output: output)
    }

    private func batch(_ rows: [Row]) -> RowBatch {
        rows.reduce(into: RowBatch()) { batch, row in image(row).withUnsafeBytes { batch.append($0) } }
    }

    @Test func anAggregateOfAllRowsAlwaysHasOneRow() throws {
        let totals = try totals()
        let none = image([.u64(0), .none])
        #expect(totals.rows().rows == [none])
        let row: Row = [.u32(1), .i64(-5)]
        let first = totals.apply(deletes: RowBatch(), inserts: batch([row]))
        #expect(first.deletes.rows == [none] && first.inserts.rows == [image([.u64(1), .some(.i128(-5))])])
        let second = totals.apply(deletes: batch([row]), inserts: RowBatch())
        #expect(second.inserts.rows == [none] && totals.rows().rows == [none])
    }

    @Test func groupsComeAndGo() throws {
        let totals = try totals(by: [FieldPath(ColumnID(0))])
        #expect(totals.rows().isEmpty)
        let row: Row = [.u32(7), .i64(3)]
        let come = totals.apply(deletes: RowBatch(), inserts: batch([row, [.u32(7), .i64(4)]]))
        #expect(come.deletes.isEmpty && come.inserts.rows == [image([.u32(7), .u64(2), .i128(7)])])
        // What cancels out within a commit is not told.
        let moved = totals.apply(deletes: batch([row]), inserts: batch([row]))
        #expect(moved.isEmpty)
        let gone = totals.apply(deletes: batch([row, [.u32(7), .i64(4)]]), inserts: RowBatch())
        #expect(gone.inserts.isEmpty && gone.deletes.count == 1 && totals.groupCount == 0)
        // A row of a group that is not there is none of its rows.
        #expect(totals.apply(deletes: batch([row]), inserts: RowBatch()).isEmpty)
    }

    @Test func theOwnerSaysWhatIsHandedOut() throws {
        // HAVING COUNT(*) > 1, and the room alone.
        let totals = try totals(
            { row, output in
                output += row[..<4]
                return row[4] > 1
            }, by: [FieldPath(ColumnID(0))])
        #expect(totals.apply(deletes: RowBatch(), inserts: batch([[.u32(1), .i64(1)]])).isEmpty)
        let second = totals.apply(deletes: RowBatch(), inserts: batch([[.u32(1), .i64(2)]]))
        #expect(second.inserts.rows == [image([.u32(1)])] && second.deletes.isEmpty)
        // The sum changes, which is not shown.
        #expect(totals.apply(deletes: RowBatch(), inserts: batch([[.u32(1), .i64(9)]])).isEmpty)
        #expect(totals.rows().rows == [image([.u32(1)])])
    }

    @Test func whatIsNotThereIsRefused() throws {
        let schema = TableSchema(name: "score", columns: [("room", .string)], primaryKey: [])
        #expect(throws: EngineError.self) {
            try LiveAggregate(by: [FieldPath(ColumnID(4))], of: [], [.init(.count)], for: schema)
        }
        #expect(throws: EngineError.self) {
            try LiveAggregate(by: [], of: [FieldPath(ColumnID(0))], [.init(.sum, of: 0)], for: schema)
        }
    }
}
