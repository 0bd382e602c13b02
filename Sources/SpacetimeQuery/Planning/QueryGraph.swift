import SpacetimeEngine
import SpacetimeSATS

/// A query as planning sees it: which tables there are, and what each condition needs.
struct QueryGraph {
    typealias Part = ArraySlice<RowPredicate.Term>

    struct Slot {
        let id: TableID
        let table: PlannedTable?
        /// The conditions on rows of this table alone that rows are filtered by.
        var parts: [Part] = []
        /// Those of them that an index might answer.
        var restrictions: [Restriction] = []
        /// Which of the parts all tables of a class of equal fields have, and which class. They are not tested where the table
        /// is joined to one of that class, since they hold there.
        var common: [Int: Int] = [:]
        /// Other conditions on this table alone.
        var conditions: [Expression] = []
        /// For an outer join: its conditions that involve other tables.
        var outerShared: [Expression] = []
        var isOuter = false
        /// True if the query itself has conditions on this table alone, besides those that follow from others.
        var isFiltered = false
    }

    var slots: [Slot]
    /// Conditions that involve several tables, but for equalities of two fields.
    var shared: [(slots: SlotSet, condition: Expression)] = []
    var classes: [EqualityClass] = []
    /// Conditions without any table.
    var constants: [Expression] = []

    /// - Parameter pushesConditions: false leaves all conditions of the query among the shared ones, as they are.
    init(_ query: BoundQuery, _ planner: Planner, pushesConditions: Bool = true) {
        slots = query.tables.map { table in
            var slot = Slot(id: table.id, table: planner.table(table.id))
            slot.isOuter = table.outerCondition != nil
            return slot
        }
        guard pushesConditions else {
            leaveConditions(of: query)
            return
        }
        guard var conditions = BoundQuery.conjuncts(of: query.conditions) else {
            constants = [.constant(false)]
            return
        }
        addOuterConditions(of: query, to: &conditions)
        guard !constants.contains(.constant(false)) else { return }
        var pairs: [(QueryField, QueryField)] = []
        for condition in conditions {
            if case .compare(.equal, .field(let left), .field(let right)) = condition, left.slot != right.slot,
                !slots[left.slot].isOuter, !slots[right.slot].isOuter
            {
                pairs.append((left, right))
            } else {
                add(condition)
            }
        }
        for slot in slots.indices {
            slots[slot].isFiltered = !slots[slot].parts.isEmpty || !slots[slot].conditions.isEmpty
        }
        if !pairs.isEmpty {
            classes = EqualityClass.all(pairs)
            propagate()
        }
        for slot in slots.indices { slots[slot].restrictions = Restriction.all(in: slots[slot].parts) }
    }

    private mutating func leaveConditions(of query: BoundQuery) {
        let all = SlotSet(slots.indices)
        for condition in query.conditions {
            if slots.isEmpty { constants.append(condition) } else { shared.append((all, condition)) }
        }
        for (slot, table) in query.tables.enumerated() { slots[slot].outerShared = table.outerCondition ?? [] }
    }

    /// An outer join of which the query drops what found no row is an inner join. The conditions of the others are theirs.
    private mutating func addOuterConditions(of query: BoundQuery, to conditions: inout [Expression]) {
        // From the back: a join that turned out to be an inner one has conditions that may do the same to joins before it.
        for slot in slots.indices.reversed() where slots[slot].isOuter {
            let joining = query.tables[slot].outerCondition ?? []
            if conditions.contains(where: { $0.rejectsMissing(slot) }) {
                slots[slot].isOuter = false
                guard let parts = BoundQuery.conjuncts(of: joining) else {
                    constants = [.constant(false)]
                    return
                }
                conditions += parts
                continue
            }
            guard let parts = BoundQuery.conjuncts(of: joining) else {
                slots[slot].parts = [[.none]]
                continue
            }
            for part in parts {
                let needed = SlotSet(of: part)
                if needed.only == slot { addLocal(part, slot) } else { slots[slot].outerShared.append(part) }
            }
        }
    }

    private mutating func add(_ condition: Expression) {
        let needed = SlotSet(of: condition)
        if needed.isEmpty {
            constants.append(condition)
        } else if let slot = needed.only, !slots[slot].isOuter {
            addLocal(condition, slot)
        } else {
            shared.append((needed, condition))
        }
    }

    private mutating func addLocal(_ condition: Expression, _ slot: Int) {
        guard let predicate = RowPredicate(condition, slot: slot) else {
            slots[slot].conditions.append(condition)
            return
        }
        for part in RowPredicate.conjuncts(of: predicate.normalTerms()) where !slots[slot].parts.contains(part) {
            slots[slot].parts.append(part)
        }
    }

    // MARK: What follows

    /// Of equal fields each equals the value that one of them equals, and lies between the bounds of the others. Two equal
    /// fields of one table are a condition on it.
    private mutating func propagate() {
        let own = slots.map(\.parts)
        for position in classes.indices {
            let members = classes[position].members
            guard let constant = members.compactMap({ constant(of: $0) }).first else {
                addEqualFields(members)
                addBounds(of: position, own)
                continue
            }
            classes[position].constant = constant
            for member in members {
                let term: RowPredicate.Term
                switch constant {
                case .literal(let value): term = .compare(member.path, .equal, value)
                case .parameter(let number): term = .compareParameter(member.path, .equal, number)
                case .field, .computed: continue
                }
                if !slots[member.slot].parts.contains([term]) { slots[member.slot].parts.append([term]) }
            }
        }
    }

    private mutating func addBounds(of position: Int, _ own: [[Part]]) {
        let members = classes[position].members
        for member in members {
            for (number, part) in own[member.slot].enumerated() {
                for other in members where other.slot != member.slot {
                    guard let copy = part.bounding(member.path, at: other.path) else { continue }
                    slots[member.slot].common[number] = position
                    if slots[other.slot].parts.contains(copy[...]) { continue }
                    slots[other.slot].common[slots[other.slot].parts.count] = position
                    slots[other.slot].parts.append(copy[...])
                }
            }
        }
    }

    private mutating func addEqualFields(_ members: [QueryField]) {
        for (position, member) in members.enumerated() {
            guard let first = members[..<position].first(where: { $0.slot == member.slot }) else { continue }
            addLocal(.compare(.equal, .field(first), .field(member)), member.slot)
        }
    }

    private func constant(of field: QueryField) -> Plan.Operand? {
        for part in slots[field.slot].parts where part.count == 1 {
            switch part.first {
            case .compare(field.path, .equal, let value): return .literal(value)
            case .compareParameter(field.path, .equal, let number): return .parameter(number)
            default: continue
            }
        }
        return nil
    }
}

extension QueryGraph.Part {
    /// The same bounds on another field, if there is nothing in it but bounds on that path. A single equality is not among
    /// them: it gives its class a constant.
    fileprivate func bounding(_ path: FieldPath, at other: FieldPath) -> [RowPredicate.Term]? {
        if count == 1, first?.isEquality == true { return nil }
        var copies: [RowPredicate.Term] = []
        copies.reserveCapacity(count)
        for term in self {
            guard let copy = term.bounding(path, at: other) else { return nil }
            copies.append(copy)
        }
        return copies
    }
}

extension RowPredicate.Term {
    fileprivate var isEquality: Bool {
        switch self {
        case .compare(_, .equal, _), .compareParameter(_, .equal, _): true
        default: false
        }
    }

    fileprivate func bounding(_ path: FieldPath, at other: FieldPath) -> RowPredicate.Term? {
        switch self {
        case .and, .or: self
        case .compare(path, let comparison, let value) where comparison != .notEqual:
            .compare(other, comparison, value)
        case .compareParameter(path, let comparison, let number) where comparison != .notEqual:
            .compareParameter(other, comparison, number)
        case .isIn(path, let values): .isIn(other, values)
        case .isInParameter(path, let number): .isInParameter(other, number)
        case .hasPrefix(path, let bytes): .hasPrefix(other, bytes)
        default: nil
        }
    }
}
