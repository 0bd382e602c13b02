import SpacetimeKit
import SpacetimeTesting
import Testing

@Suite struct MigrationChainTests {
    /// Every release from which one may come, with every selection of the later ones: whoever skips releases is there too.
    static let paths: [[Int]] = (1...Release.last).flatMap { start in
        let between = Array((start + 1)..<max(start + 1, Release.last))
        return (0..<(1 << between.count)).map { bits in
            [start] + between.indices.filter { bits >> $0 & 1 == 1 }.map { between[$0] }
                + (start == Release.last ? [] : [Release.last])
        }
    }

    /// Goes through the releases, with rows that come and go in each.
    ///
    /// - Parameter empty: without any.
    private func walk(
        _ path: [Int], declares: Bool, snapshots: Bool, empty: Bool = false
    ) throws -> (SimulatedDisk, Population) {
        let disk = SimulatedDisk()
        var population = Population()
        for version in path {
            let database = try Release(version, declares: declares).open(disk)
            try database.checkInvariants()
            if !empty { try population.grow(database, version) }
            if snapshots { try database.takeSnapshot() }
            try database.close()
        }
        return (disk, population)
    }

    @Test(arguments: paths) func everyReleaseIsReachedFromEveryOther(path: [Int]) throws {
        for (declares, snapshots) in [(true, false), (true, true), (false, false), (false, true)] {
            let (disk, expected) = try walk(path, declares: declares, snapshots: snapshots)
            let last = try Release(Release.last, declares: declares).open(disk)
            let found = try Population.read(last)
            #expect(found.users == expected.users)
            #expect(found.tags == expected.tags)
            try last.checkInvariants()
        }
    }

    @Test(arguments: paths) func nothingDependsOnWhetherThereAreRows(path: [Int]) throws {
        for declares in [true, false] {
            let (disk, _) = try walk(path, declares: declares, snapshots: false, empty: true)
            let last = try Release(Release.last, declares: declares).open(disk)
            var expected = Population()
            try expected.grow(last, Release.last)
            #expect(try Population.read(last).users == expected.users)
            #expect(try Population.read(last).tags == expected.tags)
            try last.checkInvariants()
        }
    }

    @Test(arguments: 1..<Release.last) func thePastAndThePlanGoThroughAllSteps(start: Int) throws {
        let disk = SimulatedDisk()
        var population = Population()
        let first = try Release(start).open(disk)
        try population.grow(first, start)
        let offset = try first.lastOffset()
        let then = population
        try population.grow(first, start)
        try first.close()
        let last = Release(Release.last)
        let before = disk.paths.map { disk.contents($0) }
        let plan = try Database<DynamicModule>.plannedMigration(
            at: "app", module: last.module, migrations: last.migrations, disk: disk)
        #expect(plan?.written == last.migrations.map(\.name).suffix([0, 3, 2, 2, 1][start]))
        #expect(disk.paths.map { disk.contents($0) } == before)
        for migrated in [false, true] {
            if migrated { try last.open(disk).close() }
            let past = try Database.open(
                at: "app", asOf: offset, module: last.module, options: last.options, disk: disk)
            #expect(try Population.read(past).users == then.users)
        }
        #expect(
            try Database<DynamicModule>.plannedMigration(
                at: "app", module: last.module, migrations: last.migrations, disk: disk) == nil)
    }

    @Test func powerMayFailAnywhereInTheChain() throws {
        let (origin, expected) = try walk([1], declares: true, snapshots: false)
        let last = Release(Release.last)
        func open(_ fault: Int?) -> (SimulatedDisk, Int) {
            let disk = origin.afterPowerLoss(.nothing, seed: 0)
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = fault
            disk.setFaults(faults)
            try? last.open(disk).close()
            return (disk, disk.operationCount)
        }
        let operations = open(nil).1
        #expect(operations > 5)
        for operation in 0..<operations {
            for loss in SimulatedDisk.Loss.allCases {
                let disk = open(operation).0.afterPowerLoss(loss, seed: UInt64(operation))
                // It is the old database or the new one, never one in between.
                if operation.isMultiple(of: 2), let old = try? Release(1).open(disk) {
                    #expect(try old.snapshot().rows(V1.Person.all).count == expected.users.count)
                    try old.close()
                }
                let database = try last.open(disk)
                #expect(try Population.read(database).users == expected.users, "power off at \(operation), \(loss)")
                try database.checkInvariants()
            }
        }
    }

    @Test func aStepThatThrowsUndoesThoseBeforeIt() throws {
        struct Broken: Error {}
        let (disk, expected) = try walk([1], declares: true, snapshots: false)
        var options = Release(5).options
        options.migrations.insert(Migration("broken") { _, _ in throw Broken() }, at: 2)
        let error = #expect(throws: DatabaseError.self) {
            try Database.open(.directory("app", .simulated(disk)), module: Release(5).module, options: options)
        }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("'broken'") == true)
        let old = try Release(1).open(disk)
        #expect(try old.snapshot().rows(V1.Person.all).count == expected.users.count)
        try old.close()
        #expect(try Population.read(Release(5).open(disk)).users == expected.users)
    }

    @Test func eachStepSeesWhatTheOneBeforeLeft() throws {
        let (disk, expected) = try walk([1], declares: true, snapshots: false)
        var options = Release(4).options
        options.migrations = [
            Release.toV2,
            Migration("two at once") { old, new in
                #expect(!old.contains("person"))
                #expect(try old.rows(of: V2.User.self).count == expected.users.count)
                try Release.splitNames(old, &new)
                // What is inserted is not there before the next.
                #expect(try old.rows(of: V2.User.self).count == expected.users.count)
            },
            Migration("whole ages", to: Tables(V4.User.self, V3.Tag.self)) { old, new in
                #expect(!old.contains("note"))
                for var user in try old.rows(of: V4.User.self) {
                    user.age *= 100
                    try new.insert(user)
                }
            },
        ]
        let database = try Database.open(
            .directory("app", .simulated(disk)), module: Release(4).module, options: options)
        #expect(try database.snapshot().rows(V4.User.all).map(\.age) == expected.users.map { $0.age * 100 })
    }

    @Test func migrationsThatWereReleasedKeepTheirOrder() throws {
        let (disk, _) = try walk([2], declares: true, snapshots: false)
        var options = Release(2).options
        options.migrations = [Migration("late") { _, _ in }] + options.migrations
        let error = #expect(throws: DatabaseError.self) {
            try Database.open(.directory("app", .simulated(disk)), module: Release(2).module, options: options)
        }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("'late' stands before 'people are users'") == true)
    }

    @Test func anOlderReleaseIsToldOfTheNewer() throws {
        let (disk, expected) = try walk([1, 5], declares: true, snapshots: false)
        let error = #expect(throws: DatabaseError.self) { try Release(2).open(disk) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("does not list ('split the names', 'profiles and labels')") == true)
        #expect(try Population.read(Release(5).open(disk)).users == expected.users)
    }

    @Test func twoMigrationsOfOneNameAreRefused() throws {
        let module = Module("app") { Table(V1.Note.self) }
        var options = DatabaseOptions()
        options.migrations = [Migration("same") { _, _ in }, Migration("same") { _, _ in }]
        let disk = SimulatedDisk()
        for storage in [Storage.inMemory, .directory("app", .simulated(disk))] {
            let error = #expect(throws: DatabaseError.self) {
                try Database.open(storage, module: module, options: options)
            }
            #expect(error?.message.contains("two migrations are named 'same'") == true)
        }
        #expect(disk.paths.isEmpty)
    }

    @Test func renamesCopyNoRows() throws {
        let disk = SimulatedDisk()
        let first = try Release(1).open(disk)
        for n in 0..<2_000 as Range<UInt32> { try first.call("add", arguments: UInt8(1).bsatn() + n.bsatn()) }
        try first.close()
        let before = disk.byteCount
        let second = try Release(2).open(disk)
        #expect(try second.snapshot().rows(V2.User.all).count == 2_000)
        try second.close()
        #expect(disk.byteCount - before < 4_000)
    }
}
