import SpacetimeEngine

/// What commits change in some tables while others are built out of them, until it is taken. Guarded by the database's lock.
final class ChangeTrail {
    let tables: Set<TableID>
    private var changes: [TableChanges] = []
    private var byteCount = 0
    /// Whether there was too much to be kept: nothing is, then.
    private(set) var isLost = false

    /// With more the tables had better be built anew when nobody writes.
    private static let byteLimit = 512 << 20

    init(_ tables: [TableID]) { self.tables = Set(tables) }

    func note(_ set: ChangeSet?) {
        guard !isLost, let set else { return }
        for change in set.tables where tables.contains(change.table) {
            changes.append(change)
            byteCount += change.byteCount
        }
        if byteCount > Self.byteLimit { lose() }
    }

    /// Gives up: nothing is kept any more.
    func lose() {
        isLost = true
        changes = []
    }

    /// Of tables in commits.
    var changeCount: Int { changes.count }

    /// What has come since the last time, in the order of the commits.
    func take() -> [TableChanges] {
        defer { (changes, byteCount) = ([], 0) }
        return changes
    }
}

extension TableChanges {
    /// With what it takes beside the rows.
    fileprivate var byteCount: Int {
        deletes.bytes.count + inserts.bytes.count + 8 * (deletes.count + inserts.count) + 128
    }
}
