import SpacetimeSATS
import SpacetimeSchema

/// Turns the expressions of a plan into instructions.
///
/// Conditions become jumps: each test says where to go on if it holds and if it does not, and stops as soon as the whole is
/// known. Values are computed in front of the tests that need them.
struct PlanCompiler {
    typealias Instruction = PlanInstruction

    /// A table of the query, once its step has been met.
    struct Slot {
        let schema: TableSchema
        let types: [AlgebraicType]
        let nodes: [Int32]
        /// True if there may be no row.
        let isOuter: Bool
    }

    /// Expressions nested deeper than this are refused, so that the recursion over them has a bounded stack.
    static let depthLimit = 256
    /// More tables than any query joins.
    static let slotLimit = 1 << 12

    let parameters: [QueryParameter]
    private(set) var frame = PlanFrameLayout()
    private(set) var types = TypeProgram()
    private var nodes: [AlgebraicType: Int32] = [:]
    private(set) var slots: [Int: Slot] = [:]
    private(set) var instructions: [Instruction] = []
    var fields = FieldLocators()
    /// Of all steps' accesses.
    var parts: [CompiledAccess.Part] = []
    var intervals: [CompiledAccess.Interval] = []
    var alternatives: [CompiledAccess] = []
    private(set) var pool = ConstantPool()
    private(set) var predicates: [CompiledPredicate] = []
    /// Where labels are, by number.
    private var labels: [Int32] = []
    /// What is named instead of fields behind the grouping: the keys, then the aggregates.
    private var grouped: [Grouped]?

    struct Grouped {
        let type: AlgebraicType
        let isNullable: Bool
    }

    init(_ plan: Plan) throws(EngineError) {
        parameters = plan.parameters
        frame.slotCount = (plan.steps.map(\.slot).max() ?? -1) + 1
        guard frame.slotCount <= Self.slotLimit, plan.steps.allSatisfy({ $0.slot >= 0 }) else {
            throw .invalidPlan("a query has at most \(Self.slotLimit) tables")
        }
        frame.parameterCount = plan.parameters.count
        frame.keyCount = plan.grouping?.keys.count ?? 0
        frame.aggregateCount = plan.grouping?.aggregates.count ?? 0
    }

    // MARK: Types

    mutating func node(_ type: AlgebraicType) throws(EngineError) -> Int32 {
        if let node = nodes[type] { return node }
        do throws(TypeProgramError) {
            let node = try types.add(type)
            nodes[type] = node
            return node
        } catch { throw .invalidPlan(error.reason) }
    }

    /// Makes the fields of a table known to the expressions that follow.
    mutating func enter(_ slot: Int, _ schema: TableSchema, isOuter: Bool) throws(EngineError) {
        guard slots[slot] == nil else { throw .invalidPlan("slot \(slot) has two steps") }
        var nodes: [Int32] = []
        for column in schema.columns { nodes.append(try node(column.type)) }
        slots[slot] = Slot(schema: schema, types: schema.columns.map(\.type), nodes: nodes, isOuter: isOuter)
    }

    /// From here on expressions name keys and aggregates instead of fields.
    mutating func enterGrouping(_ columns: [Grouped]) { grouped = columns }

    // MARK: Values

    mutating func value(_ expression: Expression) throws(EngineError) -> PlanValue {
        try checkDepth(expression)
        let start = Int32(instructions.count)
        let operand = try self.operand(expression)
        return PlanValue(
            start: start, end: Int32(instructions.count), operand: operand, isNullable: isNullable(expression),
            isOption: expression.type.optionPayload != nil)
    }

    /// A value out of a field alone.
    mutating func field(_ field: QueryField) throws(EngineError) -> PlanValue {
        let place = Int32(instructions.count)
        return PlanValue(
            start: place, end: place, operand: try operand(field), isNullable: true,
            isOption: field.type.optionPayload != nil)
    }

    private func isNullable(_ expression: Expression) -> Bool {
        var isNullable = expression.isNullable
        if !isNullable { expression.forEachSlot { if slots[$0]?.isOuter == true { isNullable = true } } }
        return isNullable && !expression.isCondition
    }

    /// Adds the instructions that compute a value, and returns where it will be.
    private mutating func operand(_ expression: Expression) throws(EngineError) -> PlanOperand {
        switch expression {
        case .field(let field): return try operand(field)
        case .literal(let bytes, let type): return try constant(bytes, try node(type))
        case .parameter(let number, let type): return try parameter(number, try node(type))
        case .key(let number, let type, let isNullable):
            guard number < frame.keyCount else { throw .invalidPlan("there is no key \(number)") }
            return try groupedOperand(number, type, isNullable)
        case .aggregate(let number, let type, let isNullable):
            return try groupedOperand(frame.keyCount + max(number, 0), type, isNullable)
        case .arithmetic(let operation, let left, let right):
            guard let arithmetic = PlanArithmetic(operation, left.type) else {
                throw .invalidPlan("there is arithmetic of what are no numbers")
            }
            try require(left.type, right.type, "both operands of arithmetic")
            var instruction = Instruction(kind: .arithmetic)
            instruction.left = try operand(left)
            instruction.right = try operand(right)
            instruction.arithmetic = arithmetic
            instruction.number = takeRegister()
            instructions.append(instruction)
            return PlanOperand(source: instruction.number, field: FieldLocator(node: try node(left.type)))
        case .constant, .compare, .isPresent, .isIn, .hasPrefix, .rows, .not, .and, .or: return try truth(expression)
        }
    }

    private mutating func groupedOperand(
        _ number: Int, _ type: AlgebraicType, _ isNullable: Bool
    ) throws(EngineError) -> PlanOperand {
        guard let grouped, grouped.indices.contains(number) else {
            throw .invalidPlan("a key or an aggregate is named where there is none")
        }
        try require(type, grouped[number].type, "column \(number) of the grouping")
        guard isNullable || !grouped[number].isNullable else {
            throw .invalidPlan("column \(number) of the grouping may be missing and is not said to be nullable")
        }
        return PlanOperand(source: Int32(frame.firstKey + number), field: FieldLocator(node: try node(type)))
    }

    private mutating func operand(_ field: QueryField) throws(EngineError) -> PlanOperand {
        guard grouped == nil else { throw .invalidPlan("a field is named behind the grouping") }
        guard let slot = slots[field.slot] else {
            throw .invalidPlan("slot \(field.slot) is named before its step, or has none")
        }
        guard let (locator, type) = fields.locate(field.path, slot.types, slot.nodes, types) else {
            throw .invalidCondition(table: slot.schema.name, reason: "\(field.path) is named, which is not there")
        }
        try require(field.type, type, "field \(field.path) of table '\(slot.schema.name)'")
        return PlanOperand(source: Int32(field.slot), field: locator)
    }

    /// A condition as a value.
    private mutating func truth(_ expression: Expression) throws(EngineError) -> PlanOperand {
        let register = takeRegister()
        let (isTrue, isFalse, end) = (newLabel(), newLabel(), newLabel())
        try condition(expression, onTrue: isTrue, onFalse: isFalse)
        place(isTrue)
        instructions.append(Instruction(kind: .setTrue, number: register, onTrue: end))
        place(isFalse)
        instructions.append(Instruction(kind: .setFalse, number: register, onTrue: end))
        place(end)
        return PlanOperand(source: register, field: FieldLocator(node: try node(.bool)))
    }

    private mutating func takeRegister() -> Int32 {
        frame.registerCount += 1
        return Int32(frame.firstRegister + frame.registerCount - 1)
    }

    /// A value in BSATN of that type.
    mutating func constant(_ bytes: [UInt8], _ node: Int32) throws(EngineError) -> PlanOperand {
        do throws(BSATNError) { _ = try types.places(of: ValueList(count: 1, bytes: bytes), node) } catch {
            throw .malformedKey(index: "a literal", cause: error)
        }
        return PlanOperand(
            source: Int32(frame.constants), field: FieldLocator(start: pool.add(bytes), node: node))
    }

    mutating func parameter(_ number: Int, _ node: Int32) throws(EngineError) -> PlanOperand {
        guard parameters.indices.contains(number) else { throw .invalidPlan("there is no parameter \(number)") }
        let own = try self.node(parameters[number].type)
        guard types.isAlike(own, node) else {
            throw .invalidPlan("parameter \(number) is not of the type that is asked")
        }
        return PlanOperand(source: Int32(frame.firstParameter + number), field: FieldLocator(node: node))
    }

    /// - Throws: if a parameter is no array of values of that type.
    mutating func requireList(_ number: Int, of node: Int32) throws(EngineError) {
        guard parameters.indices.contains(number), case .array(let element) = parameters[number].type else {
            throw .invalidPlan("parameter \(number) is no list of keys")
        }
        let own = try self.node(element)
        guard types.isAlike(own, node) else { throw .invalidPlan("parameter \(number) is no list of keys") }
    }

    /// Sorted values for ``ConstantList``, and how many there are.
    mutating func list(_ values: ValueList, _ node: Int32) throws(EngineError) -> (place: Int, count: Int) {
        do throws(BSATNError) {
            let places = try types.places(of: values, node)
            let ranges = types.distinct(values, places, node)
            return (pool.addList(ranges.map { values.bytes[$0] }), ranges.count)
        } catch { throw .malformedKey(index: "a list of values", cause: error) }
    }

    // MARK: Conditions

    /// Conditions that must all hold.
    mutating func conditions(_ expressions: [Expression]) throws(EngineError) -> PlanCondition {
        if expressions.allSatisfy({ $0 == .constant(true) }) { return .always }
        for expression in expressions { try checkDepth(expression) }
        let start = Int32(instructions.count)
        try condition(.and(expressions), onTrue: Instruction.accept, onFalse: Instruction.reject)
        return PlanCondition(start: start)
    }

    private mutating func condition(
        _ expression: Expression, onTrue: Int32, onFalse: Int32
    ) throws(EngineError) {
        switch expression {
        case .constant(let holds): instructions.append(Instruction(kind: .jump, onTrue: holds ? onTrue : onFalse))
        case .not(let operand): try condition(operand, onTrue: onFalse, onFalse: onTrue)
        case .and(let operands):
            for operand in operands.dropLast() {
                let next = newLabel()
                try condition(operand, onTrue: next, onFalse: onFalse)
                place(next)
            }
            try condition(operands.last ?? .constant(true), onTrue: onTrue, onFalse: onFalse)
        case .or(let operands):
            for operand in operands.dropLast() {
                let next = newLabel()
                try condition(operand, onTrue: onTrue, onFalse: next)
                place(next)
            }
            try condition(operands.last ?? .constant(false), onTrue: onTrue, onFalse: onFalse)
        default:
            var instruction = try test(expression)
            instruction.onTrue = onTrue
            instruction.onFalse = onFalse
            instructions.append(instruction)
        }
    }

    private mutating func test(_ expression: Expression) throws(EngineError) -> Instruction {
        switch expression {
        case .compare(let comparison, let left, .literal(let bytes, let type)):
            try require(left.type, type, "both sides of a comparison")
            return try test(left, comparison, bytes)
        case .compare(let comparison, .literal(let bytes, let type), let right):
            try require(type, right.type, "both sides of a comparison")
            return try test(right, comparison.mirrored, bytes)
        case .compare(let comparison, let left, let right): return try comparing(comparison, left, right)
        case .isPresent(let operand):
            var instruction = Instruction(kind: .isPresent)
            instruction.left = try self.operand(operand)
            return instruction
        case .isIn(let operand, let values):
            var instruction = Instruction(kind: .test)
            instruction.left = try self.operand(operand)
            let node = try node(operand.type)
            do throws(BSATNError) {
                instruction.test = try pool.test(isIn: values, operand.type, node: node, types)
            } catch { throw .malformedKey(index: "a list of values", cause: error) }
            return instruction
        case .hasPrefix(let operand, let bytes):
            guard operand.type == .string || operand.type == .bytes else {
                throw .invalidPlan("there is a search for a prefix of what is no text")
            }
            var instruction = Instruction(kind: .test)
            instruction.left = try self.operand(operand)
            instruction.test = ValueTest(.prefix)
            instruction.test.place = pool.add(bytes)
            instruction.test.count = bytes.count
            return instruction
        case .rows(let slot, let predicate): return try rowsTest(slot, predicate)
        default:
            guard expression.type == .bool else { throw .invalidPlan("a condition is no Bool") }
            var instruction = Instruction(kind: .isTrue)
            instruction.left = try operand(expression)
            return instruction
        }
    }

    private mutating func test(
        _ operand: Expression, _ comparison: RowPredicate.Comparison, _ bytes: [UInt8]
    ) throws(EngineError) -> Instruction {
        var instruction = Instruction(kind: .test)
        instruction.left = try self.operand(operand)
        let node = try node(operand.type)
        do throws(BSATNError) {
            instruction.test = try pool.test(comparison, bytes, operand.type, node: node, types)
        } catch { throw .malformedKey(index: "a literal", cause: error) }
        return instruction
    }

    private mutating func comparing(
        _ comparison: RowPredicate.Comparison, _ left: Expression, _ right: Expression
    ) throws(EngineError) -> Instruction {
        try require(left.type, right.type, "both sides of a comparison")
        let test = ValueTest(comparison, left.type, node: try node(left.type))
        var instruction = Instruction(kind: test.kind == .integer ? .compareIntegers : .compare)
        instruction.test = test
        instruction.left = try operand(left)
        instruction.right = try operand(right)
        return instruction
    }

    private mutating func rowsTest(_ slot: Int, _ predicate: RowPredicate) throws(EngineError) -> Instruction {
        guard grouped == nil, let schema = slots[slot]?.schema else {
            throw .invalidPlan("slot \(slot) is named where it has no row")
        }
        var instruction = Instruction(kind: .rowMatches)
        instruction.left.source = Int32(slot)
        instruction.number = Int32(predicates.count)
        predicates.append(try CompiledPredicate(predicate, for: schema, parameters: parameters.map(\.type)))
        return instruction
    }

    // MARK: Checks and labels

    private mutating func require(
        _ type: AlgebraicType, _ other: AlgebraicType, _ what: @autoclosure () -> String
    ) throws(EngineError) {
        if type == other { return }
        // Both are made before the program is looked at, which they become part of.
        let (first, second) = (try node(type), try node(other))
        guard types.isAlike(first, second) else {
            throw .invalidPlan("\(what()): types differ (\(type) and \(other))")
        }
    }

    private func checkDepth(_ expression: Expression) throws(EngineError) {
        guard expression.isNested(below: Self.depthLimit) else {
            throw .invalidPlan("an expression is nested deeper than \(Self.depthLimit) levels")
        }
    }

    /// Labels are numbers below those of the ends.
    private static let firstLabel: Int32 = -10

    private mutating func newLabel() -> Int32 {
        labels.append(0)
        return Self.firstLabel - Int32(labels.count - 1)
    }

    private mutating func place(_ label: Int32) { labels[Int(Self.firstLabel - label)] = Int32(instructions.count) }

    /// The instructions with places instead of labels.
    func resolvedInstructions() -> [Instruction] {
        func resolved(_ target: Int32) -> Int32 {
            target <= Self.firstLabel ? labels[Int(Self.firstLabel - target)] : target
        }
        return instructions.map { instruction in
            var instruction = instruction
            instruction.onTrue = resolved(instruction.onTrue)
            instruction.onFalse = resolved(instruction.onFalse)
            return instruction
        }
    }
}

extension Expression {
    fileprivate var isCondition: Bool {
        switch self {
        case .constant, .compare, .isPresent, .isIn, .hasPrefix, .rows, .not, .and, .or: true
        case .field, .literal, .parameter, .key, .aggregate, .arithmetic: false
        }
    }

    /// Whether no part of it lies so deep. Works off a list instead of recursing.
    func isNested(below limit: Int) -> Bool {
        var open: [(Expression, Int)] = [(self, 0)]
        while let (expression, depth) = open.popLast() {
            if depth >= limit { return false }
            switch expression {
            case .arithmetic(_, let left, let right), .compare(_, let left, let right):
                open.append((left, depth + 1))
                open.append((right, depth + 1))
            case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
                open.append((operand, depth + 1))
            case .and(let operands), .or(let operands): open += operands.map { ($0, depth + 1) }
            case .field, .literal, .parameter, .key, .aggregate, .constant, .rows: break
            }
        }
        return true
    }
}

extension TypeProgram {
    /// Whether values of two types are laid out and ordered alike, whatever their fields are called.
    func isAlike(_ left: Int32, _ right: Int32) -> Bool {
        if left == right { return true }
        let (first, second) = (nodes[Int(left)], nodes[Int(right)])
        guard first.kind == second.kind, first.fixedSize == second.fixedSize, first.childCount == second.childCount
        else {
            return false
        }
        return (0..<first.childCount).allSatisfy {
            isAlike(children[Int(first.firstChild + $0)], children[Int(second.firstChild + $0)])
        }
    }
}
