import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Groups and their aggregates.
final class GroupStage: LiveStage {
    struct Definition {
        /// Of the rows that come in.
        var schema: TableSchema
        var keys: [FieldPath]
        var inputs: [FieldPath]
        var outputs: [AggregateShape.Output]
        /// Makes the rows of the result of those of the groups, which are keys and aggregates; nil if they are the same.
        var result: CompiledPlan?
    }

    private let aggregate: LiveAggregate
    private let result: PlanRunner?

    init(_ definition: Definition) throws(EngineError) {
        aggregate = try LiveAggregate(
            by: definition.keys, of: definition.inputs, definition.outputs, for: definition.schema)
        result = definition.result.map(PlanRunner.init)
    }

    func fill(_ row: UnsafeRawBufferPointer) { aggregate.fill(row) }

    func finishFilling(in datastore: Datastore) {}

    var rowCount: Int { aggregate.groupCount }

    func rows() throws(EngineError) -> RowBatch { try result(of: aggregate.rows()) }

    func apply(_ changes: RowChanges, in datastore: Datastore) throws(EngineError) -> RowChanges {
        var changes = aggregate.apply(deletes: changes.deletes, inserts: changes.inserts)
        guard result != nil, !changes.isEmpty else { return changes }
        changes.deletes = try result(of: changes.deletes)
        changes.inserts = try result(of: changes.inserts)
        // Nobody hears of a change that is not to be seen.
        changes.cancel()
        return changes
    }

    private func result(of groups: RowBatch) throws(EngineError) -> RowBatch {
        guard let result, !groups.isEmpty else { return groups }
        var rows = RowBatch()
        try result.run(on: groups) { row, times in for _ in 0..<times { rows.append(row) } }
        return rows
    }

    var byteCount: Int { aggregate.byteCount }
}

extension GroupStage.Definition {
    /// - Parameters:
    ///   - paths: where the rows have the keys, and behind them the arguments of those aggregates that have one.
    ///   - columns: what is returned of each group, in terms of keys and aggregates.
    init(
        _ grouping: Grouping, schema: TableSchema, paths: [FieldPath], columns: [QueryColumn]
    ) throws(EngineError) {
        self.schema = schema
        keys = Array(paths.prefix(grouping.keys.count))
        inputs = Array(paths.dropFirst(grouping.keys.count))
        outputs = []
        var input = 0
        for aggregate in grouping.aggregates {
            outputs.append(
                AggregateShape.Output(
                    aggregate.function, of: aggregate.argument == nil ? nil : input, isDistinct: aggregate.isDistinct))
            if aggregate.argument != nil { input += 1 }
        }
        let types = try LiveAggregate(by: keys, of: inputs, outputs, for: schema).resultTypes
        let isPlain =
            columns.enumerated().allSatisfy { position, column in
                switch column.value {
                case .key(let number, _, _): number == position
                case .aggregate(let number, _, _): keys.count + number == position
                default: false
                }
            } && columns.count == types.count && grouping.conditions.isEmpty
        if isPlain { return }
        let groups = TableSchema(
            name: "the groups",
            columns: types.enumerated().map { ColumnSchema(name: "column \($0)", type: $1) } as [ColumnSchema])
        let keyCount = keys.count
        let step = Plan.Step(
            slot: 0, table: TableID(0), source: .changes,
            conditions: grouping.conditions.map { $0.onGroups(keyCount) })
        let plan = Plan(
            steps: [step],
            output: .columns(columns.map { QueryColumn($0.name, $0.value.onGroups(keyCount)) }))
        result = try CompiledPlan(plan, PlanTables(table: { _ in groups }, index: { _ in nil }))
    }
}

extension Expression {
    /// The same in terms of rows that have the keys and the aggregates of groups as columns.
    fileprivate func onGroups(_ keyCount: Int) -> Expression {
        func column(_ position: Int, _ type: AlgebraicType, _ isNullable: Bool) -> Expression {
            // What may be missing is an option there, unless it is one by itself.
            let isWrapped = isNullable && type.optionPayload == nil
            let path = FieldPath(ColumnID(UInt16(position)), isWrapped ? [.payload(0)] : [])
            return .field(QueryField(slot: 0, path: path, type: type, isNullable: isWrapped))
        }
        func all(_ operands: [Expression]) -> [Expression] { operands.map { $0.onGroups(keyCount) } }
        switch self {
        case .key(let position, let type, let isNullable): return column(position, type, isNullable)
        case .aggregate(let position, let type, let isNullable): return column(keyCount + position, type, isNullable)
        case .arithmetic(let operation, let left, let right):
            return .arithmetic(operation, left.onGroups(keyCount), right.onGroups(keyCount))
        case .compare(let comparison, let left, let right):
            return .compare(comparison, left.onGroups(keyCount), right.onGroups(keyCount))
        case .isPresent(let operand): return .isPresent(operand.onGroups(keyCount))
        case .isIn(let operand, let list): return .isIn(operand.onGroups(keyCount), list)
        case .hasPrefix(let operand, let bytes): return .hasPrefix(operand.onGroups(keyCount), bytes)
        case .not(let operand): return .not(operand.onGroups(keyCount))
        case .and(let operands): return .and(all(operands))
        case .or(let operands): return .or(all(operands))
        case .field, .literal, .parameter, .constant, .rows: return self
        }
    }
}
