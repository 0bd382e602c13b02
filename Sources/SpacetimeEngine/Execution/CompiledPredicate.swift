import SpacetimeSATS
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

    private let layout: RowLayout
    private let instructions: Buffer<Instruction>
    private let steps: Buffer<Instruction.Step>
    private let constants: UnsafeMutableRawPointer
    private let entry: Int32

    /// - Throws: `malformedKey` if a value is not of its field's type, `invalidCondition` if a field is not there,
    ///   `conditionTooLarge`.
    package init(_ predicate: RowPredicate, for schema: TableSchema) throws(EngineError) {
        try predicate.checkSize(table: schema.name)
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var compiler = PredicateCompiler(schema, layout)
        try compiler.compile(predicate.normalTerms())
        entry = compiler.entry
        instructions = Buffer(compiler.instructions)
        steps = Buffer(compiler.steps)
        unsafe constants = .allocate(byteCount: max(compiler.constants.count, 8), alignment: 8)
        unsafe compiler.constants.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { unsafe constants.copyMemory(from: start, byteCount: bytes.count) }
        }
    }

    deinit { unsafe constants.deallocate() }

    /// Whether a valid row image satisfies the predicate. Does not allocate.
    package func matches(_ row: UnsafeRawBufferPointer) -> Bool {
        // A row without bytes has no address, and nothing of it is read; the constants have one.
        let row = unsafe row.baseAddress ?? UnsafeRawPointer(constants)
        var place = entry
        // Jumps lead forwards only, so this ends.
        while place >= 0 {
            let instruction = instructions.reference(to: Int(place))
            place = unsafe holds(instruction, row) ? instruction.value.onTrue : instruction.value.onFalse
        }
        return place == Instruction.accept
    }

    /// The single test on an integer at a fixed offset that this predicate is, if it is one.
    var integerTest: (integer: KeySpec.Integer, comparison: RowPredicate.Comparison, value: UInt64)? {
        guard instructions.count == 1, entry == 0 else { return nil }
        let instruction = instructions[0]
        guard instruction.kind == .integer, instruction.operand.offset >= 0 else { return nil }
        var integer = instruction.integer
        integer.offset = instruction.operand.offset
        let accepts = instruction.onTrue == Instruction.accept
        guard accepts != (instruction.onFalse == Instruction.accept) else { return nil }
        return (integer, accepts ? instruction.comparison : instruction.comparison.inverse, instruction.number)
    }

    // MARK: Tests

    @inline(__always)
    private func holds(_ instruction: Ref<Instruction>, _ row: UnsafeRawPointer) -> Bool {
        let offset = instruction.value.operand.offset
        if offset >= 0 { return unsafe holds(instruction, row, row + Int(offset)) }
        guard let address = unsafe locate(instruction.value.operand, row) else {
            switch instruction.value.kind {
            case .fields:
                // Nothing equals nothing.
                let isOther = unsafe locate(instruction.value.other, row) != nil
                return instruction.value.comparison == (isOther ? .notEqual : .equal)
            case .integer, .float, .double, .text, .value: return instruction.value.comparison == .notEqual
            case .present, .prefix, .integerList, .integerBits, .textList, .valueList: return false
            }
        }
        return unsafe holds(instruction, row, address)
    }

    @inline(__always)
    private func holds(
        _ instruction: Ref<Instruction>, _ row: UnsafeRawPointer, _ address: UnsafeRawPointer
    ) -> Bool {
        let comparison = instruction.value.comparison
        switch instruction.value.kind {
        case .integer:
            return unsafe Self.holds(instruction.value.integer.load(address), comparison, instruction.value.number)
        case .float:
            return unsafe Self.holds(
                UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self)))), comparison,
                instruction.value.number)
        case .double:
            return unsafe Self.holds(
                orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self))), comparison,
                instruction.value.number)
        case .text: return unsafe textHolds(instruction, address)
        default: return unsafe otherHolds(instruction, row, address)
        }
    }

    @inline(__always)
    private func textHolds(_ instruction: Ref<Instruction>, _ address: UnsafeRawPointer) -> Bool {
        let text = unsafe TypeProgram.counted(address)
        let value = unsafe UnsafeRawBufferPointer(
            start: constants + instruction.value.constants, count: instruction.value.count)
        if instruction.value.comparison == .equal { return unsafe equalBytes(text, value) }
        return unsafe Self.holds(compareBytes(text, value), instruction.value.comparison, 0)
    }

    @inline(never)
    private func otherHolds(
        _ instruction: Ref<Instruction>, _ row: UnsafeRawPointer, _ address: UnsafeRawPointer
    ) -> Bool {
        let comparison = instruction.value.comparison
        let node = instruction.value.operand.node
        let start = unsafe UnsafeRawPointer(constants + instruction.value.constants)
        let count = instruction.value.count
        switch instruction.value.kind {
        case .value: return unsafe Self.holds(layout.program.compare(node, address, start), comparison, 0)
        case .present: return true
        case .prefix:
            let text = unsafe TypeProgram.counted(address)
            return unsafe text.count >= count
                && equalBytes(
                    UnsafeRawBufferPointer(rebasing: text[..<count]), UnsafeRawBufferPointer(start: start, count: count)
                )
        case .integerBits:
            let place = unsafe instruction.value.integer.load(address) &- instruction.value.number
            guard place < UInt64(count) else { return false }
            return unsafe start.assumingMemoryBound(to: UInt64.self)[Int(place &>> 6)] &>> (place & 63) & 1 == 1
        case .integerList:
            let number = unsafe instruction.value.integer.load(address)
            return unsafe Self.contains(start.assumingMemoryBound(to: UInt64.self), count, number)
        case .textList:
            let text = unsafe TypeProgram.counted(address)
            return unsafe ConstantList(base: start, count: count).contains { unsafe compareBytes($0, text) }
        case .valueList:
            return unsafe ConstantList(base: start, count: count).contains {
                unsafe layout.program.compare(node, $0.baseAddress.unsafelyUnwrapped, address)
            }
        case .fields:
            guard let other = unsafe locate(instruction.value.other, row) else { return comparison == .notEqual }
            return unsafe Self.holds(layout.program.compare(node, address, other), comparison, 0)
        case .integer, .float, .double, .text: return false
        }
    }

    /// Where an operand is in the row; nil if the row has another variant.
    private func locate(_ operand: Instruction.Operand, _ row: UnsafeRawPointer) -> UnsafeRawPointer? {
        if operand.offset >= 0 { return unsafe row + Int(operand.offset) }
        var address = unsafe row + layout.offset(of: Int(operand.column), in: row)
        for i in Int(operand.firstStep)..<Int(operand.firstStep &+ operand.stepCount) {
            let step = steps[i]
            if step.isPayload {
                guard unsafe Int32(address.load(as: UInt8.self)) == step.index else { return nil }
                unsafe address += 1
            } else {
                let firstChild = Int(layout.program.nodes[Int(step.node)].firstChild)
                for field in 0..<Int(step.index) {
                    unsafe address += layout.program.size(layout.program.children[firstChild &+ field], at: address)
                }
            }
        }
        return unsafe address
    }

    private static func contains(_ numbers: UnsafePointer<UInt64>, _ count: Int, _ number: UInt64) -> Bool {
        var low = 0
        var length = count
        while length > 0 {
            let half = length &>> 1
            let isBelow = unsafe numbers[low &+ half] < number
            low = isBelow ? low &+ half &+ 1 : low
            length = isBelow ? length &- half &- 1 : half
        }
        return unsafe low < count && numbers[low] == number
    }

    @inline(__always)
    static func holds<T: Comparable>(_ left: T, _ comparison: RowPredicate.Comparison, _ right: T) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
