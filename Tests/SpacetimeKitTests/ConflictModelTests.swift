import SpacetimeKit
import Testing

/// Random inserts that meet conflicts, and changes by key, against a list of rows that does the same naively.
@Suite struct ConflictModelTests {
    /// Few numbers, names and places, so that most rows collide with some other.
    private static func guest(_ random: inout some RandomNumberGenerator) -> Guest {
        Guest(
            id: .random(in: 1...6, using: &random), name: "guest \(UInt8.random(in: 1...6, using: &random))",
            row: .random(in: 1...2, using: &random), seat: .random(in: 1...3, using: &random))
    }

    private static func collide(_ left: Guest, _ right: Guest) -> Bool {
        left.id == right.id || left.name == right.name || (left.row, left.seat) == (right.row, right.seat)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func tablesAndListsAgree(seed: UInt64) throws {
        let module = Module("guests") {
            Table(Guest.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let table = context.table(Guest.self)
                var random = context.random
                var model: [Guest] = []
                for step in 0..<500 {
                    try Self.step(table, &model, &random)
                    let rows = table.rows.sorted { $0.id < $1.id }
                    try #require(rows == model.sorted { $0.id < $1.id }, "seed \(seed), step \(step)")
                    for guest in model {
                        let isFound =
                            table.id.find(guest.id) == guest && table.name.find(guest.name) == guest
                            && table.onePerPlace.find(guest.row, guest.seat) == guest
                        try #require(isFound, "seed \(seed), step \(step)")
                    }
                }
            }
        }
        var options = DatabaseOptions()
        options.seed = seed
        options.clock = VirtualClock()
        let db = try Database.open(.inMemory, module: module, options: options)
        try db.call("run", arguments: [])
    }

    private static func step(
        _ table: Guest.Handle, _ model: inout [Guest], _ random: inout some RandomNumberGenerator
    ) throws {
        let new = guest(&random)
        let others = model.filter { collide($0, new) }
        switch UInt8.random(in: 0..<4, using: &random) {
        case 0:
            #expect(try table.insert(new, onConflict: .ignore) == (others.isEmpty ? .inserted(new) : .unchanged))
            if others.isEmpty { model.append(new) }
        case 1:
            let outcome = try table.insert(new, onConflict: .replace)
            if model.contains(new) {
                #expect(outcome == .unchanged)
            } else {
                #expect(outcome == (others.isEmpty ? .inserted(new) : .replaced(by: new, deleted: others.count)))
                model.removeAll { collide($0, new) }
                model.append(new)
            }
        case 2:
            // The row of the name becomes the new one, number and place included, unless those belong to others.
            let position = model.firstIndex { $0.name == new.name }
            let isFree = !model.contains { $0.name != new.name && collide($0, new) }
            do {
                try table.name.update(new.name) { $0 = new }
                #expect(position != nil && isFree)
                if let position { model[position] = new }
            } catch let error as DatabaseError {
                #expect(error.code == (position == nil ? .noSuchRow : .uniqueViolation))
                #expect(position == nil || !isFree)
            }
        default:
            #expect(
                try table.onePerPlace.delete(new.row, new.seat)
                    == model.contains { ($0.row, $0.seat) == (new.row, new.seat) })
            model.removeAll { ($0.row, $0.seat) == (new.row, new.seat) }
        }
    }
}
