import SpacetimeSATS
import SpacetimeSchema

/// Cuts the primary key out of row images of one table.
struct KeyLocator: Sendable {
    /// The columns up to the last one of the key.
    private let columns: [AlgebraicType]
    private let isKey: [Bool]

    /// Nil if the table has no primary key.
    init?(_ table: TableSchema) {
        guard let last = table.primaryKey.max() else { return nil }
        columns = table.columns.prefix(last.index + 1).map(\.type)
        isKey = columns.indices.map { table.primaryKey.contains(ColumnID($0)) }
    }

    /// The bytes of the key columns in column order. The image must be valid, as everything from the datastore is.
    func key(of row: UnsafeRawBufferPointer) -> [UInt8] {
        var key: [UInt8] = []
        var offset = 0
        for (type, isKey) in zip(columns, isKey) {
            let size = Self.size(of: type, in: row, at: offset)
            if isKey { key.append(contentsOf: row[offset..<(offset + size)]) }
            offset += size
        }
        return key
    }

    private static func size(of type: AlgebraicType, in row: UnsafeRawBufferPointer, at offset: Int) -> Int {
        switch type {
        case .bool, .i8, .u8: return 1
        case .i16, .u16: return 2
        case .i32, .u32, .f32: return 4
        case .i64, .u64, .f64: return 8
        case .i128, .u128: return 16
        case .i256, .u256: return 32
        case .string, .array(.u8): return 4 + count(in: row, at: offset)
        case .array(let element):
            var size = 4
            for _ in 0..<count(in: row, at: offset) { size += self.size(of: element, in: row, at: offset + size) }
            return size
        case .product(let product):
            return product.elements.reduce(0) { $0 + size(of: $1.algebraicType, in: row, at: offset + $0) }
        case .sum(let sum):
            let variant = sum.variants[Int(row[offset])]
            return 1 + size(of: variant.algebraicType, in: row, at: offset + 1)
        case .ref:
            preconditionFailure("the types of a validated table are free of references")
        }
    }

    private static func count(in row: UnsafeRawBufferPointer, at offset: Int) -> Int {
        Int(UInt32(littleEndian: row.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}
