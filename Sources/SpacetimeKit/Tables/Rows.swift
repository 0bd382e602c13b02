public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// Rows of a table, decoded one by one as a loop asks for them.
///
/// A loop sees the rows as they were when it began: what it inserts, updates or deletes itself does not disturb it. A
/// loop costs a few allocations, a row none unless its type holds strings or arrays; a loop that needs some columns only
/// says so with `select`. Valid until the transaction ends.
///
/// Rows that come through an index are in the order of its key, see ``Index``; ``reversed()`` turns the
/// order round without reading anything, and ``prefix(_:)`` reads no more than it is asked for:
///
/// ```swift
/// let newest = db.message.byRoomSent.filter("lobby").reversed().prefix(50)
/// ```
///
/// Rows of a whole table, or that meet a condition, are in no particular order.
public struct Rows<Row: TableRow>: Sequence {
    @usableFromInline let reference: TableReference
    @usableFromInline let source: RowSource
    @usableFromInline let window: ScanWindow

    @inlinable
    init(_ reference: TableReference, _ source: RowSource, _ window: ScanWindow = ScanWindow()) {
        self.reference = reference
        self.source = source
        self.window = window
    }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(RowImages(reference, source, window)) }

    /// How many rows there are. Decodes none.
    @inlinable
    public var count: Int { Swift.min(source.count(reference), window.limit) }

    /// Whether there are no rows. Decodes none, and looks at no more than are needed to find one.
    @inlinable
    public var isEmpty: Bool {
        var images = RowImages(reference, source, limited(to: 1))
        return images.next() == nil
    }

    /// The first row, if there is one.
    @inlinable
    public var first: Row? {
        var iterator = Iterator(RowImages(reference, source, limited(to: 1)))
        return iterator.next()
    }

    /// The last row, if there is one. Through an index it costs as much as the first.
    @inlinable
    public var last: Row? { reversed().first }

    /// The same rows from the last to the first.
    ///
    /// Nothing is read for it, except if ``prefix(_:)`` said before how many rows there are: these are copied when the
    /// loop begins.
    public func reversed() -> Rows {
        if window.limit < .max { return Rows(reference, .turned(source, window)) }
        if case .turned(let inner, let innerWindow) = source { return Rows(reference, inner, innerWindow) }
        return Rows(reference, source, ScanWindow(isReversed: !window.isReversed))
    }

    /// The first rows, at most `maxLength`. No others are read.
    @inlinable
    public func prefix(_ maxLength: Int) -> Rows {
        precondition(maxLength >= 0, "a negative number of rows was asked for")
        return Rows(reference, source, limited(to: maxLength))
    }

    /// The last rows in their order, at most `maxLength`. Through an index no others are read.
    public func suffix(_ maxLength: Int) -> [Row] {
        var rows = Array(reversed().prefix(maxLength))
        rows.reverse()
        return rows
    }

    @inlinable
    func limited(to count: Int) -> ScanWindow {
        ScanWindow(isReversed: window.isReversed, limit: Swift.min(window.limit, count))
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
    init(_ reference: TableReference, _ source: RowSource, _ window: ScanWindow) {
        transaction = reference.transaction
        scan = source.open(reference, window)
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
