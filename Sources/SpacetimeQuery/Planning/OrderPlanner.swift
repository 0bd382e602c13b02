import SpacetimeEngine
import SpacetimeSATS

/// Finds plans that yield rows in the order that a query asks for: then a query for the first ten reads ten rows.
///
/// The order of the first step is that of the whole plan, since each combination is followed to its end before the next.
struct OrderPlanner {
    private let query: BoundQuery
    private let chooser: StepChooser

    init(_ query: BoundQuery, _ chooser: StepChooser) {
        self.query = query
        self.chooser = chooser
    }

    /// Rows that are wanted if that is known with the run only.
    private static let guessedLimit = 100.0

    /// The cheapest steps, and of how many of the first terms of the order they yield the rows in order.
    func steps() -> (steps: [Plan.Step], sortedTerms: Int) {
        let plain = JoinOrder(chooser: chooser).steps()
        guard chooser.options.usesIndexes, let slot = orderedSlot, !plain.steps.isEmpty else {
            return (plain.steps, 0)
        }
        var best = candidate(plain, slot) ?? (steps: plain.steps, sortedTerms: 0)
        // What comes in order anyway needs no thought.
        if best.sortedTerms == query.order.count { return best }
        var bestCost = cost(of: plain, best.sortedTerms, slot)
        for index in chooser.graph.slots[slot].table?.indexes ?? [] {
            guard sorting(by: index, slot, query.order) != nil else { continue }
            let result = JoinOrder(chooser: chooser).steps(first: chooser.first(slot, through: index))
            guard let next = candidate(result, slot) else { continue }
            let cost = cost(of: result, next.sortedTerms, slot) + Estimator.Cost.seek
            guard cost < bestCost else { continue }
            best = next
            bestCost = cost
        }
        return best
    }

    /// What it takes until enough rows are there. The steps of a limited query end when they are.
    private func cost(of result: JoinOrder.Result, _ sortedTerms: Int, _ slot: Int) -> Double {
        let perRow = wanted == nil ? Estimator.Cost.sortedRow : Estimator.Cost.comparedRow
        if sortedTerms == 0 { return result.cost + result.rows * perRow }
        var read = wanted ?? result.rows
        let isWhole = sortedTerms == query.order.count
        // The run of equal rows in which the last of them lies is read to its end.
        if !isWhole { read += rowsOfRun(result, slot) }
        let share = min(1, read / max(result.rows, 1))
        return (result.cost + (isWhole ? 0 : result.rows * perRow)) * share
    }

    /// How many rows are equal in the columns of the index that they come in order of.
    private func rowsOfRun(_ result: JoinOrder.Result, _ slot: Int) -> Double {
        guard let access = result.steps.first?.access, let id = access.index,
            let table = chooser.graph.slots[slot].table, let index = table.index(id),
            let columns = sorting(by: index, slot, query.order)?.columns
        else { return result.rows }
        let rows = chooser.estimator.rowCount(of: table.id)
        let one = rows * chooser.estimator.share(index, columns, rows)
        return min(result.rows, max(one * result.rows / max(rows, 1), one, 1))
    }

    /// The least or the greatest value of an index: one row. Nil if the query asks for something else, or no index helps.
    func extremeSteps() -> [Plan.Step]? {
        guard chooser.graph.slots.count == 1, let grouping = query.grouping, grouping.keys.isEmpty,
            grouping.aggregates.count == 1, let aggregate = grouping.aggregates.first,
            aggregate.function == .min || aggregate.function == .max, case .field(let field)? = aggregate.argument
        else { return nil }
        let term = OrderTerm(.field(field), isDescending: aggregate.function == .max)
        let plain = chooser.best(0, behind: SlotSet())
        var best: (step: Plan.Step, cost: Double)?
        for index in chooser.graph.slots[0].table?.indexes ?? [] {
            guard let sorting = sorting(by: index, 0, [term]), sorting.terms == 1 else { continue }
            let choice = chooser.first(0, through: index)
            // Rows that do not meet the other conditions are passed over.
            let cost = Estimator.Cost.seek + min(choice.cost, Estimator.Cost.indexedRow / max(choice.share, 1e-9))
            guard cost < min(plain.cost, best?.cost ?? .infinity) else { continue }
            var step = choice.step
            step.isReversed = sorting.isReversed
            step.takesFirst = true
            // Nil is no value that could be the least or the greatest, whether it is looked through or is the value itself.
            var path = field.path
            if path.isTotal, field.type.optionPayload != nil { path.steps.append(.payload(0)) }
            if !path.isTotal { step.skipMissing(path, index) }
            best = (step, cost)
        }
        return best.map { [$0.step] }
    }

    // MARK: Orders

    /// How many rows are asked for, if not all.
    private var wanted: Double? {
        guard let limit = query.limit else { return nil }
        return [limit, query.offset].reduce(0) { sum, value in
            switch value {
            case .literal(let bytes, .u64)?: sum + Double(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
            case nil: sum
            default: sum + Self.guessedLimit
            }
        }
    }

    /// The table whose rows' order decides, first or alone, about that of the results.
    private var orderedSlot: Int? {
        guard query.grouping == nil, case .field(let first)? = query.order.first?.value else { return nil }
        // Equal rows have equal places only if the order sees nothing else than the rows.
        if query.isDistinct {
            guard query.output == .rows(slot: first.slot) else { return nil }
            for term in query.order {
                guard case .field(let field) = term.value, field.slot == first.slot else { return nil }
            }
        }
        guard !chooser.graph.slots[first.slot].isOuter, first.slot == 0 || chooser.options.reordersJoins else {
            return nil
        }
        return first.slot
    }

    /// The steps made to yield rows in order of as many terms as they can; nil if they cannot of any.
    private func candidate(_ result: JoinOrder.Result, _ slot: Int) -> (steps: [Plan.Step], sortedTerms: Int)? {
        guard let first = result.steps.first, first.slot == slot, first.access.isIndexed, let id = first.access.index,
            let index = chooser.graph.slots[slot].table?.index(id), let sorting = sorting(by: index, slot, query.order)
        else { return nil }
        var steps = result.steps
        steps[0].isReversed = sorting.isReversed
        return (steps, sorting.terms)
    }

    /// How an index hands out the rows of a table that meet its conditions.
    private struct Sorting {
        /// From the last to the first.
        var isReversed: Bool
        /// So many of the first terms are in order.
        var terms: Int
        /// Leading columns of the index that have one value, or are in order.
        var columns: Int
    }

    /// Nil if the rows are in no order that is asked for.
    private func sorting(by index: PlannedIndex, _ slot: Int, _ terms: [OrderTerm]) -> Sorting? {
        let fixed = chooser.graph.slots[slot].restrictions.filter { if case .equal = $0.test { true } else { false } }
        // What has one value orders nothing.
        var columns = index.columns.indices.filter { position in
            !fixed.contains { $0.place(in: index.columns[position]) != nil }
        }[...]
        // A hash index has an order only if each of its columns is fixed, and rows with one key have none.
        guard index.isOrdered || columns.isEmpty else { return nil }
        var isReversed: Bool?
        var sorted = 0
        var last = -1
        terms: for term in terms {
            guard case .field(let field) = term.value, field.slot == slot else { break }
            if !fixed.contains(where: { $0.path == field.path }) {
                guard let position = columns.first else {
                    // Rows that differ in no column of the index are one row, in which all else has one value. What other tables
                    // have beside it is another matter: it meets several rows of theirs.
                    guard index.isUnique, !index.isOption.contains(true) else { break terms }
                    sorted += 1
                    continue terms
                }
                let place = field.path.place(in: index.columns[position])
                guard place == .whole || index.isOption[position] && place == .payload(0),
                    isReversed ?? term.isDescending == term.isDescending
                else { break }
                columns.removeFirst()
                isReversed = term.isDescending
                last = position
            }
            sorted += 1
        }
        // Terms that have one value each need no index.
        guard isReversed != nil || sorted == terms.count else { return nil }
        return Sorting(isReversed: isReversed ?? false, terms: sorted, columns: last + 1)
    }
}

extension Plan.Step {
    /// Passes over rows with nil in the ordering column of an index, which stand behind all others.
    fileprivate mutating func skipMissing(_ path: FieldPath, _ index: PlannedIndex) {
        if case .range(let id, var range) = access, range.upper == .unbounded, range.prefix.count < index.columns.count,
            path.place(in: index.columns[range.prefix.count]) == .payload(0)
        {
            range.upper = .beforeNil
            access = .range(id, range)
        } else {
            filter = filter == .all ? RowPredicate(.isPresent(path)) : .and(filter, RowPredicate(.isPresent(path)))
        }
    }
}
