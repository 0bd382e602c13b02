import SpacetimeEngine

/// Finds the order in which the tables of a query are gone through.
///
/// A few tables are tried in all orders (of those with the same tables in front only the cheapest is gone on with), more of
/// them one after the other by what comes cheapest next, and very many as the query has them. Outer joins come behind all
/// other tables, in the order of the query, which changes nothing in the result.
struct JoinOrder {
    let chooser: StepChooser

    private static let exhaustiveLimit = 6
    private static let greedyLimit = 24

    struct Result {
        var steps: [Plan.Step] = []
        /// Combinations behind the last step.
        var rows = 1.0
        var cost = 0.0

        func appending(_ choice: StepChoice) -> Result {
            var next = self
            next.steps.append(choice.step)
            next.cost += choice.total(rows)
            next.rows *= choice.rows
            return next
        }
    }

    /// - Parameters:
    ///   - first: a step that is taken before all others.
    ///   - source: where a table's rows are read.
    func steps(first: StepChoice? = nil, source: (Int) -> Plan.Source = { _ in .table }) -> Result {
        var result = Result()
        var bound = SlotSet()
        if let first {
            result = result.appending(first)
            bound.insert(first.step.slot)
        }
        let all = chooser.graph.slots.indices.filter { !bound.contains($0) }
        guard chooser.options.reordersJoins else { return inOrder(all, result, bound, source) }
        let inner = all.filter { !chooser.graph.slots[$0].isOuter }
        switch inner.count {
        case 0...1: result = inOrder(inner, result, bound, source)
        case ...Self.exhaustiveLimit: result = exhaustive(inner, result, bound, source)
        case ...Self.greedyLimit: result = greedy(inner, result, bound, source)
        default: result = inOrder(inner, result, bound, source)
        }
        for slot in inner { bound.insert(slot) }
        return inOrder(all.filter { chooser.graph.slots[$0].isOuter }, result, bound, source)
    }

    private func inOrder(
        _ slots: [Int], _ start: Result, _ bound: SlotSet, _ source: (Int) -> Plan.Source
    ) -> Result {
        var (result, bound) = (start, bound)
        for slot in slots {
            result = result.appending(
                chooser.best(slot, behind: bound, combinations: result.rows, source: source(slot)))
            bound.insert(slot)
        }
        return result
    }

    private func greedy(
        _ slots: [Int], _ start: Result, _ bound: SlotSet, _ source: (Int) -> Plan.Source
    ) -> Result {
        var (result, bound, left) = (start, bound, slots)
        while !left.isEmpty {
            var best: (place: Int, result: Result)?
            for (place, slot) in left.enumerated() {
                let choice = chooser.best(slot, behind: bound, combinations: result.rows, source: source(slot))
                let next = result.appending(choice)
                // What comes later costs at least a look-up for each combination.
                if let known = best?.result,
                    next.cost + next.rows * Estimator.Cost.seek >= known.cost + known.rows * Estimator.Cost.seek
                {
                    continue
                }
                best = (place, next)
            }
            guard let best else { break }
            result = best.result
            bound.insert(left.remove(at: best.place))
        }
        return result
    }

    private func exhaustive(
        _ slots: [Int], _ start: Result, _ bound: SlotSet, _ source: (Int) -> Plan.Source
    ) -> Result {
        // The cheapest way to each set of tables, by the bits of their places in `slots`.
        var ways = [Result?](repeating: nil, count: 1 << slots.count)
        ways[0] = start
        for set in ways.indices {
            guard let way = ways[set] else { continue }
            var there = bound
            for (place, slot) in slots.enumerated() where set >> place & 1 == 1 { there.insert(slot) }
            for (place, slot) in slots.enumerated() where set >> place & 1 == 0 {
                let choice = chooser.best(slot, behind: there, combinations: way.rows, source: source(slot))
                let next = way.appending(choice)
                if let known = ways[set | 1 << place], known.cost <= next.cost { continue }
                ways[set | 1 << place] = next
            }
        }
        return ways[ways.count - 1] ?? start
    }
}
