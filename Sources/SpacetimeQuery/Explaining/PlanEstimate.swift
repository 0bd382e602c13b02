package import SpacetimeEngine
import SpacetimeSATS

/// How much a plan is thought to do. Sizes are those of when it is asked for.
package struct PlanEstimate: Hashable, Sendable {
    package struct Step: Hashable, Sendable {
        /// Rows that are looked at.
        package var examined: Double
        /// Combinations behind the step.
        package var rows: Double
    }

    /// One for each step of the plan.
    package var steps: [Step]
    /// What a limit on the rows that a query reads is compared with: each table, index look-up, filter and join counts the
    /// rows that go through it. It takes nothing for granted of filters, so it is a cautious estimate, not what will be read.
    package var rowsRead: Double
}

extension Planner {
    package func estimate(_ plan: Plan, _ statistics: some PlanStatistics) -> PlanEstimate {
        let estimator = Estimator(planner: self, statistics: statistics)
        var result = PlanEstimate(steps: [], rowsRead: 0)
        var rows = 1.0
        for step in plan.steps {
            let found = step.source == .changes ? 1 : estimator.rowCount(of: step.access, step.table)
            let next = PlanEstimate.Step(examined: rows * found, rows: rows * estimator.rows(of: step, found))
            rows = next.rows
            result.steps.append(next)
        }
        result.rowsRead = rowsRead(plan, estimator)
        return result
    }

    private func rowsRead(_ plan: Plan, _ estimator: Estimator) -> Double {
        var rows = 1.0
        var read = 0.0
        for (position, step) in plan.steps.enumerated() {
            let found = step.source == .changes ? 1 : estimator.rowCount(of: step.access, step.table)
            if position == 0 {
                rows = min(found, plan.pushedLimit ?? found)
                read = rows
            } else {
                if case .hash(_, let inner) = step.access { read += estimator.rowCount(of: inner, step.table) }
                if step.access == .table { read += found }
                rows *= found
                read += rows
            }
            if step.takesFirst { rows = min(rows, 1) }
            if step.filter != .all || !step.conditions.isEmpty || !step.laterConditions.isEmpty { read += rows }
        }
        return read
    }
}

extension Plan {
    /// How many rows the first step stops after, if that is written in the plan.
    fileprivate var pushedLimit: Double? {
        guard steps.count == 1, let step = steps.first, step.filter == .all, step.conditions.isEmpty,
            grouping == nil, !isDistinct, order.isEmpty, offset == nil, case .literal(let bytes, .u64)? = limit
        else { return nil }
        return Double(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

extension Estimator {
    /// Rows of a step for each combination before it, of so many that its access finds.
    fileprivate func rows(of step: Plan.Step, _ found: Double) -> Double {
        var rows = found
        for part in RowPredicate.conjuncts(of: step.filter.normalTerms()) {
            rows *= share(meeting: part, step.table)
        }
        for condition in step.conditions { rows *= share(meeting: condition) }
        if step.isOuter { rows = max(rows, 1) }
        for condition in step.laterConditions { rows *= share(meeting: condition) }
        return step.takesFirst ? min(rows, 1) : rows
    }
}
