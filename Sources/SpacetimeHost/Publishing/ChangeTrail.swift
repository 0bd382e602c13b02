import SpacetimeEngine

/// What commits change in some tables while others are built out of them, until it is taken. Guarded by the database's lock.
final class ChangeTrail {
    let tables: Set<TableID>
    /// In pieces, since one long list would be copied as it grows, while everybody waits.
    private var changes = Changes()
    private var rowsOfLastPiece = Int.max
    private var byteCount = 0
    /// Whether there was too much to be kept: nothing is, then.
    private(set) var isLost = false

    /// Of tables in commits, in the order of the commits.
    struct Changes {
        /// Each of little more than ``pieceRows`` rows, unless one commit had more.
        var pieces: [[TableChanges]] = []
        var rowCount = 0
    }

    /// About as many rows as can be followed while a call may be expected to wait.
    static let pieceRows = 128

    /// With more the tables had better be built anew when nobody writes.
    private static let byteLimit = 512 << 20

    init(_ tables: [TableID]) { self.tables = Set(tables) }

    func note(_ set: ChangeSet?) {
        guard !isLost, let set else { return }
        for change in set.tables where tables.contains(change.table) {
            if rowsOfLastPiece >= Self.pieceRows {
                changes.pieces.append([])
                rowsOfLastPiece = 0
            }
            let rowCount = change.deletes.count + change.inserts.count
            changes.pieces[changes.pieces.count - 1].append(change)
            changes.rowCount += rowCount
            rowsOfLastPiece += rowCount
            byteCount += change.byteCount
        }
        if byteCount > Self.byteLimit { lose() }
    }

    /// Gives up: nothing is kept any more.
    func lose() {
        isLost = true
        _ = take()
    }

    /// Of tables in commits.
    var changeCount: Int { changes.pieces.reduce(0) { $0 + $1.count } }

    /// What has come since the last time.
    func take() -> Changes {
        defer { (changes, rowsOfLastPiece, byteCount) = (Changes(), Int.max, 0) }
        return changes
    }
}

extension TableChanges {
    /// With what it takes beside the rows.
    fileprivate var byteCount: Int {
        deletes.bytes.count + inserts.bytes.count + 8 * (deletes.count + inserts.count) + 128
    }
}
