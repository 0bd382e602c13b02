public import SpacetimeDurability

/// How a database keeps its files. The defaults suit a program.
public struct StorageOptions: Sendable {
    /// Where the files are. The testing library has a simulated one.
    public var disk: any Disk
    /// A snapshot is taken when so many bytes of log have gathered since the last one: what a restart has to replay at
    /// most.
    public var snapshotLogByteCount: UInt64 = 256 << 20
    /// What is kept of history.
    public var retention = Retention.snapshots(2)
    /// A log file that has reached this size is followed by a new one.
    public var segmentByteCount: UInt64 = 128 << 20
    /// Whether log and snapshots are compressed (LZ4) where that saves space.
    public var compresses = true
    /// The time between two syncs of the log under load, while nobody waits for durability. A loss of power takes back what
    /// was committed in this time and in the time of one sync, at most. A commit after a pause is written at once, and so
    /// is one that somebody waits for. Zero means as often as the disk can, which slows calls down by the work of syncing.
    public var syncInterval = Duration.milliseconds(5)
    /// With more than this waiting to be written, writers are held up before they begin.
    public var pendingByteLimit = 64 << 20
    /// False: the calling threads write log and snapshots themselves, so that equal calls make equal files. For tests
    /// and simulations.
    public var runsInBackground = true

    /// The defaults, on the machine's own disk or another one.
    public init(disk: any Disk = SystemDisk()) { self.disk = disk }

    /// How much of a database's past its directory holds.
    public struct Retention: Hashable, Sendable {
        /// Nil keeps everything.
        package let snapshotCount: Int?

        /// The newest snapshots and the log from the oldest of them on. More than one lets the database open when the
        /// newest is damaged; the time between them can be travelled to.
        public static func snapshots(_ count: Int) -> Retention { Retention(snapshotCount: max(1, count)) }

        /// The whole log and every snapshot: the disk grows without bound, and every moment can be travelled to.
        public static var keepEverything: Retention { Retention(snapshotCount: nil) }
    }

    var logOptions: LogOptions {
        var log = LogOptions()
        log.segmentByteLimit = segmentByteCount
        log.preallocationByteCount = min(log.preallocationByteCount, segmentByteCount)
        log.compresses = compresses
        log.pendingByteLimit = pendingByteLimit
        log.hasWriterThread = runsInBackground
        let (seconds, attoseconds) = min(max(.zero, syncInterval), .seconds(3_600)).components
        log.lingerNanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return log
    }
}
