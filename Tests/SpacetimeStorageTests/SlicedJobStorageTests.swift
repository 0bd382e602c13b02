import SpacetimeKit
import SpacetimeTesting
import Testing

@Table(name: "tree") struct Tree: Equatable {
    @PrimaryKey var id: UInt32
    var rings: UInt32
}

@Module enum Forest {
    static let tables = Tables(Tree.self)

    @Reducer static func plant(_ context: borrowing Context, count: UInt32) throws {
        for id in 0..<count { try context.db.tree.insert(Tree(id: id, rings: 0)) }
    }

    @Reducer(.sliced(within: .hours(1))) static func grow(_ context: borrowing Context, tree: Tree) throws {
        try context.db.tree.id.update(Tree(id: tree.id, rings: tree.rings + 1))
    }
}

/// Sliced jobs over restarts and crashes.
@Suite struct SlicedJobStorageTests {
    private func open(_ disk: SimulatedDisk, _ clock: VirtualClock) throws -> Database<Forest> {
        var options = DatabaseOptions()
        options.clock = clock
        options.seed = 1
        return try Database.open(.directory("forest", .simulated(disk)), module: Forest.self, options: options)
    }

    private func rings(_ database: Database<Forest>) throws -> [UInt32] {
        try database.read { $0.tree.rows.sorted { $0.id < $1.id }.map(\.rings) }
    }

    @Test func aRestartGoesOnWhereTheJobWas() throws {
        let disk = SimulatedDisk()
        let clock = VirtualClock()
        let first = try open(disk, clock)
        try first.call(Forest.plant, 90)
        clock.advance(by: .minutes(27))
        let before = try rings(first)
        #expect(before.count { $0 == 1 } >= 44 && before.count { $0 == 1 } <= 46)
        try first.close()
        clock.advance(by: .minutes(9))
        let second = try open(disk, clock)
        clock.advance(by: .zero)
        #expect((59...61).contains(try rings(second).count { $0 == 1 }), "what fell into the pause is made up for")
        clock.advance(by: .minutes(18))
        #expect(try rings(second) == Array(repeating: 1, count: 90))
        try second.close()
        // Between two passes it waits for the next.
        let third = try open(disk, clock)
        clock.advance(by: .minutes(5))
        #expect(try rings(third) == Array(repeating: 1, count: 90))
        clock.advance(by: .minutes(61))
        #expect(try rings(third) == Array(repeating: 2, count: 90))
        #expect(try third.scheduleReport().jobs.map(\.passCount) == [1])
    }

    @Test func aCallIsReplayedFromTheLog() throws {
        let disk = SimulatedDisk()
        let clock = VirtualClock()
        let database = try open(disk, clock)
        try database.call(Forest.plant, 3)
        clock.advance(by: .hours(1))
        // The creation, the planting, three calls, the end of the pass.
        #expect(try database.lastOffset() >= TxOffset(5))
        try database.close()
        let report = try Database<Forest>.replay(TxOffset(3), at: "forest", module: Forest.self, disk: disk)
        #expect(report.reducer == "grow")
        #expect(report.differences == [])
    }

    @Test func whereverThePowerFailsEachRowIsCalledOnceInThePass() throws {
        func workload(_ disk: SimulatedDisk) -> UInt32 {
            let clock = VirtualClock()
            guard let database = try? open(disk, clock), (try? database.call(Forest.plant, 12, until: .durable)) != nil
            else { return 0 }
            clock.advance(by: .minutes(40))
            try? database.flush()
            return 12
        }
        let whole = SimulatedDisk()
        #expect(workload(whole) == 12)
        for operation in 0..<whole.operationCount {
            let loss = SimulatedDisk.Loss.allCases[operation % SimulatedDisk.Loss.allCases.count]
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = operation
            let disk = SimulatedDisk(faults: faults)
            let planted = workload(disk)
            let clock = VirtualClock(start: VirtualClock().now() + .minutes(40))
            let database = try open(disk.afterPowerLoss(loss, seed: UInt64(operation)), clock)
            clock.advance(by: .minutes(19))
            let rings = try rings(database)
            #expect(rings.count >= planted)
            #expect(rings.allSatisfy { $0 == 1 }, "operation \(operation), losing \(loss): \(rings)")
        }
    }
}
