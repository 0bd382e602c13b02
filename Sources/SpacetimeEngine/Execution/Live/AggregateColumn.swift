import SpacetimeSATS

/// What a group keeps of one input, for all functions of it. Plain data, so that going through it counts no references.
///
/// In the group's record stand, as far as they are needed and in this order: how many values take part (UInt64), their sum,
/// the least and the greatest of them (two UInt64: key prefixes if a key fits into one, else handles of keys).
struct AggregateColumn: BitwiseCopyable {
    var input: Int32
    /// The type of the values, without the option around it.
    var node: Int32
    var byteCount: Int32
    /// A tag stands before the value, which is missing if it is not zero.
    var isOption: Bool
    var isDistinct: Bool
    var sumKind = SumKind.none
    var hasExtremes = false
    /// Keys of the values have eight bytes at most.
    var isExact: Bool
    var kind: TypeProgram.Kind
    var countOffset: Int32 = 0
    var sumOffset: Int32 = 0
    var extremesOffset: Int32 = 0
    /// Among the columns with extremes.
    var extremesPosition: Int32 = 0
}

/// Lays out the records of groups.
struct AggregateCompiler {
    typealias Failure = AggregateShape.Failure

    private let inputs: [AggregateShape.Input]
    private let isGrouped: Bool
    private(set) var program = TypeProgram()
    private(set) var keyNodes: [Int32] = []
    private(set) var keyByteCount = 0
    private(set) var keysAreCanonical = true
    private(set) var columns: [AggregateColumn] = []
    private(set) var outputs: [AggregateShape.CompiledOutput] = []
    private(set) var resultTypes: [AlgebraicType] = []

    init(_ inputs: [AggregateShape.Input], isGrouped: Bool) {
        self.inputs = inputs
        self.isGrouped = isGrouped
    }

    private mutating func node(_ type: AlgebraicType) throws(Failure) -> Int32 {
        do { return try program.add(type) } catch { throw .unsupportedType(reason: error.reason) }
    }

    mutating func addKey(_ type: AlgebraicType) throws(Failure) {
        let node = try node(type)
        keyNodes.append(node)
        let entry = program.nodes[Int(node)]
        keyByteCount = keyByteCount < 0 || entry.fixedSize < 0 ? -1 : keyByteCount + Int(entry.fixedSize)
        keysAreCanonical = keysAreCanonical && entry.isCanonical
    }

    mutating func add(_ output: AggregateShape.Output) throws(Failure) {
        let input = output.input.map { inputs[$0] }
        guard
            let result = output.function.result(
                of: input?.type, isNullable: input?.isNullable ?? false, isGrouped: isGrouped)
        else { throw .undefined(output.function, of: input?.type) }
        resultTypes.append(result.isNullable ? .option(result.type) : result.type)
        var column = -1
        if let input = output.input { column = try self.column(input, output) }
        outputs.append(
            AggregateShape.CompiledOutput(
                function: output.function, column: Int32(column), isNullable: result.isNullable))
    }

    /// The column of an input, which serves one more function from now on.
    private mutating func column(_ input: Int, _ output: AggregateShape.Output) throws(Failure) -> Int {
        let isExtreme = output.function == .min || output.function == .max
        let isDistinct = output.isDistinct && !isExtreme
        let type = inputs[input].type
        let value = type.optionPayload ?? type
        let position: Int
        if let present = columns.firstIndex(where: { $0.input == input && $0.isDistinct == isDistinct }) {
            position = present
        } else {
            position = columns.count
            let node = try node(value)
            let entry = program.nodes[Int(node)]
            columns.append(
                AggregateColumn(
                    input: Int32(input), node: node, byteCount: entry.fixedSize, isOption: type.optionPayload != nil,
                    isDistinct: isDistinct, isExact: program.hasShortKey(node), kind: entry.kind))
        }
        if isExtreme { columns[position].hasExtremes = true }
        if output.function == .sum || output.function == .average {
            columns[position].sumKind = SumKind(value) ?? .none
        }
        return position
    }

    /// Gives each part of the record its offset, and returns the record's length.
    mutating func layOut() -> Int {
        var offset = AggregateRecord.keyOffset
        if keyByteCount >= 0, keyByteCount <= AggregateRecord.inlineKeyLimit { offset += (keyByteCount + 7) & ~7 }
        var extremes: Int32 = 0
        for position in columns.indices {
            if columns[position].hasExtremes {
                columns[position].extremesPosition = extremes
                extremes += 1
            }
            func place(_ byteCount: Int) -> Int32 {
                defer { offset += byteCount }
                return Int32(offset)
            }
            columns[position].countOffset = place(8)
            columns[position].sumOffset = place(columns[position].sumKind.byteCount)
            columns[position].extremesOffset = place(columns[position].hasExtremes ? 16 : 0)
        }
        return offset
    }
}

extension TypeProgram {
    /// True if every key of the type has eight bytes at most.
    func hasShortKey(_ node: Int32) -> Bool {
        var byteCount = 0
        var rest = [node]
        while let node = rest.popLast(), byteCount <= 8 {
            let entry = nodes[Int(node)]
            switch entry.kind {
            case .bool, .unsigned, .signed, .float: byteCount += Int(entry.fixedSize)
            case .product:
                if entry.fixedSize < 0 || entry.fixedSize > 8 { return false }
                rest += children[Int(entry.firstChild)..<Int(entry.firstChild + entry.childCount)]
            case .sum where entry.fixedSize >= 0: byteCount += Int(entry.fixedSize)
            case .string, .bytes, .array, .sum: return false
            }
        }
        return byteCount <= 8
    }
}
