package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Lent buffers: values are lent for the call in which they are used. Valid images: rows are those of the table.

/// A condition with parameters that is tested with the values of one query after another: so a million queries that differ in
/// their values share one program, and each keeps no more than its values. Belongs to one thread at a time.
package final class SharedCondition {
    private let instance: PredicateInstance
    /// The types of the parameters, as those of columns.
    private let parameters: RowLayout

    /// More bytes of values than that may be too many for a condition.
    private static let acceptedByteCount = 4_096

    /// Nil if a parameter is a list, which would be sorted for each test.
    ///
    /// - Parameter parameters: their types.
    /// - Throws: as `CompiledPredicate`.
    package init?(
        _ predicate: RowPredicate, for schema: TableSchema, parameters: [AlgebraicType]
    ) throws(EngineError) {
        guard !predicate.hasListParameters, let layout = try? RowLayout(parameters) else { return nil }
        self.parameters = layout
        instance = try CompiledPredicate(predicate, for: schema, parameters: parameters).instance()
    }

    /// Whether these are values of the parameters' types, so that the condition may be tested with them. False also of very large
    /// ones, of which compiling the condition with them tells.
    package func accepts(_ values: [[UInt8]]) -> Bool {
        var total = 0
        guard values.count == parameters.columns.count else { return false }
        for (value, column) in zip(values, parameters.columns) {
            var offset = 0
            let isValid = unsafe value.withUnsafeBytes {
                unsafe (try? parameters.program.validate(column.node, in: $0, at: &offset)) != nil
            }
            guard isValid, offset == value.count else { return false }
            total += value.count
        }
        return total <= Self.acceptedByteCount
    }

    /// Whether a valid row meets the condition with some values. Does not allocate.
    ///
    /// - Parameter values: of the query's parameters, one behind the other as ``PackedValues`` has them; each a valid value of
    ///   the field that it is compared with.
    package func matches(_ row: UnsafeRawBufferPointer, _ values: UnsafeRawBufferPointer) -> Bool {
        unsafe instance.set { unsafe PackedValues.value($0, in: values) }
        return unsafe instance.matches(row)
    }
}

/// Values in one array, each behind its length: one byte, or 255 and four.
package enum PackedValues {
    package static func pack(_ values: [[UInt8]]) -> [UInt8] {
        var packed: [UInt8] = []
        packed.reserveCapacity(values.reduce(0) { $0 + $1.count + ($1.count < 255 ? 1 : 5) })
        for value in values {
            if value.count < 255 {
                packed.append(UInt8(value.count))
            } else {
                packed.append(255)
                let count = UInt32(truncatingIfNeeded: value.count)
                for shift in stride(from: 0 as UInt32, to: 32, by: 8) { packed.append(UInt8(count >> shift & 0xFF)) }
            }
            packed += value
        }
        return packed
    }

    /// The value at a position, which must be there.
    @inline(__always)
    static func value(_ position: Int, in packed: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var number = position
        while true {
            var count = unsafe Int(packed[start])
            start += 1
            if count == 255 {
                count = unsafe Int(UInt32(littleEndian: packed.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                start += 4
            }
            if number == 0 { return unsafe UnsafeRawBufferPointer(rebasing: packed[start..<start + count]) }
            start += count
            number -= 1
        }
    }
}
