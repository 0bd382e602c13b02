import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

/// Durable procedures over crashes, restarts and changed code.
@Suite struct DurableProcedureTests {
    private let shop = OrderShop()
    private let disk = SimulatedDisk()
    private let clock = VirtualClock()
    private let failures = Failures()

    private final class Failures: Sendable {
        private let list = Mutex<[ProcedureFailure]>([])
        var texts: [String] { list.withLock { $0.map { "\($0.name): \($0.error)" } } }
        func add(_ failure: ProcedureFailure) { list.withLock { $0.append(failure) } }
    }

    private func open(
        _ version: OrderShop.Version = .first, on disk: SimulatedDisk? = nil, shop: OrderShop? = nil,
        clock: VirtualClock? = nil
    ) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.seed = 7
        options.clock = clock ?? self.clock
        options.onProcedureFailure = { [failures] in failures.add($0) }
        return try Database.open(
            .directory("orders", .simulated(disk ?? self.disk)), module: (shop ?? self.shop).module(version),
            options: options)
    }

    /// Starts an order and returns when it sleeps before its last step.
    private func startOrder(_ id: UInt64, in database: Database<DynamicModule>) async throws {
        let fulfil = shop.fulfil()
        Task { try await database.call(fulfil, id) }
        while try await database.durableCalls().isEmpty { await Task.yield() }
        await database.core.procedures.settle()
    }

    private func entries(_ database: Database<DynamicModule>) async throws -> [String] {
        try await database.read { db in
            db.table(LedgerEntry.self).rows.sorted { $0.id < $1.id }.map { "\($0.order) \($0.what)" }
        }
    }

    private static let beforeShipping = ["charge", "enter", "pack", "pack", "pack"]

    @Test func aCallRunsToItsEndAndLeavesNothing() async throws {
        let database = try open()
        try await startOrder(5, in: database)
        let pending = try await database.durableCalls()
        #expect(pending.map(\.steps) == [Self.beforeShipping])
        #expect(pending.map(\.procedure) == ["fulfil"])
        #expect(pending.map(\.caller) == [database.owner])
        #expect(pending[0].problem == nil)
        clock.advance(by: .hours(1))
        await database.core.procedures.settle()
        #expect(try await database.durableCalls().isEmpty)
        #expect(try await entries(database) == ["5 entered", "5 shipped"])
        #expect(shop.shipping.count("charge 5") == 1)
    }

    @Test func theCallerGetsTheResult() async throws {
        let database = try open()
        let fulfil = shop.fulfil()
        let order = Task { try await database.call(fulfil, 5) }
        while try await database.durableCalls().isEmpty { await Task.yield() }
        await database.core.procedures.settle()
        clock.advance(by: .hours(2))
        #expect(try await order.value == 1)
    }

    @Test func cancellingTheCallerLeavesItAlone() async throws {
        let database = try open()
        let fulfil = shop.fulfil()
        let order = Task { try await database.call(fulfil, 5) }
        while try await database.durableCalls().isEmpty { await Task.yield() }
        await database.core.procedures.settle()
        order.cancel()
        clock.advance(by: .hours(2))
        #expect(try await order.value == 1)
    }

    @Test func afterARestartItGoesOnBehindTheLastStep() async throws {
        let first = try open()
        try await startOrder(5, in: first)
        let effects = shop.shipping.effects
        #expect(effects.count == 4)
        try await first.close()
        clock.advance(by: .minutes(30))
        let second = try open()
        await second.core.procedures.settle()
        #expect(try await second.durableCalls().map(\.steps) == [Self.beforeShipping])
        clock.advance(by: .minutes(29))
        await second.core.procedures.settle()
        #expect(try await second.durableCalls().count == 1, "it sleeps until the time that it had reckoned")
        clock.advance(by: .minutes(1))
        await second.core.procedures.settle()
        #expect(try await second.durableCalls().isEmpty)
        #expect(try await entries(second) == ["5 entered", "5 shipped"])
        #expect(shop.shipping.effects == effects, "nothing that was finished happened again")
        #expect(failures.texts == [])
        // And once it is over it stays so.
        try await second.close()
        let third = try open()
        await third.core.procedures.settle()
        #expect(try await third.durableCalls().isEmpty)
        #expect(try await entries(third) == ["5 entered", "5 shipped"])
    }

    @Test func snapshotsAndRetentionKeepWhatIsPending() async throws {
        let first = try open()
        try await startOrder(5, in: first)
        for _ in 0..<3 {
            for _ in 0..<200 {
                try await first.call("schedule", arguments: ScheduleAt.time(.testStart + .days(9)).bsatn())
            }
            try await first.takeSnapshot()
        }
        try await first.close()
        let second = try open()
        await second.core.procedures.settle()
        #expect(try await second.durableCalls().map(\.steps) == [Self.beforeShipping])
    }

    @Test func aResumedCallDrawsTheSameNumbers() async throws {
        // The last step is lost, so it runs again: with what it was given the first time.
        let first = try open()
        try await startOrder(5, in: first)
        let packed = shop.shipping.effects.filter { $0.hasPrefix("pack 5.3") }
        let last = try first.lastOffset()
        try await first.close()
        try await Database<DynamicModule>.restore(
            from: "orders", to: "before", upTo: TxOffset(last.rawValue - 1), disk: disk)
        var options = DatabaseOptions()
        options.clock = clock
        let again = try await Database.open(
            .directory("before", .simulated(disk)), module: shop.module(), options: options)
        await again.core.procedures.settle()
        #expect(try await again.durableCalls().map(\.steps) == [Self.beforeShipping])
        #expect(shop.shipping.effects.filter { $0.hasPrefix("pack 5.3") } == packed + packed)
    }

    // MARK: Failing steps

    @Test func aFailedStepKeepsNothingAndEndsTheCallIfItsErrorDoes() async throws {
        let database = try open()
        shop.shipping.fail("charge 5", times: 1)
        let error = await #expect(throws: SenderError.self) { try await database.call(shop.fulfil(), 5) }
        #expect(error?.message == "charge 5 failed")
        #expect(try await database.durableCalls().isEmpty)
        #expect(try await entries(database) == [])
    }

    @Test func aStepMayBeTriedAgain() async throws {
        let shipping = shop.shipping
        shipping.fail("load", times: 2)
        let patient = Procedure("patient", .durable) {
            (context: ProcedureContext<DynamicModule>) async throws -> UInt32 in
            for attempt in UInt32(1)... {
                do {
                    try await context.step("load") { _ = try shipping.act("load") }
                    return attempt
                } catch is SenderError { continue }
            }
            return 0
        }
        let database = try await Database.open(
            .inMemory,
            module: Module("patient") {
                Table(Order.self)
                patient
            })
        #expect(try await database.call(patient) == 3)
        #expect(shipping.effects == ["load"])
    }

    @Test func stepsOfOneCallDoNotRunAtOnceAndNeedADurableOne() async throws {
        @Sendable func body(_ context: ProcedureContext<DynamicModule>) async throws -> NoValue {
            try await context.step("outer") { try await context.step("inner") {} }
            return NoValue()
        }
        let durable = Procedure("durable", .durable) { (context: ProcedureContext<DynamicModule>) async throws in
            try await body(context)
        }
        let plain = Procedure("plain") { (context: ProcedureContext<DynamicModule>) async throws in
            try await body(context)
        }
        let database = try await Database.open(
            .inMemory,
            module: Module("steps") {
                Table(Order.self)
                durable
                plain
            })
        let two = await #expect(throws: DatabaseError.self) { try await database.call(durable) }
        #expect(two?.code == .notPossible)
        #expect(two?.message.contains("'inner' was begun while the step 'outer' was running") == true)
        let none = await #expect(throws: DatabaseError.self) { try await database.call(plain) }
        #expect(none?.message.contains("make it durable: @Procedure(.durable)") == true)
        #expect(try await database.durableCalls().isEmpty)
    }

    // MARK: Changed code

    @Test(
        arguments: [
            (.renamedStep, "step 2 of the interrupted call was 'enter', and is 'note it'"),
            (.fewerSteps, "step 3 of the interrupted call was 'pack', to which the code as it is now does not come"),
            (.otherArgument, "its arguments are of other types now"),
            (.otherResult, "the result of step 'charge' is not of the type that the code says"),
            (.gone, "the module has no durable procedure of that name"),
            (.notDurable, "the module has no durable procedure of that name"),
        ] as [(OrderShop.Version, String)])
    func aCallThatNoLongerFitsTheCodeWaitsForCodeThatDoes(_ version: OrderShop.Version, _ reason: String) async throws {
        let first = try open()
        try await startOrder(5, in: first)
        let effects = shop.shipping.effects
        try await first.close()
        let changed = try open(version)
        await changed.core.procedures.settle()
        let pending = try await changed.durableCalls()
        #expect(pending.map(\.steps) == [Self.beforeShipping], "nothing is lost")
        let problem = try #require(pending.first?.problem as? DatabaseError)
        #expect(problem.code == .stepMismatch)
        #expect(problem.message.contains(reason))
        #expect(failures.texts == ["fulfil: \(problem)"])
        #expect(shop.shipping.effects == effects)
        #expect(try await entries(changed) == ["5 entered"])
        try await changed.close()
        // With the right code it goes on.
        let right = try open()
        clock.advance(by: .hours(2))
        await right.core.procedures.settle()
        #expect(try await right.durableCalls().isEmpty)
        #expect(try await entries(right) == ["5 entered", "5 shipped"])
    }

    @Test func aCallCanBeRemoved() async throws {
        let database = try open()
        try await startOrder(5, in: database)
        let id = try #require(try await database.durableCalls().first?.id)
        #expect(try await database.removeDurableCall(id))
        #expect(try await !database.removeDurableCall(id))
        #expect(database.core.procedures.runningCount == 0)
        try await database.close()
        let again = try open()
        clock.advance(by: .hours(2))
        await again.core.procedures.settle()
        #expect(try await entries(again) == ["5 entered"])
    }

    // MARK: The tables

    @Test func aDatabaseThatHadNoneGetsTheTablesAndKeepsThem() async throws {
        let before = try open(.gone)
        try await before.call("schedule", arguments: ScheduleAt.time(.testStart + .days(9)).bsatn())
        try await before.close()
        for round in 0..<3 {
            let database = try open(round == 1 ? .gone : .first)
            #expect(try await database.read { $0.table(DueOrder.self).count } == 1)
            if round == 0 { try await startOrder(5, in: database) }
            await database.core.procedures.settle()
            #expect(try await database.durableCalls().count == 1)
            try await database.close()
        }
        #expect(try await Database<DynamicModule>.verify("orders", disk: disk).isEmpty == false)
    }

    // MARK: Schedules

    @Test func aScheduledCallIsBegunExactlyOnce() async throws {
        let first = try open()
        try await first.call("schedule", arguments: ScheduleAt.time(clock.now() + .seconds(10)).bsatn())
        clock.advance(by: .seconds(10))
        await first.core.procedures.settle()
        #expect(try await first.read { $0.table(DueOrder.self).count } == 0)
        #expect(try await first.durableCalls().map(\.steps) == [["announce"]])
        try await first.close()
        let second = try open()
        clock.advance(by: .hours(1))
        await second.core.procedures.settle()
        #expect(try await second.durableCalls().isEmpty)
        #expect(shop.shipping.effects == ["announce 1", "deliver 1"])
    }

    // MARK: Crashes

    /// Orders one after the other, until the disk fails. Returns those that were said to be done.
    private func workload(on disk: SimulatedDisk, _ shop: OrderShop) async -> Set<UInt64> {
        var done: Set<UInt64> = []
        let clock = VirtualClock()
        guard let database = try? open(on: disk, shop: shop, clock: clock) else { return done }
        let fulfil = shop.fulfil()
        for order in UInt64(1)...4 {
            let ending = Ending()
            let call = Task {
                defer { ending.isOver = true }
                return try await database.call(fulfil, order, until: .durable)
            }
            // It ends, or sleeps, or never began.
            while !ending.isOver, database.core.procedures.runningCount == 0 { await Task.yield() }
            await database.core.procedures.settle()
            clock.advance(by: .hours(1))
            if (try? await call.value) != nil { done.insert(order) }
        }
        return done
    }

    private final class Ending: Sendable {
        private let value = Mutex(false)
        var isOver: Bool {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    @Test func whereverThePowerFailsEachOrderIsChargedAndShippedOnce() async throws {
        let whole = SimulatedDisk()
        let shop = OrderShop()
        #expect(await workload(on: whole, shop) == [1, 2, 3, 4])
        let operations = whole.operationCount
        #expect(operations > 60)
        var resumed = 0
        for operation in 0..<operations {
            let loss = SimulatedDisk.Loss.allCases[operation % SimulatedDisk.Loss.allCases.count]
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = operation
            let disk = SimulatedDisk(faults: faults)
            let shop = OrderShop()
            let done = await workload(on: disk, shop)
            let after = disk.afterPowerLoss(loss, seed: UInt64(operation))
            let charged = shop.shipping.effects
            // The clock was set back, so that calls that slept sleep on, and can be counted.
            let clock = VirtualClock()
            let database = try open(on: after, shop: shop, clock: clock)
            await database.core.procedures.settle()
            resumed += try await database.durableCalls().count
            clock.advance(by: .hours(6))
            await database.core.procedures.settle()
            #expect(try await database.durableCalls().isEmpty)
            let rows = try await database.read { Array($0.table(Order.self).rows) }
            let place = Comment("operation \(operation), losing \(loss): \(shop.shipping.effects)")
            for order in done { #expect(rows.contains { $0.id == order }, place) }
            for order in UInt64(1)...4 where charged.contains("charge \(order)") {
                #expect(rows.contains { $0.id == order }, "a call whose step had an effect goes on; \(place)")
            }
            for row in rows {
                // Whatever step ran twice, one result of it is used everywhere.
                #expect(shop.shipping.effects[Int(row.charge) - 1] == "charge \(row.id)", place)
                #expect(row.parts == [1, 2, 3], place)
                for part in 1...3 {
                    #expect(
                        Set(shop.shipping.effects.filter { $0.hasPrefix("pack \(row.id).\(part)") }).count == 1, place)
                }
                #expect(shop.shipping.count("charge \(row.id)") <= 2, place)
            }
            #expect(
                try await entries(database) == rows.map(\.id).sorted().flatMap { ["\($0) entered", "\($0) shipped"] },
                place)
            try await database.close()
        }
        #expect(resumed > 10)
    }
}
