import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeHost

/// Scans of snapshots that several threads do together.
@Suite struct ScanSharingTests {
    /// Each piece is got once, in order, whoever makes it.
    @Test(.timeLimit(.minutes(10)), arguments: [0, 1, 3]) func piecesComeInOrder(helperCount: Int) {
        let helpers = ScanHelpers(count: helperCount)
        let madeByHelpers = Atomic(0)
        let work = ScanWork<Int>(400, helpers) { number, _ in
            madeByHelpers.wrappingAdd(1, ordering: .relaxed)
            return number * number
        }
        var squares: [Int] = []
        for number in 0..<400 { squares.append(work.take(number) ?? number * number) }
        work.end()
        #expect(squares == (0..<400).map { $0 * $0 })
        #expect(helpers.threadCount <= helperCount)
        if helperCount == 0 { #expect(madeByHelpers.load(ordering: .relaxed) == 0) }
    }

    /// A helper that gets no time holds up nobody: what it has begun is done by whoever needs it.
    @Test(.timeLimit(.minutes(10))) func whoAsksDoesNotWaitForAHelper() {
        let helpers = ScanHelpers(count: 1)
        let hasBegun = Atomic(false)
        let isHeld = Atomic(true)
        let work = ScanWork<Int>(60, helpers) { number, _ in
            if number == 0 {
                hasBegun.store(true, ordering: .releasing)
                while isHeld.load(ordering: .acquiring) {}
            }
            return -number
        }
        helpers.ask(1, toHelp: work)
        while !hasBegun.load(ordering: .acquiring) {}
        #expect(work.take(0) == nil)
        #expect((1..<60).allSatisfy { (work.take($0) ?? -$0) == -$0 })
        work.end()
        // And other works are done without it.
        let other = ScanWork<Int>(60, helpers) { number, _ in number }
        #expect((0..<60).allSatisfy { other.take($0) == nil })
        other.end()
        isHeld.store(false, ordering: .releasing)
    }

    /// Helpers stop when whoever asked does not want any more.
    @Test(.timeLimit(.minutes(10))) func helpersStopWithTheScan() {
        let helpers = ScanHelpers(count: 2)
        let running = Atomic(0)
        let stopped = Atomic(0)
        let work = ScanWork<Int>(1_000, helpers) { number, isOver in
            running.wrappingAdd(1, ordering: .relaxed)
            while !isOver() {}
            stopped.wrappingAdd(1, ordering: .relaxed)
            return number
        }
        helpers.ask(2, toHelp: work)
        while running.load(ordering: .relaxed) < 2 {}
        work.end()
        while stopped.load(ordering: .relaxed) < 2 {}
        #expect(running.load(ordering: .relaxed) == 2)
        // They help with the next one.
        let next = ScanWork<Int>(50, helpers) { number, _ in number }
        #expect((0..<50).allSatisfy { (next.take($0) ?? $0) == $0 })
        next.end()
        #expect(helpers.threadCount <= 2)
    }

    /// Threads that nobody asks for end.
    @Test(.timeLimit(.minutes(10))) func idleHelpersEnd() {
        let helpers = ScanHelpers(count: 2, idleTime: .milliseconds(5))
        let work = ScanWork<Int>(10, helpers) { number, _ in number }
        for number in 0..<10 { _ = work.take(number) }
        work.end()
        while helpers.threadCount > 0 {}
        let next = ScanWork<Int>(10, helpers) { number, _ in number }
        #expect((0..<10).allSatisfy { (next.take($0) ?? $0) == $0 })
        next.end()
    }

    // MARK: Queries

    private static let sharing = ScanSharing(helpers: ScanHelpers(count: 2), pageCount: 1, leastPieces: 2)

    /// A table of some thirty pages.
    private static func snapshot() throws -> (Datastore, TableID, DatastoreSnapshot) {
        let datastore = Datastore()
        let table = try datastore.createTable(
            TableSchema(
                name: "item",
                columns: [ColumnSchema(name: "id", type: .u64), ColumnSchema(name: "n", type: .u32)]))
        datastore.begin()
        for id in 0..<100_000 as Range<UInt64> {
            var row = id.bsatn() + UInt32(id % 97).bsatn()
            _ = try row.withUnsafeMutableBytes { try datastore.insert(table, row: $0) }
        }
        _ = datastore.commit(collecting: .none)
        return (datastore, table, datastore.snapshot())
    }

    private static func plan(
        _ table: TableID, _ datastore: Datastore, where condition: RowPredicate
    ) throws -> CompiledPlan {
        try CompiledPlan(
            Plan(steps: [Plan.Step(slot: 0, table: table, filter: condition)], output: .rows(slot: 0)), for: datastore)
    }

    private static let isThree = RowPredicate.compare(ColumnID(1), .equal, UInt32(3).bsatn())

    @Test(.timeLimit(.minutes(10))) func aSharedScanGivesWhatOneThreadFinds() throws {
        let (datastore, table, snapshot) = try Self.snapshot()
        let runner = PlanRunner(try Self.plan(table, datastore, where: Self.isThree))
        for _ in 0..<20 {
            var (alone, shared, found) = (RowBatch(), RowBatch(), RowBatch())
            try runner.run(over: snapshot) { row, _ in alone.append(row) }
            let cost = runner.cost
            try runner.run(
                over: snapshot, binding: [], budget: QueryBudget(), shouldStop: nil, Self.sharing
            ) { row, _ in shared.append(row) }
            #expect(shared == alone && runner.cost == cost && alone.count == 1_031)
            let compiled = try CompiledPredicate(Self.isThree, for: try #require(snapshot.schema(of: table)))
            snapshot.forEachRow(of: table, where: compiled, sharing: Self.sharing) { found.append($0) }
            #expect(found == alone)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSharedScanKeepsToItsBudgetAndStops() throws {
        let (datastore, table, snapshot) = try Self.snapshot()
        let runner = PlanRunner(try Self.plan(table, datastore, where: .all))
        #expect(throws: EngineError.budgetExceeded(what: "rows to look at", limit: 40_000)) {
            try runner.run(
                over: snapshot, binding: [], budget: QueryBudget(rowsExamined: 40_000), shouldStop: nil, Self.sharing
            ) { _, _ in }
        }
        let asked = Atomic(0)
        #expect(throws: EngineError.queryStopped) {
            try runner.run(
                over: snapshot, binding: [], budget: QueryBudget(),
                shouldStop: { asked.wrappingAdd(1, ordering: .relaxed).newValue > 3 }, Self.sharing
            ) { _, _ in }
        }
        // A sink that has enough.
        var count = 0
        try runner.run(
            over: snapshot, binding: [], budget: QueryBudget(), shouldStop: nil, Self.sharing
        ) { _, _ in
            count += 1
            if count == 50_000 { runner.stop() }
        }
        #expect(count == 50_000)
        let most = try CompiledPredicate(
            .compare(ColumnID(1), .less, UInt32(90).bsatn()), for: try #require(snapshot.schema(of: table)))
        count = 0
        snapshot.forEachRow(of: table, where: most, sharing: Self.sharing, while: { count < 10 }) { _ in count += 1 }
        #expect(count > 9 && count < 20_000)
        struct Enough: Error {}
        count = 0
        #expect(throws: Enough.self) {
            try snapshot.forEachRow(of: table, where: most, sharing: Self.sharing) { _ throws(Enough) in
                count += 1
                if count == 50_000 { throw Enough() }
            }
        }
        #expect(count == 50_000)
    }
}
