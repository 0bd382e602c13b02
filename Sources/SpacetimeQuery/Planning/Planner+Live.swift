package import SpacetimeEngine
import SpacetimeSchema

extension Planner {
    /// How a query is kept up to date.
    ///
    /// - Throws: if a change would read a whole table, and the rule forbids it; if an event table would have to be looked up.
    package func livePlan(
        _ query: BoundQuery, _ statistics: some PlanStatistics, rule: LiveJoinRule = .original,
        options: PlannerOptions = PlannerOptions()
    ) throws(PlanError) -> LivePlan {
        if query.tables.isEmpty { throw .noTable }
        let graph = QueryGraph(query, self)
        let chooser = StepChooser(
            graph: graph, estimator: Estimator(planner: self, statistics: statistics), options: options)
        let events = graph.slots.indices.filter { graph.slots[$0].table?.schema.isEvent ?? false }
        if graph.slots.contains(where: \.isOuter) {
            guard let event = events.first else { return try outerPlan(query, chooser, rule) }
            // Nothing is known of what is not there: an event without a partner is told so, and never taken back.
            if let found = events.first(where: { graph.slots[$0].isOuter || $0 != event }) {
                throw .eventTableLookedUp(table: graph.name(of: found))
            }
            return try eventPlan(query, event, chooser, rule)
        }
        if graph.slots.count == 2, rule == .original { try check(chooser) }
        let isStrict = rule == .everyTable || rule == .original && graph.slots.count > 2
        if graph.slots.count > 1, events.count > 1 { throw .eventTableLookedUp(table: graph.name(of: events[1])) }

        var live = LivePlan(base: plan(query, statistics, options: options), deltas: [], unindexed: [])
        for slot in graph.slots.indices {
            // Where an event table takes part there is something only in the commit that has rows of it.
            if !events.isEmpty, !events.contains(slot) { continue }
            let plan = delta(query, slot, chooser, isOfEvents: !events.isEmpty)
            for step in plan.steps.dropFirst() {
                let fields = chooser.graph.joinFields(of: step.slot)
                guard !step.access.isIndexed else { continue }
                let join = UnindexedJoin(
                    slot: slot, table: graph.name(of: step.slot), columns: fields.map { graph.name(of: $0) })
                if isStrict {
                    if join.columns.isEmpty { throw .joinNeedsEquality(table: join.table) }
                    throw .joinNeedsIndex(table: join.table, columns: join.columns)
                }
                live.unindexed.append(join)
            }
            live.deltas.append(
                DeltaPlan(
                    slot: slot, table: graph.slots[slot].id, plan: plan, pruning: graph.pruning(of: slot),
                    isInsertOnly: !events.isEmpty))
        }
        return live
    }

    /// The tables of outer joins come behind all others. So the result is a sum over the rows of each other table, whose changes
    /// are followed as in any join. It is a sum over the rows of the first table, too: where one of those behind an outer join
    /// changes, the rows of the first table that this may concern are taken out with what they had, and put in with what they
    /// have.
    private func outerPlan(
        _ query: BoundQuery, _ chooser: StepChooser, _ rule: LiveJoinRule
    ) throws(PlanError) -> LivePlan {
        let graph = chooser.graph
        var live = LivePlan(
            base: plan(query, chooser.estimator.statistics, options: chooser.options), deltas: [], unindexed: [])
        let first = delta(query, 0, chooser)
        for slot in graph.slots.indices {
            let followed: Plan
            if graph.slots[slot].isOuter {
                followed = affected(by: slot, of: query, chooser)
                live.outers.append(
                    OuterChanges(
                        left: graph.slots[0].id, right: graph.slots[slot].id, affected: followed,
                        before: first.reading { $0 < slot ? .table : .tableBefore },
                        after: first.reading { $0 <= slot ? .table : .tableBefore }))
            } else {
                followed = delta(query, slot, chooser)
                live.deltas.append(
                    DeltaPlan(
                        slot: slot, table: graph.slots[slot].id, plan: followed, pruning: graph.pruning(of: slot),
                        isInsertOnly: false))
            }
            live.unindexed += try unindexed(followed, slot, query, rule)
        }
        return live
    }

    /// The rows of an outer join to an event table, which comes first: each event with what it finds after the commit, or with
    /// nothing.
    private func eventPlan(
        _ query: BoundQuery, _ slot: Int, _ chooser: StepChooser, _ rule: LiveJoinRule
    ) throws(PlanError) -> LivePlan {
        let followed = delta(query, slot, chooser, isOfEvents: true)
        return LivePlan(
            base: plan(query, chooser.estimator.statistics, options: chooser.options),
            deltas: [
                DeltaPlan(
                    slot: slot, table: chooser.graph.slots[slot].id, plan: followed,
                    pruning: chooser.graph.pruning(of: slot), isInsertOnly: true)
            ],
            unindexed: try unindexed(followed, slot, query, rule))
    }

    /// The look-ups of a plan with outer joins that no index answers.
    private func unindexed(
        _ plan: Plan, _ slot: Int, _ query: BoundQuery, _ rule: LiveJoinRule
    ) throws(PlanError) -> [UnindexedJoin] {
        var found: [UnindexedJoin] = []
        for step in plan.steps.dropFirst() where !step.access.isIndexed {
            var joined = query
            for slot in joined.tables.indices {
                joined.conditions += joined.tables[slot].outerCondition ?? []
                joined.tables[slot].outerCondition = nil
            }
            let graph = QueryGraph(joined, self)
            let join = UnindexedJoin(
                slot: slot, table: graph.name(of: step.slot),
                columns: graph.joinFields(of: step.slot).map { graph.name(of: $0) })
            if rule != .none {
                if join.columns.isEmpty { throw .joinNeedsEquality(table: join.table) }
                throw .joinNeedsIndex(table: join.table, columns: join.columns)
            }
            found.append(join)
        }
        return found
    }

    /// Which rows of the first table a changed row of one behind an outer join may concern: those that it fits, whatever else
    /// the query asks of them beyond the tables that are not behind such joins.
    private func affected(by slot: Int, of query: BoundQuery, _ chooser: StepChooser) -> Plan {
        let present = SlotSet(chooser.graph.slots.indices.filter { !chooser.graph.slots[$0].isOuter })
        var inner = query
        inner.tables[slot].outerCondition = nil
        // Other conditions say which combinations are in the result, and not which there are.
        inner.conditions =
            (query.tables[slot].outerCondition ?? [])
            + query.conditions.filter { SlotSet(of: $0).isSubset(of: present) }
        inner.grouping = nil
        inner.output = .rows(slot: 0)
        let graph = QueryGraph(inner, self)
        var plan = delta(
            inner, slot, StepChooser(graph: graph, estimator: chooser.estimator, options: chooser.options))
        // What is behind other outer joins neither brings nor drops a row of the first table.
        while let last = plan.steps.last, last.isOuter, last.laterConditions.isEmpty { plan.steps.removeLast() }
        return plan
    }

    /// The rule for two tables, which is that of SpacetimeDB.
    private func check(_ chooser: StepChooser) throws(PlanError) {
        let graph = chooser.graph
        func isEvent(_ slot: Int) -> Bool { graph.slots[slot].table?.schema.isEvent ?? false }
        let isSwapped = !isEvent(0) && !graph.slots[0].isFiltered && graph.slots[1].isFiltered
        let (driving, found) = isSwapped ? (1, 0) : (0, 1)
        let fields = graph.joinFields(of: found)
        if fields.isEmpty { throw .joinNeedsEquality(table: graph.name(of: found)) }
        let isIndexed = chooser.joiningMatches(found, behind: SlotSet([driving])).contains { match in
            fields.contains { match.prefixColumns.contains($0.path.column) }
        }
        if !isIndexed {
            throw .joinNeedsIndex(table: graph.name(of: found), columns: fields.map { graph.name(of: $0) })
        }
        if isEvent(found) { throw .eventTableLookedUp(table: graph.name(of: found)) }
    }

    /// - Parameter isOfEvents: the table is one of events, which are combined with what there is after the commit.
    private func delta(
        _ query: BoundQuery, _ slot: Int, _ chooser: StepChooser, isOfEvents: Bool = false
    ) -> Plan {
        let first = chooser.best(slot, behind: SlotSet(), source: .changes)
        let steps = JoinOrder(chooser: chooser).steps(first: first) {
            $0 < slot || isOfEvents ? .table : .tableBefore
        }.steps
        var output = query.output
        if let grouping = query.grouping {
            let arguments = grouping.aggregates.compactMap(\.argument)
            output = .columns(
                (grouping.keys + arguments).enumerated().map { QueryColumn("\($0.offset)", $0.element) })
        }
        return Plan(
            steps: steps, conditions: chooser.graph.constants, output: output, parameters: query.parameters)
    }
}

extension Plan {
    /// The same with the tables behind the first step as they are, or as they were.
    fileprivate func reading(_ source: (_ slot: Int) -> Source) -> Plan {
        var plan = self
        for position in plan.steps.indices.dropFirst() {
            plan.steps[position].source = source(plan.steps[position].slot)
        }
        return plan
    }
}

extension QueryGraph {
    func name(of slot: Int) -> String { slots[slot].table?.schema.name ?? "#\(slots[slot].id.rawValue)" }

    func name(of field: QueryField) -> String { slots[field.slot].table?.name(of: field.path) ?? "\(field.path)" }

    /// The fields of a table that equal fields of others.
    func joinFields(of slot: Int) -> [QueryField] {
        var fields: [QueryField] = []
        for equal in classes where equal.members.contains(where: { $0.slot != slot }) {
            fields += equal.members.filter { $0.slot == slot }
        }
        for (_, condition) in shared {
            guard case .compare(.equal, let left, let right) = condition else { continue }
            for side in [left, right] {
                if case .field(let field) = side, field.slot == slot { fields.append(field) }
            }
        }
        return fields
    }
}

extension Plan.Access {
    /// True if it finds rows through an index.
    package var isIndexed: Bool {
        switch self {
        case .key, .range, .keys, .ranges, .any: true
        case .table, .hash: false
        }
    }
}
