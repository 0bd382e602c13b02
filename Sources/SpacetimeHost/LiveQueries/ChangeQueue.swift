import SpacetimeEngine

/// Changes that wait to be followed, in the order in which they came.
///
/// To add one costs the same however many there are, and nothing but a copy of its rows, as it is done while others wait: rows lie
/// one behind the other in pieces, none of which ever moves. A row is
///
/// | Bytes | Field |
/// | --- | --- |
/// | 1 | 0 if it went, 1 if it came |
/// | 4 | the length of its image |
/// | … | its image |
struct ChangeQueue {
    private var pieces: [[UInt8]] = []
    /// Where the first row is.
    private var piece = 0
    private var offset = 0
    /// Rows that went or came.
    private(set) var rowCount = 0

    private static let pieceByteCount = 1 << 16
    private static let headerByteCount = 5

    var isEmpty: Bool { rowCount == 0 }

    mutating func append(_ changes: RowChanges) {
        changes.deletes.forEach { append($0, sign: 0) }
        changes.inserts.forEach { append($0, sign: 1) }
    }

    private mutating func append(_ row: UnsafeRawBufferPointer, sign: UInt8) {
        let byteCount = Self.headerByteCount + row.count
        if pieces.isEmpty || pieces[pieces.count - 1].count + byteCount > Self.pieceByteCount { addPiece(byteCount) }
        let last = pieces.count - 1
        pieces[last].append(sign)
        withUnsafeBytes(of: UInt32(row.count)) { pieces[last].append(contentsOf: $0) }
        pieces[last].append(contentsOf: row)
        rowCount += 1
    }

    @inline(never)
    private mutating func addPiece(_ byteCount: Int) {
        var piece: [UInt8] = []
        piece.reserveCapacity(max(byteCount, Self.pieceByteCount))
        pieces.append(piece)
    }

    /// Takes out the first rows, at most so many, and adds them up: rows that went and came again cancel each other.
    mutating func take(_ limit: Int, into sum: inout RowBag) {
        var left = min(limit, rowCount)
        rowCount -= left
        while left > 0 {
            if offset == pieces[piece].count {
                pieces[piece] = []
                piece += 1
                offset = 0
            }
            pieces[piece].withUnsafeBytes { bytes in
                while left > 0, offset < bytes.count {
                    let count = Int(bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
                    let start = offset + Self.headerByteCount
                    let row = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                    sum.add(row, bytes[offset] == 0 ? -1 : 1)
                    offset = start + count
                    left -= 1
                }
            }
        }
        if isEmpty { self = ChangeQueue() }
    }
}

extension RowChanges {
    /// Rows that went or came.
    var rowCount: Int { deletes.count + inserts.count }
}
