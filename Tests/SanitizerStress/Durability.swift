import SpacetimeKit
import SpacetimeTestSupport

extension SanitizerStress {
    /// Writers that wait for the disk and writers that do not, beside snapshots, backups and readers, on real files.
    static func runOnDisk() async throws {
        let temporary = try TemporaryDirectory()
        defer { withExtendedLifetime(temporary) {} }
        let directory = temporary.path
        var storage = StorageOptions()
        storage.snapshotLogByteCount = 60_000
        storage.segmentByteCount = 40_000
        storage.pendingByteLimit = 4_000
        let database = try await Database.open(.directory(directory + "/bank", storage), module: Bank.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await onThread { try renew(database, seed: 1) } }
            group.addTask { try await onThread { try write(database, seed: 2) } }
            group.addTask {
                for round in 0..<100 as Range<UInt32> {
                    try await database.call(Bank.transfer, round % 16, 16 + round % 16, 1, until: .durable)
                }
            }
            group.addTask {
                try await onThread {
                    for i in 0..<4 {
                        try database.takeSnapshot()
                        try database.backup(to: "\(directory)/copy\(i)")
                        try checkSum(of: database.snapshot())
                    }
                }
            }
            try await group.waitForAll()
        }
        try await database.close()
        let last = try database.lastOffset()
        let again = try await Database.open(at: directory + "/bank", module: Bank.self)
        let found = try again.lastOffset()
        precondition(found >= last, "commits are missing after opening again")
        try await checkSum(of: again.snapshot())
        try await again.close()
        print("on disk: \(last.rawValue) commits are there after opening again")
    }
}
