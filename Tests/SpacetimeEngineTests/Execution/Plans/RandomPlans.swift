import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

@testable import SpacetimeEngine

/// Makes plans of queries by throwing dice: whichever order of the tables, whichever way to their rows.
struct RandomPlans {
    let schemas: [TableID: TableSchema]
    let indexes: [TableID: [IndexID]]

    init(_ datastore: Datastore) {
        var schemas: [TableID: TableSchema] = [:]
        var indexes: [TableID: [IndexID]] = [:]
        for id in datastore.tableIDs {
            schemas[id] = datastore.schema(of: id)
            indexes[id] = datastore.indexIDs(of: id)
        }
        self.schemas = schemas
        self.indexes = indexes
    }

    /// - Parameter changed: the slot whose rows are the changes; those behind it are as before them. Its step may stand
    ///   anywhere.
    func plan(_ query: BoundQuery, changed: Int? = nil, _ random: inout RandomValues) -> Plan {
        var order = Array(query.tables.indices)
        // What an outer join joins comes before it, and conditions on its table mean the joined one.
        if query.tables.allSatisfy({ $0.outerCondition == nil }) { order.shuffle(using: &random) }
        var open = query.conditions
        var seen: Set<Int> = []
        var steps: [Plan.Step] = []
        for slot in order {
            let table = query.tables[slot]
            seen.insert(slot)
            let ready = open.filter { isReady($0, seen) }
            open.removeAll { isReady($0, seen) }
            var step = Plan.Step(slot: slot, table: table.id)
            if let changed { step.source = slot == changed ? .changes : slot > changed ? .tableBefore : .table }
            if let outer = table.outerCondition {
                step.isOuter = true
                step.conditions = outer
                step.laterConditions = ready
            } else {
                step.conditions = ready
            }
            chooseAccess(&step, &random)
            moveFilters(&step)
            step.isReversed = random.oneIn(4)
            steps.append(step)
        }
        return Plan(
            steps: steps, conditions: open, grouping: query.grouping, output: query.output,
            isDistinct: query.isDistinct, order: query.order, limit: query.limit, offset: query.offset,
            parameters: query.parameters)
    }

    private func isReady(_ condition: Expression, _ seen: Set<Int>) -> Bool {
        var (isReady, hasSlots) = (true, false)
        condition.forEachSlot {
            hasSlots = true
            isReady = isReady && seen.contains($0)
        }
        return hasSlots && isReady
    }

    /// Conditions on the rows of the table alone.
    private func moveFilters(_ step: inout Plan.Step) {
        var filters: [RowPredicate] = []
        step.conditions.removeAll { condition in
            guard case .rows(step.slot, let predicate) = condition else { return false }
            filters.append(predicate)
            return true
        }
        step.filter = filters.isEmpty ? .all : .and(filters)
    }

    // MARK: Accesses

    private struct Found {
        let condition: Int
        let field: QueryField
        let comparison: RowPredicate.Comparison
        let value: Plan.Operand

        var isConstant: Bool {
            switch value {
            case .literal, .parameter: true
            case .field, .computed: false
            }
        }
    }

    private func chooseAccess(_ step: inout Plan.Step, _ random: inout RandomValues) {
        let found = comparisons(step)
        var used: Set<Int> = []
        func reach(_ access: Plan.Access) {
            step.access = access
            step.conditions = step.conditions.enumerated().filter { !used.contains($0.offset) }.map(\.element)
        }
        if !random.oneIn(4), let (access, conditions) = indexAccess(step, found, &random) {
            used = conditions
            reach(access)
        }
        guard random.oneIn(3) else { return }
        let hashable = comparisons(step).filter { $0.comparison == .equal && !$0.isConstant }
        guard let first = hashable.first, !step.access.hasFields else { return }
        var keys = [Plan.HashKey(first.field, equals: first.value)]
        used = [first.condition]
        if let second = hashable.dropFirst().first, random.oneIn(2) {
            keys.append(Plan.HashKey(second.field, equals: second.value))
            used.insert(second.condition)
        }
        reach(.hash(keys, over: step.access))
    }

    /// The conditions that compare a field of the step's table with what is known before.
    private func comparisons(_ step: Plan.Step) -> [Found] {
        var found: [Found] = []
        for (number, condition) in step.conditions.enumerated() {
            guard case .compare(let comparison, let left, let right) = condition else { continue }
            if case .field(let field) = left, field.slot == step.slot, let value = operand(right, not: step.slot) {
                found.append(Found(condition: number, field: field, comparison: comparison, value: value))
            } else if case .field(let field) = right, field.slot == step.slot,
                let value = operand(left, not: step.slot)
            {
                found.append(Found(condition: number, field: field, comparison: comparison.mirrored, value: value))
            }
        }
        return found
    }

    private func operand(_ expression: Expression, not slot: Int) -> Plan.Operand? {
        var isOwn = false
        expression.forEachSlot { if $0 == slot { isOwn = true } }
        if isOwn { return nil }
        switch expression {
        case .field(let field): return .field(field)
        case .literal(let bytes, _): return .literal(bytes)
        case .parameter(let number, _): return .parameter(number)
        default: return .computed(expression)
        }
    }

    private func indexAccess(
        _ step: Plan.Step, _ found: [Found], _ random: inout RandomValues
    ) -> (Plan.Access, Set<Int>)? {
        guard let (access, used) = lookup(step, found, &random) else { return nil }
        if case .ranges = access { return (access, used) }
        // The same rows twice are one; what they meet is tested besides.
        return random.oneIn(4) ? (.any([access, access]), []) : (access, used)
    }

    private func lookup(
        _ step: Plan.Step, _ found: [Found], _ random: inout RandomValues
    ) -> (Plan.Access, Set<Int>)? {
        guard let schema = schemas[step.table], let ids = indexes[step.table], !ids.isEmpty else { return nil }
        let position = random.below(ids.count)
        let index = schema.indexes[position]
        var prefix: [Plan.KeyPart] = []
        var used: Set<Int> = []
        for column in index.columns {
            guard let equal = found.first(where: { $0.comparison == .equal && isPart($0.field, column) }) else { break }
            prefix.append(Plan.KeyPart(equal.value, tag: tag(equal.field)))
            used.insert(equal.condition)
        }
        if prefix.count == index.columns.count, index.algorithm == .hash || !random.oneIn(4) {
            return (.key(ids[position], prefix), used)
        }
        if prefix.count == index.columns.count { prefix.removeLast() }
        let column = index.columns[prefix.count]
        if index.algorithm != .hash || index.columns.count == 1, let list = list(step, column) {
            used = usedConditions(found, index, prefix.count)
            used.insert(list.condition)
            return (.keys(ids[position], prefix: prefix, tag: list.tag, .values(list.values)), used)
        }
        if index.algorithm == .hash { return nil }
        used = usedConditions(found, index, prefix.count)
        var range = Plan.KeyRange(prefix: prefix)
        for bound in found where bound.field.path == FieldPath(column) && !used.contains(bound.condition) {
            let part = Plan.KeyPart(bound.value)
            switch bound.comparison {
            case .less where range.upper == .unbounded: range.upper = .excluded(part)
            case .lessOrEqual where range.upper == .unbounded: range.upper = .included(part)
            case .greater where range.lower == .unbounded: range.lower = .excluded(part)
            case .greaterOrEqual where range.lower == .unbounded: range.lower = .included(part)
            case .equal where range.upper == .unbounded && range.lower == .unbounded:
                (range.lower, range.upper) = (.included(part), .included(part))
            default: continue
            }
            used.insert(bound.condition)
        }
        if random.oneIn(3) { return (.ranges(ids[position], prefix: prefix, intervals(like: range)), used) }
        return (.range(ids[position], range), used)
    }

    /// The same as several ranges: twice the whole, and nothing of it.
    private func intervals(like range: Plan.KeyRange) -> [Plan.Interval] {
        let whole = Plan.Interval(lower: range.lower, upper: range.upper)
        guard let part = range.lower.part ?? range.upper.part else { return [whole, whole] }
        return [whole, Plan.Interval(lower: .excluded(part), upper: .excluded(part)), whole]
    }

    private func usedConditions(_ found: [Found], _ index: IndexSchema, _ count: Int) -> Set<Int> {
        Set(
            index.columns.prefix(count).compactMap { column in
                found.first { $0.comparison == .equal && isPart($0.field, column) }?.condition
            })
    }

    /// The column itself, or the payload of one of its cases.
    private func isPart(_ field: QueryField, _ column: ColumnID) -> Bool {
        guard field.path.column == column else { return false }
        if field.path.steps.isEmpty { return true }
        guard field.path.steps.count == 1, case .payload = field.path.steps[0] else { return false }
        return true
    }

    private func tag(_ field: QueryField) -> UInt8? {
        guard case .payload(let tag)? = field.path.steps.first else { return nil }
        return tag
    }

    private func list(_ step: Plan.Step, _ column: ColumnID) -> (condition: Int, tag: UInt8?, values: ValueList)? {
        for (number, condition) in step.conditions.enumerated() {
            guard case .isIn(.field(let field), let values) = condition, field.slot == step.slot, isPart(field, column)
            else { continue }
            return (number, tag(field), values)
        }
        return nil
    }
}

extension Plan.Access {
    fileprivate var hasFields: Bool {
        var hasFields = false
        forEachOperand { operand in
            switch operand {
            case .field, .computed: hasFields = true
            case .literal, .parameter: break
            }
        }
        return hasFields
    }
}
