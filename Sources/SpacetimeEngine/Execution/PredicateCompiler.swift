import SpacetimeSATS
import SpacetimeSchema

/// Turns the terms of a condition into a program that tests one field after the other and stops as soon as it knows.
///
/// The terms are gone through from the last to the first, so that the place where each operand goes on is known when its
/// code is made; the program comes out backwards and is turned round at the end. Nothing recurses.
struct PredicateCompiler {
    typealias Instruction = PredicateInstruction

    /// Where the code of a part goes on. Code that was not made yet is what will be the entry of the part to its right.
    private enum Target {
        case place(Int32)
        case rightNeighbour
    }

    /// An instruction that compares with a parameter.
    struct Patch {
        var instruction: Int
        var parameter: Int
        /// The type of the values of a parameter that is a list; nil if it is a value.
        var elements: AlgebraicType?
    }

    let schema: TableSchema
    let layout: RowLayout
    /// The types of the query's parameters; empty for conditions that have none.
    let parameters: [AlgebraicType]
    private(set) var instructions: [Instruction] = []
    private(set) var fields = FieldLocators()
    private(set) var pool = ConstantPool()
    private(set) var patches: [Patch] = []
    /// Where the program begins.
    private(set) var entry = Instruction.accept

    init(_ schema: TableSchema, _ layout: RowLayout, parameters: [AlgebraicType]) {
        self.schema = schema
        self.layout = layout
        self.parameters = parameters
    }

    mutating func compile(_ terms: [RowPredicate.Term]) throws(EngineError) {
        var open: [(onTrue: Target, onFalse: Target)] = [
            (.place(Instruction.accept), .place(Instruction.reject))
        ]
        // Until the end, places count from the end of the program.
        for term in terms.reversed() {
            guard let next = open.popLast() else { break }
            let onTrue = place(next.onTrue)
            let onFalse = place(next.onFalse)
            switch term {
            case .all: entry = onTrue
            case .none: entry = onFalse
            case .not: open.append((.place(onFalse), .place(onTrue)))
            case .and:
                open.append((.rightNeighbour, .place(onFalse)))
                open.append((.place(onTrue), .place(onFalse)))
            case .or:
                open.append((.place(onTrue), .rightNeighbour))
                open.append((.place(onTrue), .place(onFalse)))
            default:
                var instruction = try self.instruction(term)
                instruction.onTrue = onTrue
                instruction.onFalse = onFalse
                instructions.append(instruction)
                entry = Int32(instructions.count - 1)
            }
        }
        turnRound()
    }

    private func place(_ target: Target) -> Int32 {
        switch target {
        case .place(let place): place
        case .rightNeighbour: entry
        }
    }

    private mutating func turnRound() {
        let last = Int32(instructions.count) - 1
        instructions.reverse()
        for i in instructions.indices {
            if instructions[i].onTrue >= 0 { instructions[i].onTrue = last - instructions[i].onTrue }
            if instructions[i].onFalse >= 0 { instructions[i].onFalse = last - instructions[i].onFalse }
        }
        if entry >= 0 { entry = last - entry }
        for i in patches.indices { patches[i].instruction = Int(last) - patches[i].instruction }
    }

    // MARK: Terms

    private mutating func instruction(_ term: RowPredicate.Term) throws(EngineError) -> Instruction {
        switch term {
        case .compare(let path, let comparison, let value):
            return try comparing(path, comparison, value)
        case .compareParameter(let path, let comparison, let number):
            let (operand, type) = try operand(path)
            guard parameters.indices.contains(number) else { throw invalid("its parameter \(number) has no value yet") }
            guard parameters[number] == type else {
                throw invalid("its parameter \(number) is not of the type of the field that it is compared with")
            }
            patches.append(Patch(instruction: instructions.count, parameter: number))
            return Instruction(test: ValueTest(comparison, type, node: operand.node), operand: operand)
        case .isInParameter(let path, let number):
            let (operand, type) = try operand(path)
            guard parameters.indices.contains(number) else { throw invalid("its parameter \(number) has no value yet") }
            guard parameters[number] == .array(type) else {
                throw invalid("its parameter \(number) is no array of what the field that is looked for in it has")
            }
            patches.append(Patch(instruction: instructions.count, parameter: number, elements: type))
            return Instruction(test: ValueTest(.valueList, node: operand.node), operand: operand)
        case .compareFields(let path, let comparison, let other):
            let (operand, type) = try operand(path)
            let (second, otherType) = try self.operand(other)
            guard type == otherType else { throw invalid("it compares fields of different types") }
            let test = ValueTest(.fields, comparison, node: operand.node)
            return Instruction(test: test, operand: operand, other: second)
        case .isPresent(let path): return Instruction(test: ValueTest(.present), operand: try operand(path).0)
        case .hasPrefix(let path, let bytes):
            let (operand, type) = try operand(path)
            guard type == .string || type == .bytes else { throw invalid("it looks for a prefix of what is no text") }
            var test = ValueTest(.prefix)
            test.place = pool.add(bytes)
            test.count = bytes.count
            return Instruction(test: test, operand: operand)
        case .isIn(let path, let values):
            let (operand, type) = try operand(path)
            do throws(BSATNError) {
                let test = try pool.test(isIn: values, type, node: operand.node, layout.program)
                return Instruction(test: test, operand: operand)
            } catch { throw malformed(path, error) }
        case .all, .none, .and, .or, .not: preconditionFailure("operators and constants have no instruction")
        }
    }

    private mutating func comparing(
        _ path: FieldPath, _ comparison: RowPredicate.Comparison, _ value: [UInt8]
    ) throws(EngineError) -> Instruction {
        var path = path
        var value = value[...]
        var (operand, type) = try operand(path)
        // A value of a sum is its tag and its payload: the payload is compared in the best way for its own type.
        while comparison == .equal || comparison == .notEqual, case .sum = type, KeySpec.Integer(type) == nil,
            let tag = value.first
        {
            path.steps.append(.payload(tag))
            value = value.dropFirst()
            (operand, type) = try self.operand(path)
        }
        do throws(BSATNError) {
            let test = try pool.test(comparison, Array(value), type, node: operand.node, layout.program)
            return Instruction(test: test, operand: operand)
        } catch { throw malformed(path, error) }
    }

    // MARK: Parts

    /// Where a path leads, and the type of what is there.
    private mutating func operand(_ path: FieldPath) throws(EngineError) -> (FieldLocator, AlgebraicType) {
        let column = path.column.index
        guard column < schema.columns.count else { throw invalid("it names column \(column), which is not there") }
        guard let found = fields.locate(path, schema.columns.map(\.type), layout.columns.map(\.node), layout.program)
        else { throw invalid("the path \(path) leads into what column '\(schema.columns[column].name)' does not have") }
        return found
    }

    private func malformed(_ path: FieldPath, _ error: BSATNError) -> EngineError {
        .malformedKey(index: "\(schema.name).\(schema.columns[path.column.index].name)", cause: error)
    }

    private func invalid(_ reason: String) -> EngineError { .invalidCondition(table: schema.name, reason: reason) }
}
