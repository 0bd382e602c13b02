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
    /// Keys that are looked up come with parameters.
    let hasListParameters: Bool
    let predicates: [CompiledPredicate]
    let parameters: [Parameter]
    /// What must hold for there to be any combination of rows.
    let conditions: PlanCondition
    let grouping: CompiledGrouping?
    let output: Output
    let order: [Order]
    let limit: PlanValue?
    let offset: PlanValue?

    struct Parameter {
        let node: Int32
        /// Bytes of every value if any bytes are a value; -1 if values must be looked at.
        let uncheckedSize: Int
    }

    enum Output {
        case row(slot: Int)
        case columns([PlanValue])
    }

    struct Order {
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
        (output, resultType) = try compiler.output(plan)
        var order: [Order] = []
        for term in plan.order {
            order.append(Order(value: try compiler.value(term.value), isDescending: term.isDescending))
        }
        self.order = order
        Self.findCountedSteps(&compiled, plan)
        var parameters: [Parameter] = []
        for parameter in plan.parameters {
            let node = try compiler.node(parameter.type)
            let entry = compiler.types.nodes[Int(node)]
            parameters.append(Parameter(node: node, uncheckedSize: entry.isUnchecked ? Int(entry.fixedSize) : -1))
        }
        self.plan = plan
        self.parameters = parameters
        hasListParameters = compiled.contains { $0.access.listParameter >= 0 }
        steps = Buffer(compiled)
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

extension Plan.Access {
    /// Calls `body` with everything that the rows are looked for by.
    package func forEachOperand(_ body: (Plan.Operand) -> Void) {
        switch self {
        case .table: break
        case .key(_, let parts): for part in parts { body(part.value) }
        case .range(_, let range):
            for part in range.prefix { body(part.value) }
            for bound in [range.lower, range.upper] {
                switch bound {
                case .unbounded: break
                case .included(let part), .excluded(let part): body(part.value)
                }
            }
        case .keys(_, let prefix, _, _): for part in prefix { body(part.value) }
        case .hash(let keys, let over):
            for key in keys { body(key.value) }
            over.forEachOperand(body)
        }
    }
}

/// Grouping, compiled.
struct CompiledGrouping {
    let shape: AggregateShape
    let keys: [PlanValue]
    let inputs: [PlanValue]
    /// What a group must meet.
    let conditions: PlanCondition
    /// How the keys and the aggregates lie in a result row of the shape, behind each other.
    let columns: [Column]

    struct Column {
        let node: Int32
        /// An option whose payload is what expressions mean; nil is missing.
        let isWrapped: Bool
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

    fileprivate mutating func output(_ plan: Plan) throws(EngineError) -> (CompiledPlan.Output, ProductType) {
        switch plan.output {
        case .rows(let slot):
            guard plan.grouping == nil, let table = slots[slot], !table.isOuter else {
                throw .invalidPlan("whole rows of slot \(slot) are asked for, which may not be there")
            }
            return (.row(slot: slot), table.schema.rowType)
        case .columns(let columns):
            var values: [PlanValue] = []
            for column in columns {
                let value = try value(column.value)
                guard !value.isNullable || column.value.isNullable else {
                    throw .invalidPlan("column '\(column.name)' may be missing and is not said to be nullable")
                }
                values.append(value)
            }
            return (.columns(values), ProductType(columns.map { ($0.name, $0.value.resultType) }))
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
