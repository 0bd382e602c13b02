import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Sorts rows of dynamic values as simply as can be.
private struct NaiveOrder {
    let terms: [RowOrder.Term]

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

    func isBefore(_ left: Row, _ right: Row) -> Bool {
        for term in terms {
            switch (value(term.path, left), value(term.path, right)) {
            case (nil, nil): continue
            case (nil, _): return term.isDescending
            case (_, nil): return !term.isDescending
            case (let value?, let other?):
                if value < other { return !term.isDescending }
                if other < value { return term.isDescending }
            }
        }
        return image(left).lexicographicallyPrecedes(image(right))
    }

    func sorted(_ rows: [Row]) -> [[UInt8]] { rows.sorted(by: isBefore).map { image($0) } }
}

@Suite struct LiveWindowsTests {
    private struct Followed {
        var id: LiveWindows.ID
        var offset: Int
        var limit: Int
        var rows: [[UInt8]]
    }

    private func expected(_ sorted: [[UInt8]], _ offset: Int, _ limit: Int) -> [[UInt8]] {
        let start = min(offset, sorted.count)
        return Array(sorted[start..<(limit > sorted.count - start ? sorted.count : start + limit)])
    }

    /// Follows a table through random commits, with windows that come and go.
    private func follow(
        _ table: inout LiveTable, _ windows: LiveWindows, _ order: NaiveOrder, _ random: inout SplitMix64,
        where holds: (Row) -> Bool = { _ in true }, predicate: CompiledPredicate? = nil
    ) throws {
        var followed: [Followed] = []
        func filtered(_ batch: RowBatch) -> RowBatch {
            var kept = RowBatch()
            batch.forEach { row in if predicate?.matches(row) ?? true { kept.append(row) } }
            return kept
        }
        for step in 0..<40 {
            var sorted = order.sorted(table.rows.filter(holds))
            if followed.isEmpty || random.oneIn(8) && followed.count < 5 {
                let offset = random.oneIn(2) ? 0 : random.below(12)
                let limit = random.oneIn(10) ? .max : random.below(random.oneIn(3) ? 40 : 6)
                let id = try windows.add(offset: offset, limit: limit, in: table.datastore)
                let rows = windows.rows(of: id).rows
                #expect(rows == expected(sorted, offset, limit))
                followed.append(Followed(id: id, offset: offset, limit: limit, rows: rows))
            } else if random.oneIn(12) {
                windows.remove(followed.remove(at: random.below(followed.count)).id)
            }
            let changes = try table.change(&random, upTo: step % 10 == 9 ? 60 : 5)
            let result = try windows.apply(
                deletes: filtered(changes.deletes), inserts: filtered(changes.inserts), in: table.datastore)
            try windows.checkInvariants()
            sorted = order.sorted(table.rows.filter(holds))
            for position in followed.indices {
                let window = followed[position]
                let rows = windows.rows(of: window.id).rows
                #expect(rows == expected(sorted, window.offset, window.limit), "step \(step), \(order.terms)")
                let told = result.first { $0.window == window.id }?.changes ?? RowChanges()
                #expect(try window.rows.applying(told) == rows.sortedBytes())
                let places = [
                    told.deletes.rows.compactMap { window.rows.firstIndex(of: $0) },
                    told.inserts.rows.compactMap { rows.firstIndex(of: $0) },
                ]
                for list in places { #expect(list == list.sorted(), "changes are not in the order of the window") }
                followed[position].rows = rows
            }
            #expect(result.allSatisfy { !$0.changes.isEmpty })
            #expect(windows.count == followed.count)
        }
    }

    /// Random tables, orders of several fields in both directions, windows and transactions: after each commit every window
    /// holds what sorting all rows gives, and its changes lead there.
    @Test(arguments: 0..<10)
    func windowsFollowTheTable(_ round: Int) throws {
        var random = seededRandom("windows over all rows \(round)")
        for _ in 0..<5 {
            var table = try LiveTable(&random)
            _ = try table.change(&random, upTo: 80)
            let terms = (0..<1 + random.below(3)).map { _ in
                RowOrder.Term(table.path(&random).path, isDescending: random.oneIn(2))
            }
            let windows = try LiveWindows(by: terms, for: table.schema)
            for row in table.rows { image(row).withUnsafeBytes { windows.fill($0) } }
            try follow(&table, windows, NaiveOrder(terms: terms), &random)
        }
    }

    /// The same with few rows kept, and the others found by an index on the first column of the order.
    @Test(arguments: 0..<10)
    func windowsAreRefilledFromAnIndex(_ round: Int) throws {
        var random = seededRandom("windows along an index \(round)")
        for _ in 0..<5 {
            let leading = random.type(depth: random.below(2))
            let index = IndexSchema(name: "by_leading", columns: [1])
            var table = try LiveTable(
                &random, columns: [("id", .u64), ("leading", leading), ("other", .string), ("more", .i8)],
                indexes: [IndexSchema(name: "by_id", columns: [0], isUnique: true), index])
            _ = try table.change(&random, upTo: 80)
            var terms = [RowOrder.Term(FieldPath(ColumnID(1)), isDescending: random.oneIn(2))]
            if random.oneIn(2) { terms.append(RowOrder.Term(table.path(&random).path, isDescending: random.oneIn(2))) }
            let few: RowPredicate = .compare(ColumnID(3), .less, [3])
            let isFiltered = random.oneIn(2)
            let predicate = isFiltered ? try table.datastore.compile(few, for: table.id) : nil
            let windows = try LiveWindows(
                by: terms, for: table.schema, following: .init(table.datastore.index(table.id, 1)), where: predicate,
                slack: 1 + random.below(4))
            try follow(
                &table, windows, NaiveOrder(terms: terms), &random,
                where: { row in if isFiltered, case .i8(let number) = row[3] { number < 3 } else { true } },
                predicate: predicate)
        }
    }

    /// Equal values before the first field of the order, as in `WHERE room = … ORDER BY sent`.
    @Test(arguments: 0..<5)
    func windowsFollowAPartOfAnIndex(_ round: Int) throws {
        var random = seededRandom("windows along a part of an index \(round)")
        for isDescending in [false, true] {
            var table = try LiveTable(
                &random, columns: [("id", .u64), ("room", .u8), ("sent", .f32)],
                indexes: [
                    IndexSchema(name: "by_id", columns: [0], isUnique: true),
                    IndexSchema(name: "by_room_and_time", columns: [1, 2]),
                ])
            _ = try table.change(&random, upTo: 80)
            let terms = [RowOrder.Term(FieldPath(ColumnID(2)), isDescending: isDescending)]
            let predicate = try table.datastore.compile(.compare(ColumnID(1), .equal, [2]), for: table.id)
            let windows = try LiveWindows(
                by: terms, for: table.schema,
                following: .init(table.datastore.index(table.id, 1), prefix: [2], prefixColumns: 1),
                where: predicate, slack: 2)
            try follow(
                &table, windows, NaiveOrder(terms: terms), &random, where: { $0[1] == .u8(2) }, predicate: predicate)
        }
    }

    private func scores(_ count: Int) throws -> (Datastore, TableID, IndexID) {
        let datastore = Datastore()
        let id = try datastore.make(
            "score", [("id", .u64), ("points", .u32)], primaryKey: [0],
            indexes: [
                IndexSchema(name: "by_id", columns: [0], isUnique: true), IndexSchema(name: "by_points", columns: [1]),
            ], unique: [[0]])
        try datastore.transact {
            for row in 0..<count { try datastore.insert(id, [.u64(UInt64(row)), .u32(UInt32(row / 3))]) }
        }
        return (datastore, id, datastore.index(id, 1))
    }

    @Test func fewRowsAreKeptBesideAnIndex() throws {
        let (datastore, id, index) = try scores(30_000)
        let schema = try #require(datastore.schema(of: id))
        let terms = [RowOrder.Term(FieldPath(ColumnID(1)), isDescending: true)]
        let windows = try LiveWindows(by: terms, for: schema, following: .init(index))
        let top = try windows.add(offset: 0, limit: 10, in: datastore)
        #expect(windows.keptCount >= 74 && windows.keptCount < 80)
        // The best of all leave one after the other.
        for row in (20_000..<30_000).reversed() {
            let changes = try datastore.transact {
                try datastore.deleteRow(id, [.u64(UInt64(row)), .u32(UInt32(row / 3))])
            }
            let table = try #require(changes?[id])
            _ = try windows.apply(deletes: table.deletes, inserts: table.inserts, in: datastore)
            #expect(windows.keptCount < 200)
        }
        #expect(windows.rows(of: top).rows.first == image([.u64(19_998), .u32(6_666)]))
        try windows.checkInvariants()
        // New best ones come.
        for row in 40_000..<41_000 {
            let changes = try datastore.transact { try datastore.insert(id, [.u64(UInt64(row)), .u32(UInt32(row))]) }
            let table = try #require(changes?[id])
            let result = try windows.apply(deletes: table.deletes, inserts: table.inserts, in: datastore)
            #expect(result.count == 1 && result[0].changes.inserts.count == 1 && result[0].changes.deletes.count == 1)
            #expect(windows.keptCount < 220)
        }
        try windows.checkInvariants()
    }

    @Test func rowsBehindTheWindowTellNothing() throws {
        let (datastore, id, index) = try scores(1_000)
        let schema = try #require(datastore.schema(of: id))
        let terms = [RowOrder.Term(FieldPath(ColumnID(1)))]
        for usesIndex in [true, false] {
            let windows = try LiveWindows(by: terms, for: schema, following: usesIndex ? .init(index) : nil)
            if !usesIndex { datastore.snapshot().forEachRow(of: id) { windows.fill($0) } }
            _ = try windows.add(offset: 5, limit: 10, in: datastore)
            var far = RowBatch()
            image([.u64(5_000), .u32(9_000)]).withUnsafeBytes { far.append($0) }
            #expect(try windows.apply(deletes: RowBatch(), inserts: far, in: datastore).isEmpty)
            #expect(try windows.apply(deletes: far, inserts: RowBatch(), in: datastore).isEmpty)
            // What is there is not taken in twice, and what is not there is not taken out.
            var first = RowBatch()
            image([.u64(0), .u32(0)]).withUnsafeBytes { first.append($0) }
            #expect(try windows.apply(deletes: RowBatch(), inserts: first, in: datastore).isEmpty)
            #expect(try windows.apply(deletes: far, inserts: RowBatch(), in: datastore).isEmpty)
            try windows.checkInvariants()
        }
    }

    /// The result rows of an aggregate are rows as any others: the three best teams.
    @Test func aWindowFollowsAnAggregate() throws {
        var random = seededRandom()
        let scores = TableSchema(name: "score", columns: [("team", .u8), ("points", .i32)], primaryKey: [])
        let totals = try LiveAggregate(
            by: [FieldPath(ColumnID(0))], of: [FieldPath(ColumnID(1))], [.init(.sum, of: 0)], for: scores)
        let results = TableSchema(
            name: "total", columns: [("team", totals.resultTypes[0]), ("sum", totals.resultTypes[1])], primaryKey: [])
        let windows = try LiveWindows(by: [.init(FieldPath(ColumnID(1)), isDescending: true)], for: results)
        let datastore = Datastore()
        let best = try windows.add(offset: 0, limit: 3, in: datastore)
        var rows: [Row] = []
        func batch(_ rows: [Row]) -> RowBatch {
            rows.reduce(into: RowBatch()) { batch, row in image(row).withUnsafeBytes { batch.append($0) } }
        }
        for _ in 0..<300 {
            let gone = rows.isEmpty || random.oneIn(2) ? [] : [rows.remove(at: random.below(rows.count))]
            let come: [Row] = [[.u8(UInt8(random.below(12))), .i32(Int32(random.below(2_000) - 900))]]
            rows += come
            let changes = totals.apply(deletes: batch(gone), inserts: batch(come))
            _ = try windows.apply(deletes: changes.deletes, inserts: changes.inserts, in: datastore)
            var sums: [UInt8: Int] = [:]
            for case (.u8(let team), .i32(let points)) in rows.map({ ($0[0], $0[1]) }) {
                sums[team, default: 0] += Int(points)
            }
            let expected = sums.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.prefix(3)
            let found = windows.rows(of: best).rows
            #expect(found == expected.map { image([.u8($0.key), .i128(Int128($0.value))]) })
        }
    }

    @Test func anIndexThatDoesNotFitIsRefused() throws {
        let (datastore, id, index) = try scores(10)
        let schema = try #require(datastore.schema(of: id))
        let byID = try LiveWindows(by: [.init(FieldPath(ColumnID(0)))], for: schema, following: .init(index))
        #expect(throws: EngineError.self) { try byID.add(offset: 0, limit: 1, in: datastore) }
        let optional = TableSchema(name: "score", columns: [("points", .option(.u32))], primaryKey: [])
        let path = FieldPath(ColumnID(0), [.payload(0)])
        #expect(throws: EngineError.self) { try LiveWindows(by: [.init(path)], for: optional, following: .init(index)) }
        #expect(throws: EngineError.self) { try LiveWindows(by: [.init(FieldPath(ColumnID(7)))], for: optional) }
    }

    @Test(arguments: [0, 1, 700, 20_000])
    func manyRowsAreSortedWhenFilledIn(_ count: Int) throws {
        var random = seededRandom("filling in \(count) rows")
        let schema = TableSchema(name: "score", columns: [("points", .u16), ("name", .string)], primaryKey: [])
        let terms = [RowOrder.Term(FieldPath(ColumnID(0)), isDescending: true), .init(FieldPath(ColumnID(1)))]
        let windows = try LiveWindows(by: terms, for: schema)
        let rows: [Row] = (0..<count).map { number in
            [.u16(UInt16(random.below(300))), .string("a name like many others \(random.below(count)) \(number)")]
        }
        for row in rows { image(row).withUnsafeBytes { windows.fill($0) } }
        let all = try windows.add(offset: 0, limit: .max, in: Datastore())
        let found = windows.rows(of: all).rows
        let order = NaiveOrder(terms: terms)
        #expect(found == order.sorted(rows))
        try windows.checkInvariants()
    }
}
