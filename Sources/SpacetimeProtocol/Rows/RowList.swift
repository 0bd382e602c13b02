/// Rows of one table as every binary message carries them: their BSATN back to back, and a hint at where each begins.
///
/// ```text
/// size hint   tag 0: u16, the size of every row, never 0
///             tag 1: count (u32), then for each row its start in the data (u64)
/// data        count (u32), then the rows
/// ```
public struct RowList: Hashable, Sendable {
    /// How to tell the rows apart.
    public enum SizeHint: Hashable, Sendable {
        /// All rows have this size.
        case fixedSize(UInt16)
        /// Where each row begins.
        case rowOffsets([UInt64])
    }

    /// How to tell the rows apart.
    public let sizeHint: SizeHint
    /// The rows, back to back.
    public let data: [UInt8]

    /// No rows.
    public init() {
        sizeHint = .rowOffsets([])
        data = []
    }

    /// A list as somebody else made it. Its hint is checked against the data, so that whoever takes rows out need not.
    ///
    /// - Parameters:
    ///   - data: the rows, back to back.
    ///   - sizeHint: how to tell them apart.
    ///   - at: where the list stands in its message, for the error.
    /// - Throws: `ProtocolError.contradictoryRows`.
    public init(_ data: [UInt8], sizeHint: SizeHint, at: Int = 0) throws(ProtocolError) {
        func contradiction(_ expected: String) -> ProtocolError { .contradictoryRows(at: at, expected: expected) }
        switch sizeHint {
        case .fixedSize(let size):
            guard size > 0 else { throw contradiction("a size that is not 0") }
            guard data.count.isMultiple(of: Int(size)) else {
                throw contradiction("a multiple of \(size) bytes, not \(data.count)")
            }
        case .rowOffsets(let offsets):
            guard offsets.isEmpty ? data.isEmpty : offsets[0] == 0 else {
                throw contradiction("a first row that begins with the data")
            }
            var last: UInt64 = 0
            for offset in offsets {
                guard offset >= last, offset <= UInt64(data.count) else {
                    throw contradiction("ascending offsets up to \(data.count), not \(offset) behind \(last)")
                }
                last = offset
            }
        }
        self.sizeHint = sizeHint
        self.data = data
    }

    /// The rows that end at `ends` in `data`, in the form that a server gives them: the size, if they all have the same
    /// which is neither 0 nor more than 65,535; else the offsets.
    public init(_ data: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == data.count, "the last row must end where the data end")
        self.data = data
        if let size = Self.commonSize(ends) {
            sizeHint = .fixedSize(size)
        } else {
            sizeHint = .rowOffsets(ends.indices.map { $0 == 0 ? 0 : UInt64(ends[$0 - 1]) })
        }
    }

    /// Rows of which each is given for itself.
    public init(_ rows: [[UInt8]]) {
        var ends: [Int] = []
        var end = 0
        for row in rows {
            end += row.count
            ends.append(end)
        }
        self.init(rows.flatMap { $0 }, ends: ends)
    }

    /// The size that all rows have, if it can stand for them in a message.
    package static func commonSize(_ ends: [Int]) -> UInt16? {
        guard let first = ends.first, first > 0, let size = UInt16(exactly: first) else { return nil }
        var end = 0
        for next in ends {
            end += first
            if next != end { return nil }
        }
        return size
    }
}

extension RowList {
    /// How many rows there are.
    public var count: Int {
        switch sizeHint {
        case .fixedSize(let size): data.count / Int(size)
        case .rowOffsets(let offsets): offsets.count
        }
    }

    /// Whether there is no row.
    public var isEmpty: Bool { count == 0 }

    /// The bytes of one row.
    package subscript(index: Int) -> ArraySlice<UInt8> {
        switch sizeHint {
        case .fixedSize(let size): return data[index * Int(size)..<(index + 1) * Int(size)]
        case .rowOffsets(let offsets):
            // The offsets ascend and lie inside of the data: that was checked when they were read.
            let end = index + 1 < offsets.count ? Int(offsets[index + 1]) : data.count
            return data[Int(offsets[index])..<end]
        }
    }

    /// The rows, each for itself. Costs an allocation per row.
    public var rows: [[UInt8]] { (0..<count).map { [UInt8](self[$0]) } }

    /// Calls `body` with the bytes of each row in order.
    public func forEach<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure) {
        let bytes = data.span.bytes
        for index in 0..<count {
            let range = self[index].indices
            try body(bytes.extracting(range))
        }
    }
}
