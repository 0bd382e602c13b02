import SpacetimeEngine

/// A step of a plan with what it is thought to cost.
struct StepChoice {
    var step: Plan.Step
    /// Rows for each combination of the steps before.
    var rows: Double
    /// Of each combination of the steps before.
    var cost: Double
    /// Once.
    var setup: Double = 0
    /// The part of what the access finds that meets the filter.
    var share: Double = 1

    /// For so many combinations.
    func total(_ combinations: Double) -> Double { setup + cost * combinations }
}

/// Finds the best way to the rows of a table, when some other tables have been gone through.
struct StepChooser {
    let graph: QueryGraph
    let estimator: Estimator
    let options: PlannerOptions

    /// A condition between a table and those before it, which an index or a hash table may answer.
    private struct JoinCondition {
        let restriction: Restriction
        /// The field of the table.
        let field: QueryField
        /// What is tested if nothing answers it; nil if another one with the same number says the same.
        let condition: Expression?
        let number: Int
        /// False if it follows from the equality of fields, and is not one of the conditions on several tables as it stands.
        let isShared: Bool
    }

    /// The cheapest choice; of equals the one with the index that narrows most by its form, then the first.
    ///
    /// - Parameter combinations: how many combinations of rows of the tables before there are thought to be.
    func best(
        _ slot: Int, behind bound: SlotSet, combinations: Double = 1, source: Plan.Source = .table
    ) -> StepChoice {
        if source == .changes { return choice(slot, bound, source, .table, []) }
        let joins = joinConditions(of: slot, behind: bound)
        var best = choice(slot, bound, source, .table, joins)
        var score = 0
        if options.usesIndexes {
            let restrictions = graph.slots[slot].restrictions + joins.map(\.restriction)
            for index in graph.slots[slot].table?.indexes ?? [] {
                guard let match = IndexMatch(index, restrictions) else { continue }
                let next = choice(slot, bound, source, match.access, joins, answered: match.used)
                let (new, old) = (next.total(combinations), best.total(combinations))
                guard new < old || new == old && match.score > score else { continue }
                best = next
                score = match.score
            }
            for part in graph.slots[slot].parts {
                guard let access = IndexUnion.access(for: part, graph.slots[slot].table?.indexes ?? []) else {
                    continue
                }
                let next = choice(slot, bound, source, access, joins)
                if next.total(combinations) < best.total(combinations) { best = next }
            }
        }
        if options.usesHashJoins, let next = hashed(slot, bound, source, joins),
            next.total(combinations) < best.total(combinations)
        {
            best = next
        }
        return best
    }

    /// The choice that goes through an index, as the first of all: all of it, if no condition narrows it.
    func first(_ slot: Int, through index: PlannedIndex) -> StepChoice {
        guard let match = IndexMatch(index, graph.slots[slot].restrictions) else {
            return choice(slot, SlotSet(), .table, .range(index.id, Plan.KeyRange()), [])
        }
        return choice(slot, SlotSet(), .table, match.access, [], answered: match.used)
    }

    /// Every index that can be found by what joins the table to those before.
    func joiningMatches(_ slot: Int, behind bound: SlotSet) -> [IndexMatch] {
        let joins = joinConditions(of: slot, behind: bound).map(\.restriction)
        let restrictions = joins + graph.slots[slot].restrictions
        return (graph.slots[slot].table?.indexes ?? []).compactMap { IndexMatch($0, restrictions) }
    }

    // MARK: Joins

    private func joinConditions(of slot: Int, behind bound: SlotSet) -> [JoinCondition] {
        if bound.isEmpty { return [] }
        let facts = graph.slots[slot]
        let firstSource = facts.parts.count
        var joins: [JoinCondition] = []
        var number = 0
        func add(
            _ field: QueryField, _ comparison: RowPredicate.Comparison, _ value: Plan.Operand, _ test: Expression?,
            isShared: Bool
        ) {
            let source = firstSource + joins.count
            guard let restriction = Restriction(field.path, comparison, value, source: source) else { return }
            joins.append(
                JoinCondition(
                    restriction: restriction, field: field, condition: test, number: number, isShared: isShared))
        }
        for equal in graph.classes where equal.constant == nil && !facts.isOuter {
            guard let other = equal.first(in: bound) else { continue }
            // Fields of one table are compared with each other by a condition on the table alone.
            var isFirst = true
            for member in equal.members where member.slot == slot {
                let test = Expression.compare(.equal, .field(member), .field(other))
                add(member, .equal, .field(other), isFirst ? test : nil, isShared: false)
                isFirst = false
            }
            number += 1
        }
        for condition in conditions(completedBy: slot, bound) {
            if case .compare(let comparison, let left, let right) = condition {
                if case .field(let field) = left, field.slot == slot, let value = operand(right, without: slot) {
                    add(field, comparison, value, condition, isShared: true)
                } else if case .field(let field) = right, field.slot == slot, let value = operand(left, without: slot) {
                    add(field, comparison.mirrored, value, condition, isShared: true)
                }
            }
            number += 1
        }
        return joins
    }

    private func operand(_ value: Expression, without slot: Int) -> Plan.Operand? {
        guard !SlotSet(of: value).contains(slot) else { return nil }
        switch value {
        case .field(let field): return .field(field)
        case .literal(let bytes, _): return .literal(bytes)
        case .parameter(let number, _): return .parameter(number)
        default: return .computed(value)
        }
    }

    /// The conditions on several tables that can be tested as soon as this one is there.
    private func conditions(completedBy slot: Int, _ bound: SlotSet) -> [Expression] {
        graph.slots[slot].isOuter ? graph.slots[slot].outerShared : laterConditions(completedBy: slot, bound)
    }

    private func laterConditions(completedBy slot: Int, _ bound: SlotSet) -> [Expression] {
        let there = bound.inserting(slot)
        return graph.shared.filter { $0.slots.contains(slot) && $0.slots.isSubset(of: there) }.map(\.condition)
    }

    // MARK: Choices

    private func hashed(
        _ slot: Int, _ bound: SlotSet, _ source: Plan.Source, _ joins: [JoinCondition]
    ) -> StepChoice? {
        var keys: [Plan.HashKey] = []
        var answered: [Int] = []
        var numbers: Set<Int> = []
        for join in joins {
            guard case .equal(let value) = join.restriction.test, numbers.insert(join.number).inserted else { continue }
            keys.append(Plan.HashKey(join.field, equals: value))
            answered.append(join.restriction.source)
        }
        if keys.isEmpty { return nil }
        // What the hash table is made of is found as if this were the first table.
        let inner = best(slot, behind: SlotSet(), source: source)
        return choice(
            slot, bound, source, .hash(keys, over: inner.step.access), joins, answered: answered, hashing: inner)
    }

    private func choice(
        _ slot: Int, _ bound: SlotSet, _ source: Plan.Source, _ access: Plan.Access, _ joins: [JoinCondition],
        answered: [Int] = [], hashing inner: StepChoice? = nil
    ) -> StepChoice {
        let facts = graph.slots[slot]
        var step = Plan.Step(slot: slot, table: facts.id, source: source, access: access, isOuter: facts.isOuter)
        var found = source == .changes ? 1 : estimator.rowCount(of: access, facts.id)
        var share = 1.0
        if let inner {
            // Only what meets the filter is in the hash table.
            step.filter = inner.step.filter
            found *= inner.share
        } else {
            let left = facts.parts.indices.filter { position in
                if answered.contains(position) { return false }
                guard let equal = facts.common[position] else { return true }
                return graph.classes[equal].first(in: bound) == nil
            }
            if !left.isEmpty { step.filter = RowPredicate(joining: left.map { facts.parts[$0] }) }
            for position in left { share *= estimator.share(meeting: facts.parts[position], facts.id) }
        }
        let cost = source == .changes ? 1 : estimator.cost(of: access, found, facts.id)
        found *= share
        step.conditions = facts.conditions
        let numbers = Set(joins.filter { answered.contains($0.restriction.source) }.map(\.number))
        var known: [Expression] = []
        for join in joins {
            guard let condition = join.condition else { continue }
            if numbers.contains(join.number) {
                known.append(condition)
            } else if !join.isShared {
                step.conditions.append(condition)
            }
        }
        step.conditions += conditions(completedBy: slot, bound).filter { !known.contains($0) }
        for condition in step.conditions { found *= estimator.share(meeting: condition) }
        if facts.isOuter {
            step.laterConditions = laterConditions(completedBy: slot, bound)
            found = max(found, 1)
            for condition in step.laterConditions { found *= estimator.share(meeting: condition) }
        }
        let setup = inner.map { $0.cost + $0.rows * Estimator.Cost.hashedRow } ?? 0
        return StepChoice(step: step, rows: found, cost: cost, setup: setup, share: share)
    }
}
