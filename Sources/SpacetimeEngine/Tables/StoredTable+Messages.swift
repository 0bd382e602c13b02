import SpacetimeSATS
import SpacetimeSchema

/// Errors that quote a row or a key.
extension StoredTable {
    @inline(never)
    func uniqueViolation(_ index: Int, _ image: UnsafeRawPointer) -> EngineError {
        .uniqueViolation(
            table: schema.name, constraint: indexPointer(index).pointee.constraintName, columns: columnNames(index),
            value: describeKey(index, ofRow: image))
    }

    @inline(never)
    func noSuchRow(_ index: Int, _ image: UnsafeRawPointer) -> EngineError {
        .noSuchRow(
            table: schema.name, index: indexPointer(index).pointee.schema.name, value: describeKey(index, ofRow: image))
    }

    /// - Parameter key: the BSATN of the index's columns.
    @inline(never)
    func noSuchRow(_ index: Int, key: UnsafeRawBufferPointer) -> EngineError {
        var reader = BSATNReader(RawSpan(_unsafeBytes: key))
        var values: [String] = []
        for column in indexPointer(index).pointee.schema.columns {
            let type = schema.columns[Int(column.rawValue)].type
            let start = reader.offset
            guard (try? AlgebraicValue(from: &reader, type: type)) != nil else { break }
            values.append(describe(UnsafeRawBufferPointer(rebasing: key[start..<reader.offset]), type))
        }
        return .noSuchRow(
            table: schema.name, index: indexPointer(index).pointee.schema.name, value: values.joined(separator: ", "))
    }

    @inline(never)
    func sequenceExhausted(_ sequence: UnsafeMutablePointer<SequenceState>) -> EngineError {
        .sequenceExhausted(
            table: schema.name, column: schema.columns[sequence.pointee.column].name, last: sequence.pointee.lastNumber)
    }

    private func columnNames(_ index: Int) -> [String] {
        indexPointer(index).pointee.schema.columns.map { schema.columns[Int($0.rawValue)].name }
    }

    /// The key's values as text: numbers and strings as such, other types as their bytes.
    private func describeKey(_ index: Int, ofRow row: UnsafeRawPointer) -> String {
        indexPointer(index).pointee.schema.columns.map { column in
            let bytes = rowsPointer().pointee.layout.bytes(of: Int(column.rawValue), in: row)
            return describe(bytes, schema.columns[Int(column.rawValue)].type)
        }.joined(separator: ", ")
    }

    private func describe(_ bytes: UnsafeRawBufferPointer, _ type: AlgebraicType) -> String {
        func load<T: BitwiseCopyable>(_: T.Type) -> T { bytes.loadUnaligned(as: T.self) }
        return switch type {
        case .bool: bytes[0] == 0 ? "false" : "true"
        case .u8: "\(load(UInt8.self))"
        case .u16: "\(load(UInt16.self))"
        case .u32: "\(load(UInt32.self))"
        case .u64: "\(load(UInt64.self))"
        case .u128: "\(load(UInt128.self))"
        case .i8: "\(load(Int8.self))"
        case .i16: "\(load(Int16.self))"
        case .i32: "\(load(Int32.self))"
        case .i64: "\(load(Int64.self))"
        case .i128: "\(load(Int128.self))"
        case .f32: "\(load(Float.self))"
        case .f64: "\(load(Double.self))"
        case .string: "\"\(String(decoding: bytes.dropFirst(4).prefix(80), as: UTF8.self))\""
        case .product(let product) where product.elements.count == 1:
            describe(bytes, product.elements[0].algebraicType)
        default: "0x" + hexadecimal(bytes)
        }
    }

    private func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.prefix(40).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
