import SpacetimeSATS
package import SpacetimeSchema

/// A predicate made ready for the row layout of one table.
///
/// `Sendable` and free of references into the table, so that it runs on snapshots, too.
@usableFromInline
package struct CompiledPredicate: Sendable {
    struct Test: Sendable {
        enum Form: Sendable {
            /// Up to 64 bits, compared as unsigned numbers after flipping.
            case integer(KeySpec.Integer, UInt64)
            case float(UInt32), double(UInt64)
            /// String or bytes: compared byte by byte.
            case text([UInt8])
            /// Anything else: compared by its order-preserving key bytes.
            case key([UInt8])
        }

        var column: Int
        var comparison: RowPredicate.Comparison
        var form: Form
    }

    indirect enum Node: Sendable {
        case constant(Bool)
        case test(Test)
        case and([Node])
        case or([Node])
        case not(Node)
    }

    let layout: RowLayout
    let root: Node
    /// The tables whose rows this predicate was compiled for have this many columns; used by checks only.
    let columnCount: Int

    /// - Throws: `malformedKey` if a column is unknown or a value is not of its column's type.
    package init(_ predicate: RowPredicate, for schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        columnCount = schema.columns.count
        root = try Self.compile(predicate, schema, layout, depth: 0)
    }

    static let depthLimit = 256

    private static func compile(
        _ predicate: RowPredicate, _ schema: TableSchema, _ layout: RowLayout, depth: Int
    ) throws(EngineError) -> Node {
        guard depth < depthLimit else { throw .malformedKey(index: schema.name, cause: .tooDeep(limit: depthLimit)) }
        switch predicate {
        case .all: return .constant(true)
        case .none: return .constant(false)
        case .not(let inner):
            let node = try compile(inner, schema, layout, depth: depth + 1)
            if case .constant(let value) = node { return .constant(!value) }
            return .not(node)
        case .and(let parts):
            var nodes: [Node] = []
            for part in parts { nodes.append(try compile(part, schema, layout, depth: depth + 1)) }
            return nodes.count == 1 ? nodes[0] : .and(nodes)
        case .or(let parts):
            var nodes: [Node] = []
            for part in parts { nodes.append(try compile(part, schema, layout, depth: depth + 1)) }
            return nodes.count == 1 ? nodes[0] : .or(nodes)
        case .compare(let column, let comparison, let value):
            let index = Int(column.rawValue)
            guard index < schema.columns.count else {
                throw .unsupportedSchema(
                    table: schema.name, reason: "a condition names column \(index), which is not there")
            }
            return .test(
                Test(column: index, comparison: comparison, form: try form(value, schema, layout, column: index)))
        }
    }

    private static func form(
        _ value: [UInt8], _ schema: TableSchema, _ layout: RowLayout, column: Int
    ) throws(EngineError) -> Test.Form {
        let types = schema.columns.map(\.type)
        let spec: KeySpec
        do { spec = try KeySpec(columns: [column], types: types, layout: layout) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        do throws(BSATNError) {
            try withRawBytes(of: value) { (bytes) throws(BSATNError) in try spec.validate(bytes, count: 1) }
        } catch {
            throw .malformedKey(index: "\(schema.name).\(schema.columns[column].name)", cause: error)
        }
        return value.withUnsafeBytes { bytes in
            if let integer = spec.integer {
                return .integer(integer, integer.load(bytes.baseAddress.unsafelyUnwrapped))
            }
            switch types[column] {
            case .f32: return .float(orderedBits(Float(bitPattern: bytes.loadUnaligned(as: UInt32.self))))
            case .f64: return .double(orderedBits(Double(bitPattern: bytes.loadUnaligned(as: UInt64.self))))
            case .string, .array(.u8): return .text(Array(bytes.dropFirst(4)))
            default:
                var key = KeyBuffer()
                if let start = bytes.baseAddress { spec.appendKey(probe: start, columns: 1, to: &key) }
                return .key(Array(key.bytes))
            }
        }
    }

    /// Whether a valid row image satisfies the predicate. Does not allocate, except for columns of composite types.
    package func matches(_ row: UnsafeRawBufferPointer) -> Bool {
        guard let start = row.baseAddress else { return evaluateEmpty(root) }
        return evaluate(root, start)
    }

    private func evaluateEmpty(_ node: Node) -> Bool {
        switch node {
        case .constant(let value): value
        case .test: false
        case .and(let nodes): nodes.allSatisfy(evaluateEmpty)
        case .or(let nodes): nodes.contains(where: evaluateEmpty)
        case .not(let node): !evaluateEmpty(node)
        }
    }

    func evaluate(_ node: Node, _ row: UnsafeRawPointer) -> Bool {
        switch node {
        case .constant(let value): return value
        case .test(let test): return self.test(test, row)
        case .and(let nodes):
            for node in nodes where !evaluate(node, row) { return false }
            return true
        case .or(let nodes):
            for node in nodes where evaluate(node, row) { return true }
            return false
        case .not(let node): return !evaluate(node, row)
        }
    }

    private func test(_ test: Test, _ row: UnsafeRawPointer) -> Bool {
        let address = row + layout.offset(of: test.column, in: row)
        switch test.form {
        case .integer(let integer, let value): return Self.holds(integer.load(address), test.comparison, value)
        case .float(let value):
            return Self.holds(
                orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self))), test.comparison, value)
        case .double(let value):
            return Self.holds(
                orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self))), test.comparison, value)
        case .text(let value):
            let bytes = UnsafeRawBufferPointer(start: address + 4, count: Int(address.loadUnaligned(as: UInt32.self)))
            return value.withUnsafeBytes { value in
                if test.comparison == .equal { return equalBytes(bytes, value) }
                return Self.holds(compareBytes(bytes, value), test.comparison, 0)
            }
        case .key(let value):
            var key = KeyBuffer()
            layout.program.appendKey(layout.columns[test.column].node, at: address, to: &key)
            return value.withUnsafeBytes { Self.holds(compareBytes(key.bytes, $0), test.comparison, 0) }
        }
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

    /// The single test on an integer at a fixed offset that this predicate is, if it is one.
    var integerTest: (integer: KeySpec.Integer, comparison: RowPredicate.Comparison, value: UInt64)? {
        guard case .test(let test) = root, case .integer(let integer, let value) = test.form, integer.offset >= 0 else {
            return nil
        }
        return (integer, test.comparison, value)
    }
}
