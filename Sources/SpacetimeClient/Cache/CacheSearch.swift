/// Which rows of a cached table are looked for.
package struct CacheSearch: Sendable {
    /// What columns must be, byte for byte, by their places.
    var equalities: [Int: [UInt8]] = [:]
    /// What a row must meet; it decides alone, and the equalities are only a way to it. Nil if there are no conditions but these.
    var test: (@Sendable (UnsafeRawBufferPointer) -> Bool)?

    /// All rows.
    package init() {}

    package init(
        equalities: [Int: [UInt8]], test: (@Sendable (UnsafeRawBufferPointer) -> Bool)? = nil
    ) {
        self.equalities = equalities
        self.test = test
    }

    /// Columns with these values. No row has two different ones in one column.
    package init(columns: [Int], key: [[UInt8]]) {
        for (column, value) in zip(columns, key) {
            if let other = equalities.updateValue(value, forKey: column), other != value { test = { _ in false } }
        }
    }
}
