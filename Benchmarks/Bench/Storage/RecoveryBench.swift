import SpacetimeDurability
import SpacetimeKit
import SpacetimeTestSupport

/// How long it takes until a database that was closed answers again.
extension StorageBenches {
    func recovery(rounds: Int) throws {
        try replay(rounds: rounds)
        try load(rounds: rounds)
        try loadBytes(rounds: rounds)
        try loadRegion(rounds: rounds)
    }

    /// Opening a database whose log holds transfers, beside reading and checking the same log without doing anything.
    private func replay(rounds: Int) throws {
        let directory = try TemporaryDirectory()
        let workload = TransferWorkload(sizes)
        var storage = StorageOptions()
        storage.snapshotLogByteCount = .max
        do {
            let database = try Database.open(.directory(directory.path + "/bank", storage), module: Bank.self)
            try database.call(Bank.fill, UInt32(workload.accounts), TransferWorkload.initialBalance)
            var done = 0
            var pass = 0
            while done < sizes.replayedTransfers {
                for pair in workload.pairs(pass: pass) {
                    try database.call(Bank.transfer, pair.from, pair.to, TransferWorkload.amount)
                    done += 1
                }
                pass += 1
            }
            try database.close()
        }
        var opening: [Double] = []
        var reading: [Double] = []
        var count = 0
        for _ in 0..<rounds {
            opening.append(
                try seconds {
                    let database = try Database.open(.directory(directory.path + "/bank", storage), module: Bank.self)
                    count = Int(try database.lastOffset().rawValue)
                    try database.close()
                })
            reading.append(
                try seconds {
                    let reader = try LogReader(SystemDisk(), directory: directory.path + "/bank/log")
                    _ = try reader.forEachRecord(from: 0) { _, _ in }
                })
        }
        report("recovery", "spacetimekit", "replay", [("transactions_per_second", Double(count) / median(opening))])
        report("recovery", "limit", "read-log", [("transactions_per_second", Double(count) / median(reading))])
    }

    /// Opening a database from a snapshot, beside reading and decompressing the same file.
    private func load(rounds: Int) throws {
        let directory = try TemporaryDirectory()
        let rows = try makeItems(directory.path + "/shop", rows: sizes.recoveredItems)
        var opening: [Double] = []
        var reading: [Double] = []
        for _ in 0..<rounds {
            opening.append(
                try seconds { try Database.open(at: directory.path + "/shop", module: Shop.self).close() })
            reading.append(try seconds { try readSnapshot(of: directory.path + "/shop") })
        }
        report("recovery", "spacetimekit", "snapshot", [("rows_per_second", Double(rows) / median(opening))])
        report("recovery", "limit", "decompress", [("rows_per_second", Double(rows) / median(reading))])
    }

    /// Opening a large database from a snapshot up to the first row that is found.
    private func loadBytes(rounds: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/wide"
        let database = try WideRows.make(at: path, rows: sizes.wideRows)
        try database.takeSnapshot()
        try database.close()
        try restart("bytes", path, rounds: rounds, WideRows.self) { database in
            try database.read { db in db.wide.id.find(UInt64(self.sizes.wideRows / 2)) != nil }
        }
    }

    /// The same with tables and indexes as a region of a game has them.
    private func loadRegion(rounds: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/region"
        let database = try Database.open(
            .directory(path, WideRows.storage), module: Region.self)
        let shares = UInt64(max(1, sizes.regionRows / Region.rowsPerShare))
        for first in stride(from: 0, to: shares, by: 100) {
            try database.call(Region.fill, first, min(100, shares - first))
        }
        try database.takeSnapshot()
        try database.close()
        try restart("region", path, rounds: rounds, Region.self) { database in
            try database.read { db in db.tile.id.find(0) != nil && db.belonging.id.find(0) != nil }
        }
    }

    /// Opens a database again and again, beside reading and decompressing its snapshot and doing nothing with it.
    private func restart<Definition: ModuleDefinition>(
        _ variant: String, _ path: String, rounds: Int, _ module: Definition.Type,
        answers: (Database<Definition>) throws -> Bool
    ) throws {
        var opening: [Double] = []
        var reading: [Double] = []
        var memory = 0
        for _ in 0..<rounds {
            var opened: Database<Definition>?
            opening.append(
                try seconds {
                    let database = try Database.open(.directory(path, WideRows.storage), module: module)
                    guard try answers(database) else { throw BenchError.system("a row is not there after a restart") }
                    opened = database
                })
            memory = try opened?.memoryReport().byteCount ?? 0
            try opened?.close()
            opened = nil
            reading.append(try seconds { try readSnapshot(of: path) })
        }
        let fileByteCount = try snapshotByteCount(of: path)
        for (system, variant, times) in [
            ("spacetimekit", variant, opening), ("limit", "decompress-\(variant)", reading),
        ] {
            report(
                "recovery", system, variant,
                [
                    ("seconds", median(times)), ("best", times.min() ?? 0), ("worst", times.max() ?? 0),
                    ("file_megabytes", Double(fileByteCount) / 1e6), ("memory_megabytes", Double(memory) / 1e6),
                    ("file_megabytes_per_second", Double(fileByteCount) / 1e6 / median(times)),
                ])
        }
    }

    private func readSnapshot(of path: String) throws {
        let path = path + "/snapshots"
        guard let newest = try SnapshotFile.list(SystemDisk(), directory: path).first else { return }
        var reader = try SnapshotFileReader(SystemDisk(), directory: path, nextOffset: newest)
        _ = try reader.readHeader()
        try reader.forEachBlock { _, _ in }
    }

    private func snapshotByteCount(of path: String) throws -> UInt64 {
        let disk = SystemDisk()
        guard let newest = try SnapshotFile.list(disk, directory: path + "/snapshots").first else { return 0 }
        let file = try disk.open(SnapshotFile.path(path + "/snapshots", newest), .read)
        defer { file.close() }
        return try file.size()
    }
}
