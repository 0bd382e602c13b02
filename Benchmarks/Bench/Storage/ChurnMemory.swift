import BenchHarness
import SpacetimeKit

@Table private struct Parcel {
    @PrimaryKey var id: UInt64
    @Indexed var shelf: UInt32
    var text: String
}

@Module private enum Churned {
    static let tables = Tables(Parcel.self)

    @Reducer static func add(_ context: borrowing Context, first: UInt64, count: UInt64, size: UInt32) throws {
        let text = String(repeating: "x", count: Int(size))
        for id in first..<(first + count) {
            try context.db.parcel.insert(
                Parcel(id: id, shelf: UInt32(truncatingIfNeeded: id &* 2_654_435_761), text: text))
        }
    }

    @Reducer static func remove(_ context: borrowing Context, ids: [UInt64]) throws {
        for id in ids { try context.db.parcel.id.delete(id) }
    }
}

/// Rows of changing sizes come and go, and always about as many bytes live: memory has to stay flat.
struct ChurnMemory {
    /// Bytes of rows that live.
    let liveByteCount: Int
    /// How often the size of new rows changes.
    let phases: Int
    private static let textByteCounts = [100, 700, 3_000, 40, 1_500, 250, 6_000, 12, 24_000, 400]
    /// Key, shelf, and the text's length.
    private static let fixedByteCount = 8 + 4 + 4
    private static let stepsPerPhase = 10

    /// What a moment looks like, in bytes.
    struct Sample {
        var phase: Int
        var rows: Int
        /// BSATN bytes of the rows.
        var live: Int
        var pages: Int
        var indexes: Int
        var pooled: Int
        /// Of the process, above what it had before the first row.
        var resident: Int

        /// What the database says it takes.
        var total: Int { pages + indexes + pooled }
    }

    private var random: SplitMix64
    /// Rows that were there before this phase, and those that came in it.
    private var old: [(id: UInt64, byteCount: Int)] = []
    private var new: [(id: UInt64, byteCount: Int)] = []
    private var live = 0
    private var nextID: UInt64 = 0

    init(liveByteCount: Int, phases: Int, seed: UInt64) {
        self.liveByteCount = liveByteCount
        self.phases = phases
        random = SplitMix64(seed: seed)
        // What the benchmark itself needs is there before the first sample.
        let smallest = Self.fixedByteCount + (Self.textByteCounts.min() ?? 0)
        let rowLimit = liveByteCount / smallest * 5 / 4 + 10_000
        old = Array(repeating: (0, 0), count: rowLimit)
        new = Array(repeating: (0, 0), count: rowLimit)
        old.removeAll(keepingCapacity: true)
        new.removeAll(keepingCapacity: true)
    }

    /// - Returns: samples over all phases, and one of a new database that has the rows that are left in the end.
    mutating func run() throws -> (samples: [Sample], fresh: Sample) {
        let start = ProcessMemory.residentByteCount
        let database = try Database.open(.inMemory, module: Churned.self)
        var samples: [Sample] = []
        for phase in 0..<phases {
            let size = Self.textByteCounts[phase % Self.textByteCounts.count]
            old += new
            new.removeAll(keepingCapacity: true)
            for _ in 0..<Self.stepsPerPhase {
                try add(
                    to: database, count: max(1, liveByteCount / Self.stepsPerPhase / (size + Self.fixedByteCount)), size
                )
                try removeSurplus(from: database)
                samples.append(try sample(database, phase, above: start))
            }
        }
        let rows = (old + new).sorted { $0.id < $1.id }
        let before = ProcessMemory.residentByteCount
        let fresh = try Database.open(.inMemory, module: Churned.self)
        for (id, byteCount) in rows {
            try fresh.call(Churned.add, id, 1, UInt32(byteCount - Self.fixedByteCount))
        }
        return (samples, try sample(fresh, phases, above: before))
    }

    private mutating func add(to database: Database<Churned>, count: Int, _ size: Int) throws {
        for first in stride(from: 0, to: count, by: 1_000) {
            try database.call(
                Churned.add, nextID + UInt64(first), UInt64(min(1_000, count - first)), UInt32(size))
        }
        let byteCount = size + Self.fixedByteCount
        for i in 0..<count { new.append((nextID + UInt64(i), byteCount)) }
        nextID += UInt64(count)
        live += count * byteCount
    }

    /// Removes rows at random: older ones mostly, so that of each size a few stay for long.
    private mutating func removeSurplus(from database: Database<Churned>) throws {
        var ids: [UInt64] = []
        while live > liveByteCount {
            let row = old.isEmpty || random.next() % 20 == 0 ? Self.takeAny(&new, &random) : Self.takeAny(&old, &random)
            live -= row.byteCount
            ids.append(row.id)
            if ids.count == 1_000 {
                try database.call(Churned.remove, ids)
                ids = []
            }
        }
        if !ids.isEmpty { try database.call(Churned.remove, ids) }
    }

    private static func takeAny(
        _ rows: inout [(id: UInt64, byteCount: Int)], _ random: inout SplitMix64
    ) -> (id: UInt64, byteCount: Int) {
        rows.swapAt(Int(random.next() % UInt64(rows.count)), rows.count - 1)
        return rows.removeLast()
    }

    private func sample(_ database: Database<Churned>, _ phase: Int, above start: Int) throws -> Sample {
        let report = try database.memoryReport()
        guard let table = report.tables.first(where: { $0.name == "parcel" }) else {
            throw BenchError.system("the table is not in the memory report")
        }
        guard table.rowCount == old.count + new.count else {
            throw BenchError.disagreement("\(table.rowCount) rows are there, \(old.count + new.count) should be")
        }
        return Sample(
            phase: phase, rows: table.rowCount, live: live, pages: table.pageByteCount,
            indexes: table.byteCount - table.pageByteCount, pooled: report.pooledByteCount,
            resident: ProcessMemory.residentByteCount - start)
    }
}

extension StorageBenches {
    /// Memory while rows of changing sizes come and go, beside what a new database with the same rows takes.
    ///
    /// - Throws: if pages take more than one and a half times the rows in them, beside a page or two for each size, or if in
    ///   the end all takes more than one and a half times what it takes in a new database.
    func churnMemory(seed: UInt64) throws {
        var churn = ChurnMemory(liveByteCount: sizes.churnedByteCount, phases: sizes.churnPhases, seed: seed)
        let (samples, fresh) = try churn.run()
        guard let last = samples.last else { return }
        for (number, sample) in samples.enumerated() where number % 10 == 9 { report(sample, "churned") }
        report(fresh, "fresh")
        // The first phases fill the table.
        let settled = samples.dropFirst(20)
        report(
            "churn-memory", "spacetimekit", "ratios",
            [
                ("pages_over_rows_at_worst", settled.map { Double($0.pages) / Double($0.live) }.max() ?? 0),
                ("total_over_fresh", Double(last.total) / Double(fresh.total)),
                // A new database uses memory that the process has left: what it says it takes is the safer measure.
                ("resident_over_fresh", Double(last.resident) / Double(max(fresh.total, fresh.resident))),
            ])
        for sample in settled where sample.pages > sample.live * 3 / 2 + Self.partlyFilledByteCount {
            throw BenchError.system(
                "\(sample.pages) bytes of pages for \(sample.live) of rows in phase \(sample.phase)")
        }
        // So much may wait in the pool of any database.
        guard last.total <= fresh.total * 3 / 2 + (4 << 20) else {
            throw BenchError.system("\(last.total) bytes, \(fresh.total) in a new database with the same rows")
        }
    }

    /// Two pages for each of ten sizes.
    private static let partlyFilledByteCount = 20 * 65_536

    private func report(_ sample: ChurnMemory.Sample, _ variant: String) {
        report(
            "churn-memory", "spacetimekit", variant,
            [
                ("phase", Double(sample.phase)), ("rows", Double(sample.rows)),
                ("live_megabytes", Double(sample.live) / 1e6), ("page_megabytes", Double(sample.pages) / 1e6),
                ("index_megabytes", Double(sample.indexes) / 1e6), ("pooled_megabytes", Double(sample.pooled) / 1e6),
                ("resident_megabytes", Double(sample.resident) / 1e6),
            ])
    }
}
