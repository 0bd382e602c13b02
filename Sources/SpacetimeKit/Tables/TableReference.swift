public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// A table inside one transaction. Made by generated code.
public struct TableReference {
    @usableFromInline package let transaction: TransactionReference
    @usableFromInline package let position: Int
    @usableFromInline package let table: TableID
    // Those of the table are numbered one after the other.
    @usableFromInline let firstIndex: IndexID
    @usableFromInline let indexCount: Int

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
        let entry = transaction.isCurrent ? transaction.state.tableMap[position] : .nothing
        table = entry.id
        firstIndex = entry.firstIndex
        indexCount = entry.indexCount
    }

    @inlinable @inline(__always)
    package func index(_ ordinal: Int) -> IndexID {
        precondition(ordinal >= 0 && ordinal < indexCount, "the table has no index at this position")
        return IndexID(firstIndex.rawValue &+ UInt32(truncatingIfNeeded: ordinal))
    }

    /// Encodes a row into the scratch of the database. With a check first, since the scratch belongs to the running
    /// transaction.
    @inlinable @inline(__always)
    package func encode<Row: SpacetimeType>(row: borrowing Row) throws(DatabaseError) {
        try transaction.requireWritable()
        let scratch = transaction.state.scratch.row
        scratch.pointee.removeAll(keepingCapacity: true)
        row.encode(to: &scratch.pointee)
    }

    @inlinable @inline(__always)
    package func encode<Key: SpacetimeType>(key: borrowing Key) {
        transaction.requireCurrent()
        let scratch = transaction.state.scratch.key
        scratch.pointee.removeAll(keepingCapacity: true)
        key.encode(to: &scratch.pointee)
    }

    /// The image of the row with that key in a unique index; valid until the next write.
    @inlinable @inline(__always)
    package func find<Key: SpacetimeType>(_ key: borrowing Key, _ index: IndexID) -> UnsafeRawBufferPointer? {
        let width = _integerKeyByteCount(Key.self)
        if width > 0 {
            transaction.requireCurrent()
            return transaction.find(index, bits: _integerKeyBits(key), byteCount: width)
        }
        encode(key: key)
        return transaction.findScratchKey(index)
    }

    /// A key's bytes in an array of their own.
    @inlinable
    package func encoded<Key: SpacetimeType>(key: borrowing Key) -> [UInt8] {
        encode(key: key)
        return transaction.state.scratch.key.pointee.toArray()
    }

    /// The row in the scratch, with the numbers that the database put in.
    @inlinable @inline(__always)
    package func decodeScratch<Row: SpacetimeType>() -> Row {
        _decode(transaction.state.scratch.row.pointee.withUnsafeBytes { $0 }, as: Row.self)
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

/// Bytes of keys that are integers of four or eight bytes, as most are; 0 of other types. In specialized code nothing of the
/// comparison is left.
@inlinable @inline(__always)
func _integerKeyByteCount<Key>(_ type: Key.Type) -> Int {
    if type == UInt32.self || type == Int32.self { return 4 }
    return type == UInt64.self || type == Int64.self ? 8 : 0
}

/// The bits of such a key, which goes on in registers and need not be encoded.
@inlinable @inline(__always)
func _integerKeyBits<Key>(_ key: borrowing Key) -> UInt64 {
    // The type has so many bytes, and all of them are its number.
    _integerKeyByteCount(Key.self) == 8
        ? unsafeBitCast(copy key, to: UInt64.self) : UInt64(unsafeBitCast(copy key, to: UInt32.self))
}
