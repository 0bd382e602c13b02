public import SpacetimeSATS

/// Copies of rows in one piece of memory: what a change is told with, since the cache may be ahead when it is read.
public struct PackedRows: Sendable, Hashable {
    /// The rows, back to back.
    package private(set) var bytes: [UInt8] = []
    /// Where each row ends.
    package private(set) var ends: [Int] = []

    /// No rows.
    public init() {}

    /// - Parameter ends: where each row ends in `bytes`, ascending; the last one at their end.
    package init(bytes: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == bytes.count, "the rows do not end where their bytes do")
        self.bytes = bytes
        self.ends = ends
    }

    /// How many rows there are.
    public var count: Int { ends.count }

    /// Whether there is none.
    public var isEmpty: Bool { ends.isEmpty }

    package mutating func append(_ row: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: row)
        ends.append(bytes.count)
    }

    /// The BSATN of one row, copied.
    public subscript(index: Int) -> [UInt8] { Array(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]) }

    /// Lends the bytes of one row.
    func withBytes<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let range = (index == 0 ? 0 : ends[index - 1])..<ends[index]
        return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// Calls `body` with a reader over each row, in order.
    ///
    /// - Throws: what `body` throws.
    public func forEach<Failure: Error>(_ body: (inout BSATNReader) throws(Failure) -> Void) throws(Failure) {
        let all = bytes.span.bytes
        var start = 0
        for end in ends {
            var reader = BSATNReader(all.extracting(start..<end))
            try body(&reader)
            start = end
        }
    }

    /// The rows as values.
    ///
    /// - Throws: if a row is no `Row`, or holds more than one.
    public func decoded<Row: SpacetimeType>(as type: Row.Type) throws(BSATNError) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(count)
        try forEach { (reader) throws(BSATNError) in
            rows.append(try Row(from: &reader))
            try reader.finish()
        }
        return rows
    }
}
