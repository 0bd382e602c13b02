import SpacetimeEngine

extension Plan {
    /// If equal results count once, tables that nothing behind looks at are asked only whether there is a row.
    mutating func takeFirstOfUnseen() {
        guard isDistinct, grouping == nil else { return }
        var seen = SlotSet()
        switch output {
        case .rows(let slot): seen.insert(slot)
        case .columns(let columns): for column in columns { column.value.forEachSlot { seen.insert($0) } }
        }
        for term in order { term.value.forEachSlot { seen.insert($0) } }
        for position in steps.indices.reversed() {
            if !seen.contains(steps[position].slot), steps[position].laterConditions.isEmpty {
                steps[position].takesFirst = true
            }
            steps[position].forEachSlot { seen.insert($0) }
        }
    }
}

extension Plan.Step {
    /// Calls `body` with each of the tables that the step looks at.
    fileprivate func forEachSlot(_ body: (Int) -> Void) {
        func look(_ operand: Plan.Operand) {
            switch operand {
            case .field(let field): body(field.slot)
            case .computed(let value): value.forEachSlot(body)
            case .literal, .parameter: break
            }
        }
        for condition in conditions + laterConditions { condition.forEachSlot(body) }
        access.forEachOperand(look)
    }
}
