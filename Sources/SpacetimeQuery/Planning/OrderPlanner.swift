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

    /// The cheapest steps, and whether they yield the rows in order.
    func steps() -> (steps: [Plan.Step], isOrdered: Bool) {
        let plain = JoinOrder(chooser: chooser).steps()
        guard chooser.options.usesIndexes, let (slot, terms) = orderedSlot, !plain.steps.isEmpty else {
            return (plain.steps, false)
        }
        // What comes in order anyway needs no thought.
        if let steps = ordered(plain.steps, slot, terms) { return (steps, true) }
        var best = (steps: plain.steps, isOrdered: false)
        let perRow = wanted == nil ? Estimator.Cost.sortedRow : Estimator.Cost.comparedRow
        var bestCost = plain.cost + plain.rows * perRow
        for index in chooser.graph.slots[slot].table?.indexes ?? [] {
            guard direction(of: index, slot, terms) != nil else { continue }
            let first = chooser.first(slot, through: index)
            let result = JoinOrder(chooser: chooser).steps(first: first)
            // It ends when enough rows are there.
            let share = min(1, (wanted ?? result.rows) / max(result.rows, 1))
            let cost = result.cost * share + Estimator.Cost.seek
            guard cost < bestCost, let steps = ordered(result.steps, slot, terms) else { continue }
            best = (steps, true)
            bestCost = cost
        }
        return best
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
            guard let isReversed = direction(of: index, 0, [term]) else { continue }
            let choice = chooser.first(0, through: index)
            // Rows that do not meet the other conditions are passed over.
            let cost = Estimator.Cost.seek + min(choice.cost, Estimator.Cost.indexedRow / max(choice.share, 1e-9))
            guard cost < min(plain.cost, best?.cost ?? .infinity) else { continue }
            var step = choice.step
            step.isReversed = isReversed
            step.takesFirst = true
            if !field.path.isTotal { step.skipMissing(field.path, index) }
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

    /// The table by whose fields alone rows are ordered.
    private var orderedSlot: (slot: Int, terms: [OrderTerm])? {
        guard query.grouping == nil, case .field(let first)? = query.order.first?.value else { return nil }
        for term in query.order {
            guard case .field(let field) = term.value, field.slot == first.slot else { return nil }
        }
        // Equal rows have equal places only if the order sees nothing else than the rows.
        if query.isDistinct, query.output != .rows(slot: first.slot) { return nil }
        guard !chooser.graph.slots[first.slot].isOuter, first.slot == 0 || chooser.options.reordersJoins else {
            return nil
        }
        return (first.slot, query.order)
    }

    /// The steps made to yield rows in order; nil if they cannot.
    private func ordered(_ steps: [Plan.Step], _ slot: Int, _ terms: [OrderTerm]) -> [Plan.Step]? {
        guard let first = steps.first, first.slot == slot, first.access.isIndexed, let id = first.access.index,
            let index = chooser.graph.slots[slot].table?.index(id), let isReversed = direction(of: index, slot, terms)
        else { return nil }
        var steps = steps
        steps[0].isReversed = isReversed
        return steps
    }

    /// Whether the rows of a table that meet its conditions are in order when an index hands them out: true from the last to
    /// the first, nil if they are not.
    private func direction(of index: PlannedIndex, _ slot: Int, _ terms: [OrderTerm]) -> Bool? {
        let fixed = chooser.graph.slots[slot].restrictions.filter { if case .equal = $0.test { true } else { false } }
        // What has one value orders nothing.
        var columns = index.columns.indices.filter { position in
            !fixed.contains { $0.place(in: index.columns[position]) != nil }
        }[...]
        // A hash index has an order only if each of its columns is fixed, and rows with one key have none.
        guard index.isOrdered || columns.isEmpty else { return nil }
        var isReversed: Bool?
        for term in terms {
            guard case .field(let field) = term.value else { return nil }
            if fixed.contains(where: { $0.path == field.path }) { continue }
            guard let position = columns.popFirst() else {
                // Rows that differ in no column of the index are one row.
                if index.isUnique, !index.isOption.contains(true) { break }
                return nil
            }
            let place = field.path.place(in: index.columns[position])
            guard place == .whole || index.isOption[position] && place == .payload(0),
                isReversed ?? term.isDescending == term.isDescending
            else { return nil }
            isReversed = term.isDescending
        }
        return isReversed ?? false
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
