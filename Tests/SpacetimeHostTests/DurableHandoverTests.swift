import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeHost

/// Durable procedures that run while the module is replaced.
@Suite struct DurableHandoverTests {
    /// What the code of all versions does to the world, and where it waits.
    private final class World: Sendable {
        private struct State {
            var effects: [String] = []
            var waiting: [AsyncStream<Void>.Continuation] = []
        }

        private let state = Mutex(State())
        let begun = AsyncStream<Void>.makeStream()

        var effects: [String] { state.withLock { $0.effects } }
        func note(_ effect: String) { state.withLock { $0.effects.append(effect) } }

        /// Says that it is here, and waits until it is let go on; cancelling ends it.
        func pause() async throws {
            // One for each time, since a stream ends for all with whoever is cancelled.
            let gate = AsyncStream<Void>.makeStream()
            state.withLock { $0.waiting.append(gate.continuation) }
            begun.continuation.yield()
            for await _ in gate.stream { break }
            try Task.checkCancellation()
        }

        func goOn() { for gate in state.withLock({ $0.waiting }) { gate.yield() } }
    }

    private enum Pause { case nowhere, inSecondStep, betweenSteps }

    /// What a version of the module is: a table, and a durable procedure `order(number: u64) -> u64` of three steps.
    private struct Facts: Sendable {
        var name = "first"
        var procedure: String? = "order"
        var parameter = AlgebraicType.u64
        var pause = Pause.nowhere
        var hasColumn = false
    }

    private final class Shop: ModuleHost {
        private let world: World
        private let facts: Facts

        init(_ world: World, _ facts: Facts) {
            self.world = world
            self.facts = facts
        }

        var traits: ModuleTraits {
            var traits = ModuleTraits()
            if facts.procedure != nil { traits.durableProcedures = [0] }
            return traits
        }

        func describe() throws(DatabaseError) -> RawModuleDefV10 {
            let columns = [("id", .u64), ("name", .string)] + (facts.hasColumn ? [("level", AlgebraicType.u32)] : [])
            var item = ByteModule.itemTable
            if facts.hasColumn { item.defaultValues = [RawColumnDefaultValue(column: 2, value: UInt32(7).bsatn())] }
            return RawModuleDefV10(sections: [
                .typespace(Typespace([.product(columns)])), .types([RawTypeDef(sourceName: "Item", ref: 0)]),
                .tables([item]), .reducers([RawReducerDefV10(sourceName: "by_\(facts.name)")]),
                .procedures(
                    facts.procedure.map {
                        [
                            RawProcedureDefV10(
                                sourceName: $0, parameters: ProductType([("number", facts.parameter)]),
                                returnType: .u64,
                                visibility: .clientCallable)
                        ]
                    } ?? []),
            ])
        }

        func call(
            _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
        ) throws -> Outcome { .done }

        func call(_ function: Function, _ input: FunctionInput, by call: ProcedureCall) async throws -> Outcome {
            for step in 1...3 as ClosedRange<UInt64> {
                if step == 3, facts.pause == .betweenSteps { try await world.pause() }
                _ = try await call.step("step \(step)") {
                    if step == 2, facts.pause == .inSecondStep { try await world.pause() }
                    world.note("\(facts.name) \(step)")
                    return step.bsatn()
                }
            }
            return .value(UInt64(facts.name.utf8.count).bsatn())
        }
    }

    private let world = World()

    private func options() -> OpeningOptions {
        var options = OpeningOptions(name: "shop")
        options.owner = testOwner
        options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.seed = 1
        return options
    }

    private func open(_ facts: Facts) throws -> DatabaseCore {
        try DatabaseCore.open(.memory, module: Shop(world, facts), options: options()).core
    }

    private func update(_ core: DatabaseCore, to facts: Facts) throws -> DatabaseCore {
        let update = try ModuleUpdate(of: core, to: Shop(world, facts), program: nil, options: options())
        try update.rehearse()
        try update.prepare(mayBreakClients: true)
        return try update.commit { _ in }.core
    }

    /// A call that waits where the version says.
    private func order(_ core: DatabaseCore) async -> Task<UInt64, any Error> {
        let task = Task {
            try UInt64(bsatn: try await core.procedures.call("order", arguments: UInt64(5).bsatn(), as: core.owner))
        }
        for await _ in world.begun.stream { break }
        return task
    }

    // MARK: Going on

    /// Whoever waits for the call gets what the new module makes of it.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func aCallGoesOnInTheNewModuleBehindItsLastStep(tablesChange: Bool) async throws {
        let core = try open(Facts(pause: .betweenSteps))
        let result = await order(core)
        let new = try update(core, to: Facts(name: "second one", hasColumn: tablesChange))
        #expect(try await result.value == 10)
        #expect(world.effects == ["first 1", "first 2", "second one 3"])
        let left: [DurableCall] = try await new.procedures.durableCalls()
        #expect(left.isEmpty)
    }

    /// What a step does to the world is not done twice: it comes to its end in the old code, and counts.
    @Test(.timeLimit(.minutes(10))) func aStepThatRunsIsFinishedByTheOldCode() async throws {
        let core = try open(Facts(pause: .inSecondStep))
        let result = await order(core)
        let new = try update(core, to: Facts(name: "second"))
        let during: [DurableCall] = try await new.procedures.durableCalls()
        #expect(during.map(\.steps) == [["step 1"]])
        #expect(world.effects == ["first 1"])
        world.goOn()
        #expect(try await result.value == 6)
        #expect(world.effects == ["first 1", "first 2", "second 3"])
    }

    @Test(.timeLimit(.minutes(10))) func aCallPassesThroughSeveralModules() async throws {
        let core = try open(Facts(pause: .betweenSteps))
        let result = await order(core)
        let second = try update(core, to: Facts(name: "second", pause: .betweenSteps))
        for await _ in world.begun.stream { break }
        let third = try update(second, to: Facts(name: "third"))
        #expect(try await result.value == 5)
        #expect(world.effects == ["first 1", "first 2", "third 3"])
        let left: [DurableCall] = try await third.procedures.durableCalls()
        #expect(left.isEmpty)
    }

    /// It does not count as ended, since it goes on when the database is opened.
    @Test(.timeLimit(.minutes(1))) func aStepOfTheOldCodeEndsWithTheDatabase() async throws {
        let core = try open(Facts(pause: .inSecondStep))
        let result = await order(core)
        let new = try update(core, to: Facts(name: "second"))
        try await new.close()
        let error = await #expect(throws: DatabaseError.self) { try await result.value }
        #expect(error?.code == .closed)
        let left: [DurableCall] = try await new.procedures.durableCalls()
        #expect(left.map(\.steps) == [["step 1"]])
    }

    @Test(.timeLimit(.minutes(10))) func theNextCallIsTheNewModules() async throws {
        let core = try open(Facts())
        let new = try update(core, to: Facts(name: "second"))
        let result = try await new.procedures.call("order", arguments: UInt64(5).bsatn(), as: new.owner)
        #expect(try UInt64(bsatn: result) == 6)
        #expect(world.effects == ["second 1", "second 2", "second 3"])
    }

    /// A module that had none before makes its tables.
    @Test(.timeLimit(.minutes(10))) func durableProceduresMayComeWithAnUpdate() async throws {
        let core = try open(Facts(procedure: nil))
        let new = try update(core, to: Facts(name: "second"))
        let result = try await new.procedures.call("order", arguments: UInt64(5).bsatn(), as: new.owner)
        #expect(try UInt64(bsatn: result) == 6)
    }

    // MARK: Refusing

    @Test(.timeLimit(.minutes(10)), arguments: [0, 1, 2])
    func anUpdateThatACallCouldNotGoOnInIsRefused(kind: Int) async throws {
        let core = try open(Facts(pause: .betweenSteps))
        let result = await order(core)
        let (facts, reason) = [
            (Facts(procedure: nil), "there is no durable procedure of that name"),
            (Facts(procedure: "other"), "there is no durable procedure of that name"),
            (Facts(parameter: .string), "it has other parameters"),
        ][kind]
        let update = try ModuleUpdate(of: core, to: Shop(world, facts), program: nil, options: options())
        let planned = #expect(throws: DatabaseError.self) { try update.plan() }
        let error = #expect(throws: DatabaseError.self) { try update.prepare(mayBreakClients: true) }
        for error in [planned, error] {
            #expect(error?.code == .migrationRefused)
            #expect(error?.message.contains("- call 1 of 'order'") == true)
            #expect(error?.message.contains("after 2 steps: \(reason)") == true, "\(error?.message ?? "")")
        }
        world.goOn()
        #expect(try await result.value == 5)
        #expect(world.effects == ["first 1", "first 2", "first 3"])
    }
}
