import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: the row was validated. Checked bytes: values of an array are validated one by one, up
// to the end that is there.

/// Taking apart rows that come from outside.
extension Datastore {
    /// The bytes of a column in a row that was found valid. Empty if there is no such table or column.
    package func bytes(of column: Int, in row: UnsafeRawBufferPointer, _ id: TableID) -> UnsafeRawBufferPointer {
        guard let table = try? table(id), let start = row.baseAddress,
            column < table.layout.columns.count
        else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe table.layout.bytes(of: column, in: start)
    }

    /// How many bytes a row has, if any bytes of that number are a row; nil if more is to be looked at, or there is no such
    /// table.
    package func plainRowByteCount(of id: TableID) -> Int? {
        guard let table = try? table(id), table.layout.isUnchecked else { return nil }
        return table.layout.fixedSize
    }

    /// The rows of a table in the BSATN of an array of them.
    ///
    /// - Throws: `malformedRow` if the bytes are not such an array.
    package func rows(
        inArray bytes: UnsafeRawBufferPointer, of id: TableID
    ) throws(EngineError) -> [UnsafeRawBufferPointer] {
        let table = try table(id)
        do throws(BSATNError) {
            return try unsafe table.layout.rows(inArray: bytes)
        } catch {
            throw .malformedRow(table: table.schema.name, cause: error)
        }
    }
}

extension RowLayout {
    func rows(inArray bytes: UnsafeRawBufferPointer) throws(BSATNError) -> [UnsafeRawBufferPointer] {
        guard bytes.count >= 4 else { throw .truncated(at: bytes.count, needed: 4 - bytes.count) }
        var count = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
        // Rows without bytes are all the same one, however many the array says there are.
        if fixedSize == 0 { count = min(count, 1) }
        var rows: [UnsafeRawBufferPointer] = unsafe []
        var offset = 4
        for _ in 0..<count {
            let start = offset
            var emptyValues = 0
            for column in columns { try unsafe program.validate(column.node, in: bytes, at: &offset, &emptyValues) }
            unsafe rows.append(UnsafeRawBufferPointer(rebasing: bytes[start..<offset]))
        }
        guard offset == bytes.count else { throw .trailingBytes(at: offset, count: bytes.count - offset) }
        return unsafe rows
    }
}
