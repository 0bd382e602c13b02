import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension QueryGraph {
    /// What must be true of the rows of a table that matter.
    func pruning(of slot: Int) -> PlanPruning {
        var pruning = PlanPruning()
        pruning.isNever =
            constants.contains(.constant(false)) || slots.contains { !$0.isOuter && $0.parts.contains([.none]) }
        for restriction in slots[slot].restrictions { add(restriction, of: slot, to: &pruning) }
        for equal in classes {
            guard let member = equal.first(in: slot) else { continue }
            guard equal.constant == nil else { continue }
            for other in equal.members where other.slot != slot { addEdges(from: member, to: other, &pruning) }
        }
        return pruning
    }

    private func add(_ restriction: Restriction, of slot: Int, to pruning: inout PlanPruning) {
        guard let field = field(slot, restriction.path) else { return }
        switch restriction.test {
        case .equal(let value):
            guard !field.type.hasFloats else {
                addRange(field, .included(value), .included(value), to: &pruning)
                return
            }
            let equality = PlanPruning.Equality(field: field, value: value)
            if !pruning.equalities.contains(equality) { pruning.equalities.append(equality) }
        case .list(let values):
            let set = PlanPruning.OneOf(field: field, values: values)
            if !field.type.hasFloats, !pruning.sets.contains(set) { pruning.sets.append(set) }
        case .anyOf: break
        case .prefix(let bytes):
            guard let range = TextRange(prefix: bytes, type: field.type) else { return }
            let end = range.upper.map { PlanPruning.Range.Bound.excluded(.literal($0)) }
            addRange(field, .included(.literal(range.lower)), end ?? .unbounded, to: &pruning)
        case .bound(let comparison, let value):
            switch comparison {
            case .less: addRange(field, .unbounded, .excluded(value), to: &pruning)
            case .lessOrEqual: addRange(field, .unbounded, .included(value), to: &pruning)
            case .greater: addRange(field, .excluded(value), .unbounded, to: &pruning)
            case .greaterOrEqual: addRange(field, .included(value), .unbounded, to: &pruning)
            case .equal, .notEqual: break
            }
        }
    }

    /// Of several bounds on one side the first is kept.
    private func addRange(
        _ field: QueryField, _ lower: PlanPruning.Range.Bound, _ upper: PlanPruning.Range.Bound,
        to pruning: inout PlanPruning
    ) {
        guard let known = pruning.ranges.firstIndex(where: { $0.field == field }) else {
            pruning.ranges.append(PlanPruning.Range(field: field, lower: lower, upper: upper))
            return
        }
        if pruning.ranges[known].lower == .unbounded { pruning.ranges[known].lower = lower }
        if pruning.ranges[known].upper == .unbounded { pruning.ranges[known].upper = upper }
    }

    private func addEdges(from field: QueryField, to other: QueryField, _ pruning: inout PlanPruning) {
        let target = slots[other.slot]
        // In a table that is joined to itself the changed row would be looked for among rows that it may have replaced.
        guard target.id != slots[field.slot].id, !target.isOuter, let table = target.table, !table.schema.isEvent,
            let key = Restriction(other.path, .equal, .literal([]), source: 0)
        else { return }
        let indexes = table.indexes.filter { $0.columns.count == 1 && key.place(in: $0.columns[0]) != nil }
        guard let index = indexes.first(where: { $0.isUnique }) ?? indexes.first else { return }
        for restriction in target.restrictions {
            guard case .equal(let value) = restriction.test, restriction.path != other.path,
                let end = self.field(other.slot, restriction.path), !end.type.hasFloats
            else { continue }
            pruning.edges.append(
                PlanPruning.Edge(
                    field: field, index: index.id, tag: key.place(in: index.columns[0])?.tag,
                    isUnique: index.isUnique, target: end, value: value))
        }
    }

    private func field(_ slot: Int, _ path: FieldPath) -> QueryField? {
        guard let type = slots[slot].table?.schema.type(of: path) else { return nil }
        return QueryField(slot: slot, path: path, type: type, isNullable: !path.isTotal)
    }
}
