import SpacetimeSATS
import SpacetimeSchema

/// One table of a compiled plan.
struct CompiledStep {
    let slot: Int
    let table: TableID
    let schema: TableSchema
    let source: Plan.Source
    var access: CompiledAccess
    /// What the access goes through.
    let index: IndexSchema?
    /// To ask for the schema itself would be to copy it, in each run.
    let hasIndex: Bool
    /// What the look-ups go through of which one must find a row.
    var alternativeIndexes: [IndexSchema] = []
    /// For hash access: what is compared. The rows of the table are found by ``access``.
    var hashKeys: [HashKey]
    let isReversed: Bool
    /// Nil if all rows are wanted.
    let filter: CompiledPredicate?
    var conditions: PlanCondition
    var laterConditions: PlanCondition
    let isOuter: Bool
    let takesFirst: Bool
    /// Nobody behind the step looks at its row: it matters only how many there are.
    var isCounted = false
    /// It matters only whether there is one.
    var isExistence = false
    /// It looks one value up in a unique index over one column: one row at most.
    var isPoint = false
    /// The position of a later such step that looks up a number which the rows of this one have; -1 if there is none.
    var fedStep = -1

    struct HashKey {
        /// In the step's own row.
        let field: PlanOperand
        let value: PlanValue
        /// If the values are such.
        let integer: KeySpec.Integer?
    }

    var isHashed: Bool { !hashKeys.isEmpty }

    /// True if rows are taken as the access finds them.
    var isUnfiltered: Bool { filter == nil && conditions.isAlways && !takesFirst }
}

/// The way to the rows of a step. Plain data, so that looking at it counts no references: it is looked at for each combination
/// of the steps before.
struct CompiledAccess: BitwiseCopyable {
    enum Kind: UInt8 {
        case table, key, range, keys, ranges, any
    }

    /// A value of a column of the index.
    struct Part: BitwiseCopyable {
        let value: PlanValue
        /// -1 if the value is the whole column.
        let tag: Int32
        /// The column in the step's own row.
        let column: PlanOperand
    }

    /// A range of the column behind the prefix.
    struct Interval: BitwiseCopyable {
        let lower: Part?
        let upper: Part?
        let lowerIsExcluded: Bool
        let upperIsExcluded: Bool
        /// The position of the first of its bounds among the operands of the access.
        let firstOperand: Int
    }

    var kind = Kind.table
    var index = IndexID(0)
    /// Values of the leading columns: where the first stands in ``CompiledPlan/parts``, and how many there are.
    var firstPart = 0
    var prefixCount = 0
    var lower: Part?
    var upper: Part?
    var lowerIsExcluded = false
    var upperIsExcluded = false
    /// Several ranges: where they stand in ``CompiledPlan/intervals``.
    var firstInterval = 0
    var intervalCount = 0
    /// Several look-ups: where they stand in ``CompiledPlan/alternatives``.
    var firstAlternative = 0
    var alternativeCount = 0
    /// The column behind the prefix, if there is a range or a list.
    var next: PlanOperand?
    /// How an index over one integer reads it.
    var integer: KeySpec.Integer?
    /// The variant that the values of a list are payloads of; -1 if they are whole.
    var tag: Int32 = -1
    /// The type of the values of a list.
    var listNode: Int32 = 0
    /// Where the list lies in the constants: for ``ConstantList``.
    var listPlace = 0
    /// The parameter that has the values; -1 if they are constants.
    var listParameter = -1
    var listCount = 0
    /// Where rows have the only column of an index over one integer, if nothing else of them is looked at: then the index
    /// says all, and rows are not read. -1 if they are.
    var coveredOffset = -1
}

/// Makes steps.
extension PlanCompiler {
    /// - Throws: if the step does not fit its table or its index.
    mutating func step(_ step: Plan.Step, _ tables: PlanTables) throws(EngineError) -> CompiledStep {
        guard let schema = tables.table(step.table) else { throw .noSuchTable("#\(step.table.rawValue)") }
        try enter(step.slot, schema, isOuter: step.isOuter)
        var access = step.access
        var keys: [CompiledStep.HashKey] = []
        if case .hash(let fields, let over) = access {
            guard !fields.isEmpty else { throw .invalidPlan("a hash table is to be made of no fields") }
            for key in fields { keys.append(try hashKey(key, step.slot)) }
            access = over
        }
        let filter = try step.filter == .all ? nil : predicate(step.filter, schema)
        if case .any(let accesses) = access {
            let (compiled, indexes) = try any(accesses, step.slot, schema, tables)
            return try self.step(step, schema, compiled, nil, indexes, keys, filter)
        }
        let (compiled, index) = try self.access(access, step.slot, schema, tables)
        return try self.step(step, schema, compiled, index, [], keys, filter)
    }

    private mutating func step(
        _ step: Plan.Step, _ schema: TableSchema, _ compiled: CompiledAccess, _ index: IndexSchema?,
        _ alternativeIndexes: [IndexSchema], _ keys: [CompiledStep.HashKey], _ filter: CompiledPredicate?
    ) throws(EngineError) -> CompiledStep {
        CompiledStep(
            slot: step.slot, table: step.table, schema: schema, source: step.source, access: compiled, index: index,
            hasIndex: index != nil, alternativeIndexes: alternativeIndexes, hashKeys: keys,
            isReversed: step.isReversed, filter: filter, conditions: try conditions(step.conditions),
            laterConditions: try conditions(step.laterConditions), isOuter: step.isOuter, takesFirst: step.takesFirst)
    }

    /// Nil if it always holds.
    private func predicate(_ predicate: RowPredicate, _ schema: TableSchema) throws(EngineError) -> CompiledPredicate? {
        let compiled = try CompiledPredicate(predicate, for: schema, parameters: parameters.map(\.type))
        return compiled.isAlways ? nil : compiled
    }

    private mutating func hashKey(_ key: Plan.HashKey, _ slot: Int) throws(EngineError) -> CompiledStep.HashKey {
        guard key.field.slot == slot else { throw .invalidPlan("a hash table is to be made of other rows") }
        let field = try field(key.field).operand
        return CompiledStep.HashKey(
            field: field, value: try operand(key.value, field.field.node, of: slot),
            integer: KeySpec.Integer(key.field.type))
    }

    /// An operand that must have values of a type, and must not be of the step's own row.
    private mutating func operand(
        _ operand: Plan.Operand, _ node: Int32, of slot: Int
    ) throws(EngineError) -> PlanValue {
        let place = Int32(instructions.count)
        let value: PlanValue
        switch operand {
        case .field(let field):
            try requireEarlier(.field(field), than: slot)
            value = try self.field(field)
        case .computed(let expression):
            try requireEarlier(expression, than: slot)
            value = try self.value(expression)
        case .literal(let bytes):
            let found = try constant(bytes, node)
            value = PlanValue(start: place, end: place, operand: found, isNullable: false, isOption: false)
        case .parameter(let number):
            let found = try parameter(number, node)
            value = PlanValue(start: place, end: place, operand: found, isNullable: false, isOption: false)
        }
        guard types.isAlike(value.node, node) else {
            throw .invalidPlan("an operand is not of the type of its column")
        }
        return value
    }

    private func requireEarlier(_ expression: Expression, than slot: Int) throws(EngineError) {
        var isOwn = false
        expression.forEachSlot { if $0 == slot { isOwn = true } }
        if isOwn { throw .invalidPlan("slot \(slot) is looked for by its own row") }
    }

    // MARK: Accesses

    /// Look-ups of which one must find a row.
    private mutating func any(
        _ accesses: [Plan.Access], _ slot: Int, _ schema: TableSchema, _ tables: PlanTables
    ) throws(EngineError) -> (CompiledAccess, [IndexSchema]) {
        var made: [CompiledAccess] = []
        var indexes: [IndexSchema] = []
        for access in accesses {
            let (compiled, index) = try self.access(access, slot, schema, tables)
            guard let index, compiled.kind != .ranges, compiled.listParameter < 0 else {
                throw .invalidPlan("one of several look-ups is none of one key, one range or given keys")
            }
            made.append(compiled)
            indexes.append(index)
        }
        var compiled = CompiledAccess()
        compiled.kind = .any
        (compiled.firstAlternative, compiled.alternativeCount) = (alternatives.count, made.count)
        alternatives += made
        return (compiled, indexes)
    }

    private mutating func access(
        _ access: Plan.Access, _ slot: Int, _ schema: TableSchema, _ tables: PlanTables
    ) throws(EngineError) -> (CompiledAccess, IndexSchema?) {
        var compiled = CompiledAccess()
        if case .hash = access { throw .invalidPlan("a hash table is to be made of another one") }
        guard let id = access.index else { return (compiled, nil) }
        guard let index = tables.index(id) else { throw .noSuchIndex("#\(id.rawValue)") }
        let columns = try enter(index, id, schema, &compiled)
        switch access {
        case .table, .hash, .any: break
        case .key(_, let parts):
            compiled.kind = .key
            guard parts.count == columns.count else {
                throw .invalidPlan("a key has a value for each column of its index")
            }
            try addPrefix(parts, slot, columns, &compiled)
        case .range(_, let range):
            compiled.kind = .range
            try requireOrder(index, range.prefix.count)
            try addPrefix(range.prefix, slot, columns, &compiled)
            let next = columns[range.prefix.count]
            compiled.next = try column(next, slot)
            (compiled.lower, compiled.lowerIsExcluded) = try bound(range.lower, slot, next)
            (compiled.upper, compiled.upperIsExcluded) = try bound(range.upper, slot, next)
        case .ranges(_, let parts, let intervals):
            compiled.kind = .ranges
            guard parts.count < columns.count else { throw .invalidPlan("no column is left for ranges of keys") }
            let isWhole = parts.count + 1 == columns.count
            if !isWhole || !intervals.allSatisfy({ $0.point != nil }) {
                try requireOrder(index, parts.count)
            }
            try addPrefix(parts, slot, columns, &compiled)
            let next = columns[parts.count]
            compiled.next = try column(next, slot)
            var operand = parts.count
            (compiled.firstInterval, compiled.intervalCount) = (self.intervals.count, intervals.count)
            for interval in intervals {
                let (lower, lowerIsExcluded) = try bound(interval.lower, slot, next)
                let (upper, upperIsExcluded) = try bound(interval.upper, slot, next)
                self.intervals.append(
                    CompiledAccess.Interval(
                        lower: lower, upper: upper, lowerIsExcluded: lowerIsExcluded,
                        upperIsExcluded: upperIsExcluded, firstOperand: operand))
                operand += (lower == nil ? 0 : 1) + (upper == nil ? 0 : 1)
            }
        case .keys(_, let parts, let tag, let values):
            compiled.kind = .keys
            guard parts.count < columns.count else { throw .invalidPlan("no column is left for a list of keys") }
            if parts.count + 1 < columns.count { try requireOrder(index, parts.count) }
            try addPrefix(parts, slot, columns, &compiled)
            let next = try column(columns[parts.count], slot)
            compiled.next = next
            compiled.tag = tag.map(Int32.init) ?? -1
            compiled.listNode = try payload(next.field.node, compiled.tag)
            switch values {
            case .values(let values): (compiled.listPlace, compiled.listCount) = try list(values, compiled.listNode)
            case .parameter(let number):
                try requireList(number, of: compiled.listNode)
                compiled.listParameter = number
            }
        }
        return (compiled, index)
    }

    /// Notes the index, and returns its columns.
    private func enter(
        _ index: IndexSchema, _ id: IndexID, _ schema: TableSchema, _ access: inout CompiledAccess
    ) throws(EngineError) -> [ColumnID] {
        guard !index.columns.isEmpty, index.columns.allSatisfy({ $0.index < schema.columns.count }) else {
            throw .invalidPlan("index '\(index.name)' is not one of table '\(schema.name)'")
        }
        access.index = id
        if index.columns.count == 1 { access.integer = KeySpec.Integer(schema.columns[index.columns[0].index].type) }
        return index.columns
    }

    private func requireOrder(_ index: IndexSchema, _ given: Int) throws(EngineError) {
        if index.algorithm == .hash { throw .rangeOnHashIndex(index: index.name) }
        guard given < index.columns.count else {
            throw .tooManyPrefixColumns(index: index.name, given: given, limit: index.columns.count - 1)
        }
    }

    private mutating func column(_ column: ColumnID, _ slot: Int) throws(EngineError) -> PlanOperand {
        guard let type = slots[slot]?.types[column.index] else { throw .invalidPlan("slot \(slot) has no row") }
        return try field(QueryField(slot: slot, path: FieldPath(column), type: type)).operand
    }

    private mutating func addPrefix(
        _ parts: [Plan.KeyPart], _ slot: Int, _ columns: [ColumnID], _ access: inout CompiledAccess
    ) throws(EngineError) {
        access.firstPart = self.parts.count
        for (part, column) in zip(parts, columns) { self.parts.append(try self.part(part, slot, column)) }
        access.prefixCount = self.parts.count - access.firstPart
    }

    private mutating func part(
        _ part: Plan.KeyPart, _ slot: Int, _ column: ColumnID
    ) throws(EngineError) -> CompiledAccess.Part {
        let own = try self.column(column, slot)
        let tag = part.tag.map(Int32.init) ?? -1
        let value = try operand(part.value, payload(own.field.node, tag), of: slot)
        return CompiledAccess.Part(value: value, tag: tag, column: own)
    }

    private mutating func bound(
        _ bound: Plan.KeyRange.Bound, _ slot: Int, _ column: ColumnID
    ) throws(EngineError) -> (CompiledAccess.Part?, Bool) {
        switch bound {
        case .unbounded: (nil, false)
        case .included(let part): (try self.part(part, slot, column), false)
        case .excluded(let part): (try self.part(part, slot, column), true)
        }
    }

    /// The type of the payload of a variant; of the value itself if no variant is named.
    private func payload(_ node: Int32, _ tag: Int32) throws(EngineError) -> Int32 {
        if tag < 0 { return node }
        let entry = types.nodes[Int(node)]
        guard entry.kind == .sum, tag < entry.childCount else { throw .invalidPlan("a column has no variant \(tag)") }
        return types.children[Int(entry.firstChild + tag)]
    }
}
