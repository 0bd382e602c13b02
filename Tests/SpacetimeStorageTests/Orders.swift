import SpacetimeKit
import Synchronization

@Table(name: "order") struct Order: Equatable {
    @PrimaryKey var id: UInt64
    var charge: UInt64
    var parts: [UInt32]
}

@Table(name: "ledger_entry") struct LedgerEntry: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var order: UInt64
    var what: String
}

@Table(name: "due_order") struct DueOrder: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

/// The world outside of the database, which no crash undoes.
final class Shipping: Sendable {
    private struct State {
        var effects: [String] = []
        /// Effects that fail, so many times.
        var failing: [String: Int] = [:]
        var holding: (name: String, release: AsyncStream<Void>)?
    }

    private let state = Mutex(State())

    var effects: [String] { state.withLock { $0.effects } }
    func count(_ effect: String) -> Int { effects.count { $0 == effect } }
    func fail(_ effect: String, times: Int) { state.withLock { $0.failing[effect] = times } }

    /// Something happens outside. Returns a number that is another one each time.
    func act(_ effect: String) throws -> UInt64 {
        try state.withLock { state in
            if let left = state.failing[effect], left > 0 {
                state.failing[effect] = left - 1
                throw SenderError("\(effect) failed")
            }
            state.effects.append(effect)
            return UInt64(state.effects.count)
        }
    }
}

/// A shop whose orders are durable procedures, in several versions of its code.
struct OrderShop {
    enum Version {
        case first
        /// The second step has another name.
        case renamedStep
        /// The last steps are gone.
        case fewerSteps
        /// The procedure takes another argument.
        case otherArgument
        /// The step's result is of another type.
        case otherResult
        /// There is no such procedure, and none that is durable.
        case gone
        /// The same name, but nothing of it is kept.
        case notDurable
    }

    let shipping = Shipping()

    func fulfil(_ version: Version = .first) -> Procedure<DynamicModule, UInt64, UInt64> {
        let shipping = shipping
        return Procedure("fulfil", parameters: ["order"], .durable) {
            (context: ProcedureContext<DynamicModule>, order: UInt64) async throws -> UInt64 in
            let charge = try await context.step("charge") { try shipping.act("charge \(order)") }
            try await context.transactionStep(version == .renamedStep ? "note it" : "enter") { context in
                try context.table(Order.self).insert(Order(id: order, charge: charge, parts: []))
                try context.table(LedgerEntry.self).insert(LedgerEntry(id: 0, order: order, what: "entered"))
            }
            if version == .fewerSteps { return charge }
            for part in UInt32(1)...3 {
                let dice = UInt32.random(in: 0..<1_000, using: &context.random)
                try await context.step("pack") { _ = try shipping.act("pack \(order).\(part) \(dice)") }
            }
            try await context.sleep(until: context.timestamp + .hours(1))
            return try await context.transactionStep("ship") { context in
                guard var row = context.table(Order.self).id.find(order) else { throw SenderError("no order") }
                row.parts = [1, 2, 3]
                try context.table(Order.self).id.update(row)
                try context.table(LedgerEntry.self).insert(LedgerEntry(id: 0, order: order, what: "shipped"))
                return row.charge
            }
        }
    }

    func module(_ version: Version = .first) -> Module {
        let shipping = shipping
        return Module("orders") {
            Table(Order.self)
            Table(LedgerEntry.self)
            Table(DueOrder.self)
            Reducer("schedule", parameters: ["when"]) { (context: borrowing ReducerContext, when: ScheduleAt) in
                try context.table(DueOrder.self).insert(DueOrder(id: 0, when: when))
            }
            switch version {
            case .gone:
                Procedure("due", .scheduled) {
                    (context: ProcedureContext<DynamicModule>, row: DueOrder) async throws in NoValue()
                }
            default:
                Procedure("due", parameters: ["row"], .scheduled, .durable) {
                    (context: ProcedureContext<DynamicModule>, row: DueOrder) async throws in
                    try await context.step("announce") { _ = try shipping.act("announce \(row.id)") }
                    try await context.sleep(until: context.timestamp + .hours(1))
                    try await context.step("deliver") { _ = try shipping.act("deliver \(row.id)") }
                    return NoValue()
                }
            }
            switch version {
            case .gone: Reducer("nothing") { (context: borrowing ReducerContext) in }
            case .otherArgument:
                Procedure("fulfil", .durable) {
                    (context: ProcedureContext<DynamicModule>, order: String) async throws in NoValue()
                }
            case .otherResult:
                Procedure("fulfil", .durable) {
                    (context: ProcedureContext<DynamicModule>, order: UInt64) async throws in
                    _ = try await context.step("charge") { () async throws -> String in "paid" }
                    return NoValue()
                }
            case .notDurable:
                Procedure("fulfil") { (context: ProcedureContext<DynamicModule>, order: UInt64) async throws in
                    NoValue()
                }
            default: fulfil(version)
            }
        }
    }
}
