/// Where the bytes of a key lie in the rows of a table, and how they are hashed and compared. Worked out once, since it is asked for
/// each row.
struct KeyShape: Sendable {
    /// The columns of the key, in order; none for a key that is the whole row.
    let columns: [Int]
    /// Whether all rows have the key in one piece at the same place.
    private let isFixed: Bool
    private let start: Int
    private let end: Int
    private let layout: RowLayout
    private let hash: RowHash

    /// A key that is the whole row.
    init(wholeRowsOf layout: RowLayout, hash: RowHash) {
        self.init(columns: [], layout: layout, hash: hash)
    }

    init(columns: [Int], layout: RowLayout, hash: RowHash) {
        self.columns = columns
        self.layout = layout
        self.hash = hash
        var piece: Range<Int>?
        for (position, column) in columns.enumerated() {
            guard let range = layout.fixedRange(of: column) else {
                piece = nil
                break
            }
            if position == 0 {
                piece = range
            } else if let before = piece, before.upperBound == range.lowerBound {
                piece = before.lowerBound..<range.upperBound
            } else {
                piece = nil
                break
            }
        }
        isFixed = piece != nil
        start = piece?.lowerBound ?? 0
        end = piece?.upperBound ?? 0
    }

    var isWholeRow: Bool { columns.isEmpty }

    /// The hash of a row's key; nil if the row ends before it does.
    @inline(__always)
    func hash(of row: UnsafeRawBufferPointer) -> UInt32? {
        if isFixed {
            guard end <= row.count else { return nil }
            return hash(UnsafeRawBufferPointer(rebasing: row[start..<end]))
        }
        if isWholeRow { return hash(row) }
        return hashOfPieces(of: row)
    }

    @inline(never) private func hashOfPieces(of row: UnsafeRawBufferPointer) -> UInt32? {
        var whole: UInt32?
        for column in columns {
            guard let range = layout.range(of: column, in: row) else { return nil }
            let piece = hash(UnsafeRawBufferPointer(rebasing: row[range]))
            whole = whole.map { hash.combine($0, piece) } ?? piece
        }
        return whole
    }

    /// The hash of a key that is looked for: the bytes of each column.
    func hash(of key: [[UInt8]]) -> UInt32? {
        if isFixed || isWholeRow { return Array(key.joined()).withUnsafeBytes { hash($0) } }
        var whole: UInt32?
        for piece in key {
            let piece = piece.withUnsafeBytes { hash($0) }
            whole = whole.map { hash.combine($0, piece) } ?? piece
        }
        return whole
    }

    /// Whether two rows have the same key, byte for byte; not if one of them has none.
    @inline(__always)
    func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        if isFixed {
            guard end <= left.count, end <= right.count else { return false }
            return equal(
                UnsafeRawBufferPointer(rebasing: left[start..<end]),
                UnsafeRawBufferPointer(rebasing: right[start..<end]))
        }
        if isWholeRow { return equal(left, right) }
        return arePiecesEqual(left, right)
    }

    @inline(never)
    private func arePiecesEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        for column in columns {
            guard let one = layout.range(of: column, in: left), let two = layout.range(of: column, in: right),
                equal(UnsafeRawBufferPointer(rebasing: left[one]), UnsafeRawBufferPointer(rebasing: right[two]))
            else { return false }
        }
        return true
    }

    /// Whether a row has a key that is looked for.
    func matches(_ key: [[UInt8]], _ row: UnsafeRawBufferPointer) -> Bool {
        zip(columns, key).allSatisfy { layout.has($1, in: $0, of: row) }
    }
}

extension RowLayout {
    /// Whether a column of a row has this value, byte for byte.
    func has(_ value: [UInt8], in column: Int, of row: UnsafeRawBufferPointer) -> Bool {
        guard let range = range(of: column, in: row) else { return false }
        return value.withUnsafeBytes { equal($0, UnsafeRawBufferPointer(rebasing: row[range])) }
    }
}
