import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes: they are validated here. Lent buffers: an array lends its bytes for a call.

/// Several keys that are looked for in one index: one value of the leading columns, and a list for the next column.
package struct KeyList: Hashable, Sendable {
    /// The concatenated values of the leading columns, in BSATN.
    package var prefix: [UInt8]
    /// How many columns `prefix` holds.
    package var prefixColumns: Int
    /// The variant of the column behind them that `values` are payloads of; nil if they are whole values of the column.
    package var tag: UInt8?
    package var values: ValueList

    package init(prefix: [UInt8] = [], prefixColumns: Int = 0, tag: UInt8? = nil, values: ValueList) {
        self.prefix = prefix
        self.prefixColumns = prefixColumns
        self.tag = tag
        self.values = values
    }
}

extension KeySpec {
    /// The different keys of a list, in key order: the bytes that all begin with, and where in the list's values each has the
    /// others.
    ///
    /// - Throws: if they are not values of the key's columns.
    func distinctKeys(_ keys: KeyList) throws(BSATNError) -> (head: [UInt8], ranges: [Range<Int>]) {
        let program = probeLayout.program
        var node = probeLayout.columns[keys.prefixColumns].node
        if let tag = keys.tag {
            let entry = program.nodes[Int(node)]
            guard entry.kind == .sum, Int(tag) < Int(entry.childCount) else { throw .invalidTag(tag, at: 0) }
            node = program.children[Int(entry.firstChild) + Int(tag)]
        }
        try unsafe keys.prefix.withBytes { (bytes) throws(BSATNError) in
            try unsafe validate(bytes, count: keys.prefixColumns)
        }
        let places = try program.places(of: keys.values, node)
        return (keys.prefix + (keys.tag.map { [$0] } ?? []), program.distinct(keys.values, places, node))
    }
}
