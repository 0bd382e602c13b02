public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// Rows of a table, decoded one by one as a loop asks for them.
///
/// A loop sees the rows as they were when it began: what it inserts, updates or deletes itself does not disturb it. A
/// loop costs a few allocations, a row none unless its type holds strings or arrays; a loop that needs some columns only
/// says so with `select`. Valid until the transaction ends.
public struct Rows<Row: TableRow>: Sequence {
    @usableFromInline let reference: TableReference
    @usableFromInline let source: RowSource

    @inlinable
    init(_ reference: TableReference, _ source: RowSource) {
        self.reference = reference
        self.source = source
    }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(RowImages(reference, source)) }

    /// How many rows there are. Decodes none.
    @inlinable
    public var count: Int { source.count(reference) }

    /// The first row, if there is one.
    @inlinable
    public var first: Row? {
        var iterator = makeIterator()
        return iterator.next()
    }

    public struct Iterator: IteratorProtocol {
        @usableFromInline var images: RowImages

        @inlinable
        init(_ images: RowImages) { self.images = images }

        @inlinable
        public mutating func next() -> Row? {
            guard let image = images.next() else { return nil }
            return _decode(image, as: Row.self)
        }
    }
}

/// The images of the rows of an open scan, one by one.
@usableFromInline
struct RowImages {
    @usableFromInline let transaction: TransactionReference
    @usableFromInline let scan: RowScan
    @usableFromInline var position = 0
    @usableFromInline var count = 0

    @inlinable
    init(_ reference: TableReference, _ source: RowSource) {
        transaction = reference.transaction
        scan = source.open(reference)
    }

    /// Valid until the next write, or the end of the transaction.
    @inlinable @inline(__always)
    mutating func next() -> UnsafeRawBufferPointer? {
        // Each time: the rows lie in pages that may be gone once the transaction is over.
        transaction.requireCurrent()
        if position == count {
            count = scan.refill()
            position = 0
            if count == 0 { return nil }
        }
        let image = scan.batch[position]
        position &+= 1
        return image
    }
}
