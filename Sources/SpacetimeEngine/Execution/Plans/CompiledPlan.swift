package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. What is compiled holds no address but those of its own constants.

/// Where a plan learns what tables and indexes look like.
package struct PlanTables {
    let table: (TableID) -> TableSchema?
    let index: (IndexID) -> IndexSchema?

    package init(table: @escaping (TableID) -> TableSchema?, index: @escaping (IndexID) -> IndexSchema?) {
        self.table = table
        self.index = index
    }

    package init(_ datastore: Datastore) {
        self.init(table: { datastore.schema(of: $0) }, index: { datastore.schema(of: $0) })
    }
}

/// A plan made ready for the layouts of its tables: flat programs that work on row bytes.
///
/// Made once and shared by all who run it, each with a ``PlanRunner`` of its own. Good for as long as the tables and indexes
/// that it names are there, which a run checks.
// Unchecked: nothing in it changes after `init`, and the memory it points to is its own.
package final class CompiledPlan: @unchecked Sendable {
    package let plan: Plan
    /// What a row of the result is.
    package let resultType: ProductType
    let program: PlanProgram
    let frame: PlanFrameLayout
    let steps: Buffer<CompiledStep>
    /// What the accesses of the steps look for.
    let parts: Buffer<CompiledAccess.Part>
    let intervals: Buffer<CompiledAccess.Interval>
    /// The look-ups of which one must find a row.
    let alternatives: Buffer<CompiledAccess>
    /// Keys that are looked up come with parameters.
    let hasListParameters: Bool
    let predicates: [CompiledPredicate]
    let parameters: Buffer<Parameter>
    /// What must hold for there to be any combination of rows.
    let conditions: PlanCondition
    let grouping: CompiledGrouping?
    let order: Buffer<Order>
    /// See ``Plan/sortedTerms``.
    let sortedTerms: Int
    let limit: PlanValue?
    let offset: PlanValue?

    struct Parameter: BitwiseCopyable {
        let node: Int32
        /// Bytes of every value if any bytes are a value; -1 if values must be looked at.
        let uncheckedSize: Int
    }

    /// The slot whose whole rows are the result; -1 if that has ``columns``.
    let rowSlot: Int
    let columns: Buffer<OutputColumn>
    /// The columns if each is there as it is to be shown, a constant number of bytes behind the beginning of its row; empty if not.
    let plainColumns: Buffer<PlainColumn>
    /// Rows are shown as they are found: not grouped, not sorted, and not compared with others.
    let isDirect: Bool
    /// The last of several steps looks one row up, and does nothing else.
    let endsInPoint: Bool
    /// Set if it finds one row by a key that is known before, and does nothing else.
    let point: Point?

    /// The look-up of one row.
    struct Point: BitwiseCopyable {
        let slot: Int
        let index: IndexID
        /// Where the key is.
        let key: PlanOperand
        let isInteger: Bool
    }

    struct Order: BitwiseCopyable {
        let value: PlanValue
        let isDescending: Bool
    }

    /// - Throws: `invalidPlan`, `noSuchTable`, `noSuchIndex`, `invalidCondition` or `malformedKey` if the plan does not fit
    ///   the tables or itself.
    package init(_ plan: Plan, _ tables: PlanTables) throws(EngineError) {
        var compiler = try PlanCompiler(plan)
        conditions = try compiler.conditions(plan.conditions)
        limit = try compiler.count(plan.limit)
        offset = try compiler.count(plan.offset)
        var compiled: [CompiledStep] = []
        for step in plan.steps { compiled.append(try compiler.step(step, tables)) }
        guard plan.steps.count(where: { $0.source == .changes }) <= 1 else {
            throw .invalidPlan("two steps take the rows that are handed in")
        }
        grouping = try plan.grouping.map { (grouping) throws(EngineError) in try compiler.grouping(grouping) }
        let output: [OutputColumn]
        (rowSlot, output, resultType) = try compiler.output(plan)
        columns = Buffer(output)
        var order: [Order] = []
        for term in plan.order {
            order.append(Order(value: try compiler.value(term.value), isDescending: term.isDescending))
        }
        self.order = Buffer(order)
        guard (0...order.count).contains(plan.sortedTerms), plan.sortedTerms == 0 || plan.grouping == nil else {
            throw .invalidPlan("rows are said to come in order of \(plan.sortedTerms) of \(order.count) terms")
        }
        sortedTerms = plan.sortedTerms
        Self.findCountedSteps(&compiled, plan)
        Self.findCoveredSteps(&compiled, plan)
        for position in compiled.indices { compiled[position].isPoint = compiled[position].findsOneRow(compiler.parts) }
        Self.findFedSteps(&compiled, compiler.parts)
        endsInPoint =
            compiled.count > 1
            && compiled.last.map { $0.isPoint && $0.isUnfiltered && !$0.isOuter && !$0.isCounted } == true
            && plan.steps.last?.laterConditions.isEmpty == true
        point = plan.showsOneStep ? compiled[0].point(compiler.parts) : nil
        isDirect = plan.grouping == nil && plan.order.isEmpty && !plan.isDistinct
        let plain = plan.isDistinct ? [] : output.compactMap(PlainColumn.init)
        plainColumns = Buffer(plain.count == output.count ? plain : [])
        var parameters: [Parameter] = []
        for parameter in plan.parameters {
            let node = try compiler.node(parameter.type)
            let entry = compiler.types.nodes[Int(node)]
            parameters.append(Parameter(node: node, uncheckedSize: entry.isUnchecked ? Int(entry.fixedSize) : -1))
        }
        self.plan = plan
        self.parameters = Buffer(parameters)
        hasListParameters = compiled.contains { $0.access.listParameter >= 0 }
        steps = Buffer(compiled)
        parts = Buffer(compiler.parts)
        intervals = Buffer(compiler.intervals)
        alternatives = Buffer(compiler.alternatives)
        predicates = compiler.predicates
        frame = compiler.frame
        let constants = Constants(compiler.pool)
        var instructions = Buffer<PlanInstruction>(capacity: compiler.instructions.count)
        for var instruction in compiler.resolvedInstructions() {
            constants.connect(&instruction.test)
            instructions.append(instruction)
        }
        program = PlanProgram(
            types: compiler.types, instructions: instructions, hops: Buffer(compiler.fields.hops), constants: constants)
    }

    package convenience init(_ plan: Plan, for datastore: Datastore) throws(EngineError) {
        try self.init(plan, PlanTables(datastore))
    }

    /// Finds the steps whose rows nobody behind them looks at.
    private static func findCountedSteps(_ steps: inout [CompiledStep], _ plan: Plan) {
        var used: Set<Int> = []
        func use(_ expression: Expression) { expression.forEachSlot { used.insert($0) } }
        if let grouping = plan.grouping {
            grouping.keys.forEach(use)
            for aggregate in grouping.aggregates { aggregate.argument.map(use) }
        } else {
            switch plan.output {
            case .rows(let slot): used.insert(slot)
            case .columns(let columns): for column in columns { use(column.value) }
            }
            for term in plan.order { use(term.value) }
        }
        for position in steps.indices.reversed() {
            let step = plan.steps[position]
            step.laterConditions.forEach(use)
            steps[position].isCounted = !used.contains(step.slot)
            steps[position].isExistence = plan.isDistinct && plan.grouping == nil
            step.conditions.forEach(use)
            step.access.forEachOperand { operand in
                switch operand {
                case .field(let field): used.insert(field.slot)
                case .computed(let expression): use(expression)
                case .literal, .parameter: break
                }
            }
        }
    }
}

extension CompiledPlan {
    /// Finds the steps whose index says all that is looked at of their rows.
    private static func findCoveredSteps(_ steps: inout [CompiledStep], _ plan: Plan) {
        for position in steps.indices {
            let step = steps[position]
            guard step.access.kind == .range || step.access.kind == .ranges, step.access.integer != nil,
                step.source == .table, step.filter == nil, !step.isHashed, let column = step.index?.columns.first,
                let field = step.access.next?.field, field.hopCount == 0, field.start <= coveredOffsetLimit,
                plan.looks(onlyAt: FieldPath(column), of: step.slot)
            else { continue }
            steps[position].access.coveredOffset = field.start
        }
    }

    private static let coveredOffsetLimit = 1 << 12

    /// Finds the steps out of whose rows a later one takes the number that it looks up.
    private static func findFedSteps(_ steps: inout [CompiledStep], _ parts: [CompiledAccess.Part]) {
        for position in steps.indices where steps[position].isPoint && steps[position].access.integer != nil {
            let key = parts[steps[position].access.firstPart].value
            guard key.start == key.end, key.operand.field.hopCount == 0,
                let feeding = steps[..<position].firstIndex(where: { $0.slot == Int(key.operand.source) }),
                steps[feeding].fedStep < 0
            else { continue }
            steps[feeding].fedStep = position
        }
    }
}

extension CompiledStep {
    /// Whether one row at most is found, by the value of one column that is never nil.
    fileprivate func findsOneRow(_ parts: [CompiledAccess.Part]) -> Bool {
        guard access.kind == .key, access.prefixCount == 1, parts[access.firstPart].tag < 0, let index, index.isUnique,
            index.columns.count == 1, schema.columns[index.columns[0].index].type.optionPayload == nil
        else { return false }
        return source == .table && !isHashed
    }

    /// The look-up that it is, if it is nothing else.
    fileprivate func point(_ parts: [CompiledAccess.Part]) -> CompiledPlan.Point? {
        guard isPoint, isUnfiltered, !isOuter else { return nil }
        let key = parts[access.firstPart].value
        guard key.start == key.end, key.operand.field.hopCount == 0 else { return nil }
        return CompiledPlan.Point(
            slot: slot, index: access.index, key: key.operand, isInteger: access.integer != nil)
    }
}

extension Plan {
    /// Nothing is done but to show the rows of one step.
    fileprivate var showsOneStep: Bool {
        steps.count == 1 && steps[0].laterConditions.isEmpty && conditions.isEmpty && grouping == nil && order.isEmpty
            && !isDistinct && limit == nil && offset == nil
    }

    /// Whether of the rows of a slot only one field is looked at.
    fileprivate func looks(onlyAt path: FieldPath, of slot: Int) -> Bool {
        var isOnly = true
        func look(_ expression: Expression) {
            expression.forEachField { field in
                if field.slot == slot, field.path != path { isOnly = false }
            } row: {
                if $0 == slot { isOnly = false }
            }
        }
        switch output {
        case .rows(slot): return false
        case .rows: break
        case .columns(let columns): for column in columns { look(column.value) }
        }
        if let grouping {
            grouping.keys.forEach(look)
            for aggregate in grouping.aggregates { aggregate.argument.map(look) }
        }
        for term in order { look(term.value) }
        for step in steps {
            step.conditions.forEach(look)
            step.laterConditions.forEach(look)
            step.access.forEachOperand { operand in
                switch operand {
                case .field(let field): look(.field(field))
                case .computed(let expression): look(expression)
                case .literal, .parameter: break
                }
            }
        }
        return isOnly
    }
}

extension Plan.Access {
    /// The index that it goes through; nil for several.
    package var index: IndexID? {
        switch self {
        case .key(let index, _), .range(let index, _), .keys(let index, _, _, _), .ranges(let index, _, _): index
        case .hash(_, let inner): inner.index
        case .table, .any: nil
        }
    }

    /// Calls `body` with everything that the rows are looked for by.
    package func forEachOperand(_ body: (Plan.Operand) -> Void) {
        switch self {
        case .table: break
        case .key(_, let parts): for part in parts { body(part.value) }
        case .range(_, let range):
            for part in range.prefix { body(part.value) }
            for bound in [range.lower, range.upper] { (bound.part?.value).map(body) }
        case .keys(_, let prefix, _, _): for part in prefix { body(part.value) }
        case .ranges(_, let prefix, let intervals):
            for part in prefix { body(part.value) }
            for interval in intervals {
                for bound in [interval.lower, interval.upper] { (bound.part?.value).map(body) }
            }
        case .any(let accesses): for access in accesses { access.forEachOperand(body) }
        case .hash(let keys, let over):
            for key in keys { body(key.value) }
            over.forEachOperand(body)
        }
    }
}

extension Plan.Interval.Bound {
    package var part: Plan.KeyPart? {
        switch self {
        case .unbounded: nil
        case .included(let part), .excluded(let part): part
        }
    }
}

/// A column of the result.
struct OutputColumn: BitwiseCopyable {
    let value: PlanValue
    /// Bytes of each value; or one of those below.
    let size: Int32

    /// A text, or bytes: a count of bytes, and these.
    static let counted: Int32 = -1
    /// The type's program says it.
    static let computed: Int32 = -2

    /// It is there as it is to be shown, in every row.
    var isPlain: Bool { value.start == value.end && !value.isNullable && size != Self.computed }
}

/// A column of the result that is copied from where a row has it.
struct PlainColumn: BitwiseCopyable {
    /// The position of the row in the frame.
    let source: Int32
    /// As in ``OutputColumn``, but not computed.
    let size: Int32
    /// Bytes in front of it.
    let start: Int

    init?(_ column: OutputColumn) {
        guard column.isPlain, column.value.operand.field.hopCount == 0 else { return nil }
        source = column.value.operand.source
        size = column.size
        start = column.value.operand.field.start
    }
}

/// Grouping, compiled.
// Unchecked: nothing in it changes after `init`. A class, so that looking at it with each row counts one reference at most.
final class CompiledGrouping: @unchecked Sendable {
    let shape: AggregateShape
    let keys: Buffer<PlanValue>
    let inputs: Buffer<PlanValue>
    /// What a group must meet.
    let conditions: PlanCondition
    /// How the keys and the aggregates lie in a result row of the shape, behind each other.
    let columns: [Column]

    struct Column {
        let node: Int32
        /// An option whose payload is what expressions mean; nil is missing.
        let isWrapped: Bool
    }

    init(
        shape: AggregateShape, keys: [PlanValue], inputs: [PlanValue], conditions: PlanCondition, columns: [Column]
    ) {
        self.shape = shape
        self.keys = Buffer(keys)
        self.inputs = Buffer(inputs)
        self.conditions = conditions
        self.columns = columns
    }
}

/// Makes what comes behind the steps.
extension PlanCompiler {
    /// A number of rows.
    fileprivate mutating func count(_ expression: Expression?) throws(EngineError) -> PlanValue? {
        guard let expression else { return nil }
        guard expression.type == .u64 else { throw .invalidPlan("a limit is no u64") }
        return try value(expression)
    }

    fileprivate mutating func grouping(_ grouping: Grouping) throws(EngineError) -> CompiledGrouping {
        var keys: [PlanValue] = []
        var columns: [CompiledGrouping.Column] = []
        var keyTypes: [AlgebraicType] = []
        for key in grouping.keys {
            let value = try value(key)
            let type = value.isNullable && !value.isOption ? .option(key.type) : key.type
            keys.append(value)
            keyTypes.append(type)
            columns.append(
                CompiledGrouping.Column(node: try node(type), isWrapped: value.isNullable && !value.isOption))
        }
        var inputs: [PlanValue] = []
        var expressions: [Expression] = []
        var outputs: [AggregateShape.Output] = []
        for aggregate in grouping.aggregates {
            var input: Int?
            if let argument = aggregate.argument {
                input = expressions.firstIndex(of: argument)
                if input == nil {
                    input = expressions.count
                    expressions.append(argument)
                    inputs.append(try value(argument))
                }
            }
            outputs.append(AggregateShape.Output(aggregate.function, of: input, isDistinct: aggregate.isDistinct))
        }
        let shape: AggregateShape
        do throws(AggregateShape.Failure) {
            shape = try AggregateShape(
                keys: keyTypes,
                inputs: zip(expressions, inputs).map { AggregateShape.Input($0.type, isNullable: $1.isNullable) },
                outputs: outputs)
        } catch { throw .invalidPlan(error.reason) }
        var types = grouping.keys.map(\.type)
        for (compiled, type) in zip(shape.outputs, shape.resultTypes[keyTypes.count...]) {
            columns.append(CompiledGrouping.Column(node: try node(type), isWrapped: compiled.isNullable))
            types.append(compiled.isNullable ? type.optionPayload ?? type : type)
        }
        enterGrouping(zip(types, columns).map { Grouped(type: $0, isNullable: $1.isWrapped) })
        return CompiledGrouping(
            shape: shape, keys: keys, inputs: inputs, conditions: try conditions(grouping.conditions), columns: columns)
    }

    fileprivate mutating func output(
        _ plan: Plan
    ) throws(EngineError) -> (rowSlot: Int, [OutputColumn], ProductType) {
        switch plan.output {
        case .rows(let slot):
            guard plan.grouping == nil, let table = slots[slot], !table.isOuter else {
                throw .invalidPlan("whole rows of slot \(slot) are asked for, which may not be there")
            }
            return (slot, [], table.schema.rowType)
        case .columns(let columns):
            var values: [OutputColumn] = []
            for column in columns {
                let value = try value(column.value)
                let entry = types.nodes[Int(value.node)]
                let size =
                    switch entry.kind {
                    case .string, .bytes: OutputColumn.counted
                    default: entry.fixedSize >= 0 ? entry.fixedSize : OutputColumn.computed
                    }
                guard !value.isNullable || column.value.isNullable else {
                    throw .invalidPlan("column '\(column.name)' may be missing and is not said to be nullable")
                }
                values.append(OutputColumn(value: value, size: size))
            }
            return (-1, values, ProductType(columns.map { ($0.name, $0.value.resultType) }))
        }
    }
}

extension AggregateShape.Failure {
    fileprivate var reason: String {
        switch self {
        case .undefined(let function, let type):
            "there is no \(function) of \(type.map { "\($0)" } ?? "rows")"
        case .unsupportedType(let reason): reason
        }
    }
}
