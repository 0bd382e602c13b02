/// How much memory the copies of somebody's scans take, and may take: rows that are still to be shown when their table is written.
///
/// Of one thread, that of the transaction.
package final class ScanCopies {
    package let byteLimit: Int
    package private(set) var byteCount = 0

    package init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// Whether so many bytes more are within the limit.
    package func hasRoom(for count: Int) -> Bool { byteCount &+ count <= byteLimit }

    package func add(_ count: Int) { byteCount &+= count }
    package func remove(_ count: Int) { byteCount &-= count }
}
