package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Valid images: every row is one of the table, or of a snapshot of it. Constants were put in by the
// compiler, whole and aligned.

/// A condition made ready for the row layout of one table.
///
/// Free of references into the table, so that it runs on snapshots, too.
// Unchecked: nothing in it changes after `init`, and the memory it points to is its own.
//
// `@safe`: the constants end with the object, and the compiler has put whole, aligned values where instructions say. Rows
// are valid images of the table that it was made for, so every operand lies inside of them.
@safe
@usableFromInline
package final class CompiledPredicate: @unchecked Sendable {
    typealias Instruction = PredicateInstruction

    private let program: TypeProgram
    private let instructions: Buffer<Instruction>
    private let hops: Buffer<FieldHop>
    private let constants: Constants
    private let patches: [PredicateCompiler.Patch]
    private let entry: Int32

    /// - Parameter parameters: the types of the parameters that the condition may compare with. One that does so is run by
    ///   way of ``instance()``.
    /// - Throws: `malformedKey` if a value is not of its field's type, `invalidCondition` if a field is not there,
    ///   `conditionTooLarge`.
    package init(
        _ predicate: RowPredicate, for schema: TableSchema, parameters: [AlgebraicType] = []
    ) throws(EngineError) {
        try predicate.checkSize(table: schema.name)
        let layout: RowLayout
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var compiler = PredicateCompiler(schema, layout, parameters: parameters)
        try compiler.compile(predicate.normalTerms())
        program = layout.program
        entry = compiler.entry
        patches = compiler.patches
        hops = Buffer(compiler.fields.hops)
        constants = Constants(compiler.pool)
        var instructions = Buffer<Instruction>(capacity: compiler.instructions.count)
        for var instruction in compiler.instructions {
            constants.connect(&instruction.test)
            instructions.append(instruction)
        }
        self.instructions = instructions
    }

    /// True if it holds for every row.
    var isAlways: Bool { entry == Instruction.accept }

    /// Whether it compares with parameters.
    var hasParameters: Bool { !patches.isEmpty }

    /// Whether a valid row image satisfies the predicate. Does not allocate.
    package func matches(_ row: UnsafeRawBufferPointer) -> Bool { unsafe matches(row, instructions) }

    /// The single test on an integer at a fixed offset that this predicate is, if it is one.
    var integerTest: IntegerTest? { integerTest(instructions) }

    // MARK: Tests

    @inline(__always)
    fileprivate func matches(_ row: UnsafeRawBufferPointer, _ instructions: borrowing Buffer<Instruction>) -> Bool {
        // A row without bytes has no address, and nothing of it is read; the constants have one.
        let row = unsafe row.baseAddress ?? UnsafeRawPointer(constants.base)
        var place = entry
        // Jumps lead forwards only, so this ends.
        while place >= 0 {
            let instruction = instructions.reference(to: Int(place))
            place = unsafe holds(instruction, row) ? instruction.value.onTrue : instruction.value.onFalse
        }
        return place == Instruction.accept
    }

    @inline(__always)
    private func holds(_ instruction: Ref<Instruction>, _ row: UnsafeRawPointer) -> Bool {
        guard let address = unsafe hops.find(instruction.value.operand, in: row, program) else {
            return unsafe holdsOfNothing(instruction, row)
        }
        if instruction.value.test.kind == .fields { return unsafe fieldsHold(instruction, row, address) }
        return unsafe instruction.value.test.holds(at: address, program)
    }

    @inline(never)
    private func fieldsHold(
        _ instruction: Ref<Instruction>, _ row: UnsafeRawPointer, _ address: UnsafeRawPointer
    ) -> Bool {
        let comparison = instruction.value.test.comparison
        guard let other = unsafe hops.find(instruction.value.other, in: row, program) else {
            return comparison == .notEqual
        }
        return unsafe ValueTest.holds(program.compare(instruction.value.operand.node, address, other), comparison, 0)
    }

    @inline(never)
    private func holdsOfNothing(_ instruction: Ref<Instruction>, _ row: UnsafeRawPointer) -> Bool {
        let comparison = instruction.value.test.comparison
        switch instruction.value.test.kind {
        case .fields:
            // Nothing equals nothing.
            let isOther = unsafe hops.find(instruction.value.other, in: row, program) != nil
            return comparison == (isOther ? .notEqual : .equal)
        case .integer, .float, .double, .text, .value: return comparison == .notEqual
        case .present, .prefix, .integerList, .integerBits, .textList, .valueList: return false
        }
    }

    /// A comparison of an integer that lies at the same place of every row.
    typealias IntegerTest = (integer: KeySpec.Integer, comparison: RowPredicate.Comparison, value: UInt64)

    fileprivate func integerTest(_ instructions: borrowing Buffer<Instruction>) -> IntegerTest? {
        guard instructions.count == 1, entry == 0 else { return nil }
        let instruction = instructions[0]
        guard instruction.test.kind == .integer, instruction.operand.hopCount == 0,
            let offset = Int32(exactly: instruction.operand.start)
        else { return nil }
        var integer = instruction.test.integer
        integer.offset = offset
        let accepts = instruction.onTrue == Instruction.accept
        guard accepts != (instruction.onFalse == Instruction.accept) else { return nil }
        let comparison = instruction.test.comparison
        return (integer, accepts ? comparison : comparison.inverse, instruction.test.number)
    }

    // MARK: Parameters

    /// The same condition with instructions of its own, to be given values of the parameters.
    func instance() -> PredicateInstance { PredicateInstance(self) }

    fileprivate func copyInstructions() -> Buffer<Instruction> {
        var copy = Buffer<Instruction>(capacity: instructions.count)
        for i in 0..<instructions.count { copy.append(instructions[i]) }
        return copy
    }

    /// Puts values of the parameters into a copy of the instructions.
    ///
    /// - Returns: the lists among them, made ready, to be kept while the copy is used.
    fileprivate func set(
        _ values: (Int) -> UnsafeRawBufferPointer, _ instructions: inout Buffer<Instruction>
    ) -> [SharedConstants] {
        var lists: [SharedConstants] = []
        for patch in patches {
            let value = unsafe values(patch.parameter)
            if let elements = patch.elements {
                lists.append(unsafe list(value, elements, &instructions[patch.instruction].test))
            } else {
                unsafe instructions[patch.instruction].test.set(value)
            }
        }
        return lists
    }

    @inline(never)
    private func list(
        _ value: UnsafeRawBufferPointer, _ type: AlgebraicType, _ test: inout ValueTest
    ) -> SharedConstants {
        let (comparison, node) = (test.comparison, test.node)
        var pool = ConstantPool()
        let list = unsafe ValueList(array: Array(value)) ?? ValueList(count: 0, bytes: [])
        // The value is a validated array, so its elements are values of their type.
        test = (try? pool.test(isIn: list, type, node: node, program)) ?? ValueTest(.valueList, comparison, node: node)
        let constants = SharedConstants(pool)
        constants.block.connect(&test)
        return constants
    }
}

/// Constants that were made for values of parameters.
final class SharedConstants {
    let block: Constants

    init(_ pool: ConstantPool) { block = Constants(pool) }
}

/// A condition with values for its parameters, which may be exchanged again and again. Belongs to one thread at a time.
final class PredicateInstance {
    private let predicate: CompiledPredicate
    private var instructions: Buffer<PredicateInstruction>
    private var lists: [SharedConstants] = []

    fileprivate init(_ predicate: CompiledPredicate) {
        self.predicate = predicate
        instructions = predicate.copyInstructions()
    }

    /// Compares with new values, which stay where they are while the condition is used. They were validated.
    func set(_ values: (Int) -> UnsafeRawBufferPointer) {
        if predicate.hasParameters { lists = unsafe predicate.set(values, &instructions) }
    }

    func matches(_ row: UnsafeRawBufferPointer) -> Bool { unsafe predicate.matches(row, instructions) }

    /// Keeps those of some rows that match, in their order, and returns how many.
    func filter(_ rows: UnsafeMutablePointer<UnsafeRawBufferPointer>, _ count: Int) -> Int {
        var kept = 0
        for i in 0..<count {
            let row = unsafe rows[i]
            unsafe rows[kept] = row
            kept &+= unsafe predicate.matches(row, instructions) ? 1 : 0
        }
        return kept
    }

    var integerTest: CompiledPredicate.IntegerTest? { predicate.integerTest(instructions) }
}
