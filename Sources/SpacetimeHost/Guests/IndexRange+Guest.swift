package import SpacetimeEngine
import SpacetimeSATS

extension IndexRange {
    /// A range as guests write it.
    ///
    /// - Parameters:
    ///   - prefix: the values of the leading columns; not looked at if there are none.
    ///   - prefixColumns: how many.
    ///   - start: the lower bound of the column behind them: `0` and a value that is included, `1` and one that is not,
    ///     or `2` for none.
    ///   - end: the upper bound, likewise.
    /// - Throws: `malformedKey` if a bound is none. Whether the values are ones of the columns is checked with the index.
    package init(
        prefix: UnsafeRawBufferPointer, prefixColumns: Int, start: UnsafeRawBufferPointer, end: UnsafeRawBufferPointer
    ) throws(DatabaseError) {
        self.init(
            prefix: prefixColumns == 0 ? [] : Array(prefix), prefixColumns: prefixColumns,
            lower: try Self.bound(start), upper: try Self.bound(end))
    }

    private static func bound(_ bytes: UnsafeRawBufferPointer) throws(DatabaseError) -> Bound {
        switch bytes.first {
        case 0: return .included(Array(bytes.dropFirst()))
        case 1: return .excluded(Array(bytes.dropFirst()))
        case 2 where bytes.count == 1: return .unbounded
        default:
            throw DatabaseError(
                .malformedKey, "the bytes are not a bound: 0 or 1 and a value, or 2 alone", cause: nil)
        }
    }
}
