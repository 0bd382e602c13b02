public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// A table inside one transaction. Made by generated code.
public struct TableReference {
    @usableFromInline package let transaction: TransactionReference
    @usableFromInline package let position: Int
    @usableFromInline package let table: TableID

    /// A table inside a transaction.
    ///
    /// - Parameters:
    ///   - transaction: the transaction, while it runs.
    ///   - position: the place of the table in the module's list.
    @inlinable
    public init(_ transaction: TransactionReference, table position: Int) {
        self.transaction = transaction
        self.position = position
        // A stale handle is refused when it is used, and until then finds nothing.
        self.table = transaction.isCurrent ? transaction.state.pointee.tableMap.table(at: position) : TableID(.max)
    }

    @inlinable
    package func index(_ ordinal: Int) -> IndexID {
        transaction.isCurrent
            ? transaction.state.pointee.tableMap.index(ordinal, ofTableAt: position) : IndexID(.max)
    }

    /// Encodes a row into the scratch of the database. With a check first, since the scratch belongs to the running
    /// transaction.
    @inlinable @inline(__always)
    package func encode<Row: SpacetimeType>(row: borrowing Row) throws(DatabaseError) {
        try transaction.requireWritable()
        let scratch = transaction.state.pointee.scratch.row
        scratch.pointee.removeAll(keepingCapacity: true)
        row.encode(to: &scratch.pointee)
    }

    @inlinable @inline(__always)
    package func encode<Key: SpacetimeType>(key: borrowing Key) {
        transaction.requireCurrent()
        let scratch = transaction.state.pointee.scratch.key
        scratch.pointee.removeAll(keepingCapacity: true)
        key.encode(to: &scratch.pointee)
    }

    /// A key's bytes in an array of their own.
    @inlinable
    package func encoded<Key: SpacetimeType>(key: borrowing Key) -> [UInt8] {
        encode(key: key)
        return transaction.state.pointee.scratch.key.pointee.toArray()
    }

    /// The row in the scratch, with the numbers that the database put in.
    @inlinable @inline(__always)
    package func decodeScratch<Row: SpacetimeType>() -> Row {
        _decode(transaction.state.pointee.scratch.row.pointee.withUnsafeBytes { $0 }, as: Row.self)
    }
}

/// A row out of its image. Images come from the same type's `encode`, so a failure means that the two do not match.
@inlinable @inline(__always)
package func _decode<Row: SpacetimeType>(_ image: UnsafeRawBufferPointer, as type: Row.Type) -> Row {
    var reader = BSATNReader(RawSpan(_unsafeBytes: image))
    do throws(BSATNError) { return try Row(from: &reader) } catch { _undecodable(String(describing: type), error) }
}

@inline(never) @usableFromInline
package func _undecodable(_ type: String, _ error: BSATNError) -> Never {
    fatalError("\(type) cannot decode what it encoded (\(error)); make init(from:) and encode(to:) mirror each other")
}
