import SpacetimeSATS

/// Reads the values of a result's rows, as a program would that uses each of them.
struct RowReader {
    private enum Column {
        case integer(width: Int)
        case text
        /// Of an option that is there, or not.
        case option(width: Int)
    }

    private let columns: [Column]

    init(_ type: ProductType) {
        columns = type.elements.map { element in
            switch element.algebraicType {
            case .u64, .i64: .integer(width: 8)
            case .u128, .i128: .integer(width: 16)
            case .string: .text
            case let type where type.optionPayload != nil: .option(width: type.optionPayload == .i128 ? 16 : 8)
            default: .integer(width: 4)
            }
        }
    }

    /// The first value as a key, and the sum of the others; of a text its length.
    @inline(__always)
    func add(_ row: UnsafeRawBufferPointer, to digest: inout Digest) {
        var offset = 0
        var key: UInt64 = 0
        var sum: Int64 = 0
        for (position, column) in columns.enumerated() {
            let value: Int64
            switch column {
            case .integer(let width):
                value = Self.integer(row, offset, width)
                offset += width
            case .text:
                let count = Int(row.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                value = Int64(count)
                offset += 4 + count
            case .option(let width):
                let isThere = row[offset] == 0
                value = isThere ? Self.integer(row, offset + 1, width) : 0
                offset += isThere ? 1 + width : 1
            }
            if position == 0 { key = UInt64(bitPattern: value) } else { sum &+= value }
        }
        digest.add(key, sum)
    }

    @inline(__always)
    private static func integer(_ row: UnsafeRawBufferPointer, _ offset: Int, _ width: Int) -> Int64 {
        width == 4
            ? Int64(row.loadUnaligned(fromByteOffset: offset, as: Int32.self))
            : row.loadUnaligned(fromByteOffset: offset, as: Int64.self)
    }
}
