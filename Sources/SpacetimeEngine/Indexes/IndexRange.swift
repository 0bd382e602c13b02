/// What a scan of an ordered index covers: rows whose leading key columns equal `prefix` and whose next column lies
/// between the bounds. All values are BSATN.
@usableFromInline
package struct IndexRange: Hashable, Sendable {
    @usableFromInline
    package enum Bound: Hashable, Sendable {
        case included([UInt8])
        case excluded([UInt8])
        case unbounded

        /// The value that the bound is at, if there is one.
        var value: [UInt8]? {
            switch self {
            case .included(let bytes), .excluded(let bytes): bytes
            case .unbounded: nil
            }
        }

        var isExcluded: Bool { if case .excluded = self { true } else { false } }
    }

    /// The concatenated values of the leading columns.
    package var prefix: [UInt8]
    /// How many columns `prefix` holds.
    package var prefixColumns: Int
    package var lower: Bound
    package var upper: Bound

    @usableFromInline
    package init(prefix: [UInt8] = [], prefixColumns: Int = 0, lower: Bound = .unbounded, upper: Bound = .unbounded) {
        self.prefix = prefix
        self.prefixColumns = prefixColumns
        self.lower = lower
        self.upper = upper
    }

    /// Every row, in key order.
    package static var all: IndexRange { IndexRange() }
}
