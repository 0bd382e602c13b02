import SpacetimeSATS
package import SpacetimeSchema

/// A condition made ready for the row layout of one table.
///
/// Free of references into the table, so that it runs on snapshots, too.
// Unchecked: nothing in it changes after `init`, and the memory it points to is its own.
@usableFromInline
package final class CompiledPredicate: @unchecked Sendable {
    typealias Instruction = PredicateInstruction

    private let layout: RowLayout
    private let instructions: UnsafeMutablePointer<Instruction>
    private let instructionCount: Int
    private let steps: UnsafeMutablePointer<Instruction.Step>
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
        instructionCount = compiler.instructions.count
        instructions = .allocate(capacity: instructionCount)
        instructions.initialize(from: compiler.instructions, count: instructionCount)
        steps = .allocate(capacity: compiler.steps.count)
        steps.initialize(from: compiler.steps, count: compiler.steps.count)
        constants = .allocate(byteCount: max(compiler.constants.count, 8), alignment: 8)
        compiler.constants.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { constants.copyMemory(from: start, byteCount: bytes.count) }
        }
    }

    deinit {
        instructions.deallocate()
        steps.deallocate()
        constants.deallocate()
    }

    /// Whether a valid row image satisfies the predicate. Does not allocate.
    package func matches(_ row: UnsafeRawBufferPointer) -> Bool {
        // A row without bytes has no address, and nothing of it is read; the constants have one.
        let row = row.baseAddress ?? UnsafeRawPointer(constants)
        var place = entry
        // Jumps lead forwards only, so this ends.
        while place >= 0 {
            let instruction = instructions + Int(place)
            place = holds(instruction, row) ? instruction.pointee.onTrue : instruction.pointee.onFalse
        }
        return place == Instruction.accept
    }

    /// The single test on an integer at a fixed offset that this predicate is, if it is one.
    var integerTest: (integer: KeySpec.Integer, comparison: RowPredicate.Comparison, value: UInt64)? {
        guard instructionCount == 1, entry == 0 else { return nil }
        let instruction = instructions.pointee
        guard instruction.kind == .integer, instruction.operand.offset >= 0 else { return nil }
        var integer = instruction.integer
        integer.offset = instruction.operand.offset
        let accepts = instruction.onTrue == Instruction.accept
        guard accepts != (instruction.onFalse == Instruction.accept) else { return nil }
        return (integer, accepts ? instruction.comparison : instruction.comparison.inverse, instruction.number)
    }

    // MARK: Tests

    @inline(__always)
    private func holds(_ instruction: UnsafePointer<Instruction>, _ row: UnsafeRawPointer) -> Bool {
        let offset = instruction.pointee.operand.offset
        if offset >= 0 { return holds(instruction, row, row + Int(offset)) }
        guard let address = locate(instruction.pointee.operand, row) else {
            switch instruction.pointee.kind {
            case .fields:
                // Nothing equals nothing.
                let isOther = locate(instruction.pointee.other, row) != nil
                return instruction.pointee.comparison == (isOther ? .notEqual : .equal)
            case .integer, .float, .double, .text, .value: return instruction.pointee.comparison == .notEqual
            case .present, .prefix, .integerList, .integerBits, .textList, .valueList: return false
            }
        }
        return holds(instruction, row, address)
    }

    @inline(__always)
    private func holds(
        _ instruction: UnsafePointer<Instruction>, _ row: UnsafeRawPointer, _ address: UnsafeRawPointer
    ) -> Bool {
        let comparison = instruction.pointee.comparison
        switch instruction.pointee.kind {
        case .integer:
            return Self.holds(instruction.pointee.integer.load(address), comparison, instruction.pointee.number)
        case .float:
            return Self.holds(
                UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self)))), comparison,
                instruction.pointee.number)
        case .double:
            return Self.holds(
                orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self))), comparison,
                instruction.pointee.number)
        case .text: return textHolds(instruction, address)
        default: return otherHolds(instruction, row, address)
        }
    }

    @inline(__always)
    private func textHolds(_ instruction: UnsafePointer<Instruction>, _ address: UnsafeRawPointer) -> Bool {
        let text = TypeProgram.counted(address)
        let value = UnsafeRawBufferPointer(
            start: constants + instruction.pointee.constants, count: instruction.pointee.count)
        if instruction.pointee.comparison == .equal { return equalBytes(text, value) }
        return Self.holds(compareBytes(text, value), instruction.pointee.comparison, 0)
    }

    @inline(never)
    private func otherHolds(
        _ instruction: UnsafePointer<Instruction>, _ row: UnsafeRawPointer, _ address: UnsafeRawPointer
    ) -> Bool {
        let comparison = instruction.pointee.comparison
        let node = instruction.pointee.operand.node
        let start = UnsafeRawPointer(constants + instruction.pointee.constants)
        let count = instruction.pointee.count
        switch instruction.pointee.kind {
        case .value: return Self.holds(layout.program.compare(node, address, start), comparison, 0)
        case .present: return true
        case .prefix:
            let text = TypeProgram.counted(address)
            return text.count >= count
                && equalBytes(
                    UnsafeRawBufferPointer(rebasing: text[..<count]), UnsafeRawBufferPointer(start: start, count: count)
                )
        case .integerBits:
            let place = instruction.pointee.integer.load(address) &- instruction.pointee.number
            guard place < UInt64(count) else { return false }
            return start.assumingMemoryBound(to: UInt64.self)[Int(place &>> 6)] &>> (place & 63) & 1 == 1
        case .integerList:
            let number = instruction.pointee.integer.load(address)
            return Self.contains(start.assumingMemoryBound(to: UInt64.self), count, number)
        case .textList:
            let text = TypeProgram.counted(address)
            return ConstantList(base: start, count: count).contains { compareBytes($0, text) }
        case .valueList:
            return ConstantList(base: start, count: count).contains {
                layout.program.compare(node, $0.baseAddress.unsafelyUnwrapped, address)
            }
        case .fields:
            guard let other = locate(instruction.pointee.other, row) else { return comparison == .notEqual }
            return Self.holds(layout.program.compare(node, address, other), comparison, 0)
        case .integer, .float, .double, .text: return false
        }
    }

    /// Where an operand is in the row; nil if the row has another variant.
    private func locate(_ operand: Instruction.Operand, _ row: UnsafeRawPointer) -> UnsafeRawPointer? {
        if operand.offset >= 0 { return row + Int(operand.offset) }
        var address = row + layout.offset(of: Int(operand.column), in: row)
        for i in Int(operand.firstStep)..<Int(operand.firstStep &+ operand.stepCount) {
            let step = steps[i]
            if step.isPayload {
                guard Int32(address.load(as: UInt8.self)) == step.index else { return nil }
                address += 1
            } else {
                let firstChild = Int(layout.program.nodes[Int(step.node)].firstChild)
                for field in 0..<Int(step.index) {
                    address += layout.program.size(layout.program.children[firstChild &+ field], at: address)
                }
            }
        }
        return address
    }

    private static func contains(_ numbers: UnsafePointer<UInt64>, _ count: Int, _ number: UInt64) -> Bool {
        var low = 0
        var length = count
        while length > 0 {
            let half = length &>> 1
            let isBelow = numbers[low &+ half] < number
            low = isBelow ? low &+ half &+ 1 : low
            length = isBelow ? length &- half &- 1 : half
        }
        return low < count && numbers[low] == number
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
