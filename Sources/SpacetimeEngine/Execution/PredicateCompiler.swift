import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes: values are validated as what their fields are before one is read, and places lie in
// front of their values.

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

    let schema: TableSchema
    let layout: RowLayout
    private(set) var instructions: [Instruction] = []
    private(set) var steps: [Instruction.Step] = []
    private(set) var constants: [UInt8] = []
    /// Where the program begins.
    private(set) var entry = Instruction.accept

    init(_ schema: TableSchema, _ layout: RowLayout) {
        self.schema = schema
        self.layout = layout
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
    }

    // MARK: Terms

    private mutating func instruction(_ term: RowPredicate.Term) throws(EngineError) -> Instruction {
        switch term {
        case .compare(let path, let comparison, let value):
            return try comparing(path, comparison, value)
        case .compareParameter(_, _, let number), .isInParameter(_, let number):
            throw invalid("its parameter \(number) has no value yet")
        case .compareFields(let path, let comparison, let other):
            let (operand, type) = try operand(path)
            let (second, otherType) = try self.operand(other)
            guard type == otherType else { throw invalid("it compares fields of different types") }
            return Instruction(kind: .fields, comparison: comparison, operand: operand, other: second)
        case .isPresent(let path): return Instruction(kind: .present, operand: try operand(path).0)
        case .hasPrefix(let path, let bytes):
            let (operand, type) = try operand(path)
            guard type == .string || type == .bytes else { throw invalid("it looks for a prefix of what is no text") }
            return Instruction(kind: .prefix, operand: operand, constants: add(bytes: bytes), count: bytes.count)
        case .isIn(let path, let values):
            let (operand, type) = try operand(path)
            return try searching(operand, type, values)
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
        return try comparing(operand, type, comparison, Array(value))
    }

    private mutating func comparing(
        _ operand: Instruction.Operand, _ type: AlgebraicType, _ comparison: RowPredicate.Comparison, _ value: [UInt8]
    ) throws(EngineError) -> Instruction {
        _ = try places(of: ValueList(count: 1, bytes: value), operand)
        var instruction = Instruction(kind: .value, comparison: comparison, operand: operand)
        if let integer = KeySpec.Integer(type) {
            instruction.kind = .integer
            instruction.integer = integer
            instruction.number = integer.load(value: value)
            return instruction
        }
        switch type {
        case .f32:
            instruction.kind = .float
            instruction.number = unsafe value.withUnsafeBytes {
                unsafe UInt64(orderedBits(Float(bitPattern: $0.loadUnaligned(as: UInt32.self))))
            }
        case .f64:
            instruction.kind = .double
            instruction.number = unsafe value.withUnsafeBytes {
                unsafe orderedBits(Double(bitPattern: $0.loadUnaligned(as: UInt64.self)))
            }
        case .string, .array(.u8):
            instruction.kind = .text
            instruction.constants = add(bytes: value.dropFirst(4))
            instruction.count = value.count - 4
        default:
            instruction.constants = add(bytes: value)
            instruction.count = value.count
        }
        return instruction
    }

    private mutating func searching(
        _ operand: Instruction.Operand, _ type: AlgebraicType, _ values: ValueList
    ) throws(EngineError) -> Instruction {
        let places = try places(of: values, operand)
        if let integer = KeySpec.Integer(type) {
            var numbers = unsafe values.bytes.withUnsafeBytes { bytes in
                places.dropLast().map { unsafe integer.load(bytes.baseAddress.unsafelyUnwrapped + $0) }
            }
            numbers.sort()
            return searching(operand, integer, numbers)
        }
        let isText = type == .string || type == .bytes
        let sorted = layout.program.distinct(values, places, operand.node)
        let skip = isText ? 4 : 0
        var bytes: [UInt8] = []
        var starts: [UInt32] = []
        let base = (sorted.count + 1) * 4
        for range in sorted {
            starts.append(UInt32(base + bytes.count))
            bytes += values.bytes[(range.lowerBound + skip)..<range.upperBound]
        }
        starts.append(UInt32(base + bytes.count))
        let place = add(starts)
        constants += bytes
        return Instruction(
            kind: isText ? .textList : .valueList, operand: operand, constants: place, count: sorted.count)
    }

    private mutating func searching(
        _ operand: Instruction.Operand, _ integer: KeySpec.Integer, _ numbers: [UInt64]
    ) -> Instruction {
        var instruction = Instruction(kind: .integerList, operand: operand, integer: integer)
        guard let first = numbers.first, let last = numbers.last else { return instruction }
        let span = last - first
        if span < UInt64(numbers.count) * 64 {
            // No more memory than the list itself would take, and one step instead of a search.
            var bits = [UInt64](repeating: 0, count: Int(span / 64) + 1)
            for number in numbers { bits[Int((number - first) / 64)] |= 1 << ((number - first) % 64) }
            instruction.kind = .integerBits
            instruction.number = first
            instruction.count = Int(span) + 1
            instruction.constants = add(bits)
        } else {
            instruction.count = numbers.count
            instruction.constants = add(numbers)
        }
        return instruction
    }

    // MARK: Parts

    /// Where a path leads, and the type of what is there.
    private mutating func operand(_ path: FieldPath) throws(EngineError) -> (Instruction.Operand, AlgebraicType) {
        let column = Int(path.column.rawValue)
        guard column < schema.columns.count else { throw invalid("it names column \(column), which is not there") }
        var type = schema.columns[column].type
        var node = layout.columns[column].node
        var offset = layout.columns[column].fixedOffset
        let firstStep = steps.count
        for step in path.steps {
            let entry = layout.program.nodes[Int(node)]
            switch (step, type) {
            case (.field(let index), .product(let product)) where product.elements.indices.contains(index):
                steps.append(Instruction.Step(node: node, isPayload: false, index: Int32(index)))
                for i in 0..<index where offset >= 0 {
                    let size = layout.program.nodes[Int(layout.program.children[Int(entry.firstChild) + i])].fixedSize
                    offset = size >= 0 ? offset + size : -1
                }
                type = product.elements[index].algebraicType
                node = layout.program.children[Int(entry.firstChild) + index]
            case (.payload(let tag), .sum(let sum)) where sum.variants.indices.contains(Int(tag)):
                steps.append(Instruction.Step(node: node, isPayload: true, index: Int32(tag)))
                offset = -1
                type = sum.variants[Int(tag)].algebraicType
                node = layout.program.children[Int(entry.firstChild) + Int(tag)]
            default:
                throw invalid("the path \(path) leads into what column '\(schema.columns[column].name)' does not have")
            }
        }
        let operand = Instruction.Operand(
            offset: offset, column: Int32(column), node: node, firstStep: Int32(firstStep),
            stepCount: Int32(path.steps.count))
        return (operand, type)
    }

    /// Where each value of a list begins, and where the last one ends.
    private func places(of values: ValueList, _ operand: Instruction.Operand) throws(EngineError) -> [Int] {
        do throws(BSATNError) {
            return try layout.program.places(of: values, operand.node)
        } catch {
            throw .malformedKey(index: "\(schema.name).\(schema.columns[Int(operand.column)].name)", cause: error)
        }
    }

    private func invalid(_ reason: String) -> EngineError { .invalidCondition(table: schema.name, reason: reason) }

    /// Adds bytes to the constants and returns their place.
    private mutating func add(bytes: some Sequence<UInt8>) -> Int {
        let place = constants.count
        constants += bytes
        return place
    }

    /// Adds numbers to the constants, aligned.
    private mutating func add<Number: FixedWidthInteger>(_ numbers: [Number]) -> Int {
        while constants.count % MemoryLayout<UInt64>.size != 0 { constants.append(0) }
        let place = constants.count
        unsafe numbers.withUnsafeBytes { unsafe constants += $0 }
        return place
    }
}

extension TypeProgram {
    /// Where each value of a list begins, and where the last one ends.
    ///
    /// - Throws: if the bytes are not so many values of the type.
    func places(of values: ValueList, _ node: Int32) throws(BSATNError) -> [Int] {
        var places: [Int] = []
        places.reserveCapacity(values.count + 1)
        var offset = 0
        try unsafe values.bytes.withBytes { (bytes) throws(BSATNError) in
            for _ in 0..<values.count {
                places.append(offset)
                try unsafe validate(node, in: bytes, at: &offset)
            }
        }
        places.append(offset)
        guard offset == values.bytes.count else {
            throw .trailingBytes(at: offset, count: values.bytes.count - offset)
        }
        return places
    }

    /// The places of the different values of a list in key order.
    func distinct(_ values: ValueList, _ places: [Int], _ node: Int32) -> [Range<Int>] {
        unsafe values.bytes.withUnsafeBytes { bytes in
            // Without bytes all values are one, and there is no address.
            guard let base = unsafe bytes.baseAddress.map(UnsafeRawPointer.init) else {
                return values.count > 0 ? [0..<0] : []
            }
            var ranges: [Range<Int>] = []
            let sorted = (0..<values.count).map { places[$0]..<places[$0 + 1] }.sorted {
                unsafe compare(node, base + $0.lowerBound, base + $1.lowerBound) < 0
            }
            for range in sorted {
                if let last = ranges.last, unsafe compare(node, base + last.lowerBound, base + range.lowerBound) == 0 {
                    continue
                }
                ranges.append(range)
            }
            return ranges
        }
    }
}

extension KeySpec.Integer {
    /// How values of that type are read as one integer; nil if they are none.
    init?(_ type: AlgebraicType) {
        guard let (width, isSigned) = KeySpec.integerForm(type) else { return nil }
        self.init(offset: 0, column: 0, width: Int32(width), flip: isSigned ? 1 << UInt64(width * 8 - 1) : 0)
    }
}
