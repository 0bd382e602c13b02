import BenchHarness
import SpacetimeKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Table struct Wide {
    @PrimaryKey var id: UInt64
    var count: UInt64
    var a: UInt64
    var b: UInt64
    var c: UInt64
    var d: UInt64
    var e: UInt64
    var f: UInt64
    var g: UInt64
    var h: UInt64
    var i: UInt64
    var j: UInt64
}

/// Rows of 96 bytes, eleven million for a gigabyte.
@Module enum WideRows {
    static let tables = Tables(Wide.self)
    static let byteCount = 96

    @Reducer static func fill(_ context: borrowing Context, first: UInt64, count: UInt64) throws {
        for id in first..<(first + count) {
            var random = SplitMix64(seed: id)
            try context.db.wide.insert(
                Wide(
                    id: id, count: 0, a: random.next(), b: random.next(), c: random.next(), d: random.next(),
                    e: random.next(), f: random.next(), g: random.next(), h: random.next(), i: id, j: id))
        }
    }

    @Reducer static func touch(_ context: borrowing Context, id: UInt64) throws {
        guard var row = context.db.wide.id.find(id) else { return }
        row.count += 1
        try context.db.wide.id.update(row)
    }
}

extension WideRows {
    /// Snapshots are taken when the benchmark asks for them.
    static var storage: StorageOptions {
        var storage = StorageOptions()
        storage.snapshotLogByteCount = .max
        storage.retention = .snapshots(1)
        return storage
    }

    /// A new database with so many rows, all of them on disk.
    static func make(at path: String, rows: Int) throws -> Database<WideRows> {
        let database = try Database.open(.directory(path, storage), module: WideRows.self)
        for start in stride(from: 0, to: UInt64(rows), by: 1_000) {
            try database.call(WideRows.fill, start, min(1_000, UInt64(rows) - start))
        }
        try database.flush()
        return database
    }
}

/// The memory that the system counts as this process's.
enum ProcessMemory {
    static var residentByteCount: Int {
        #if os(Linux)
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let fields = String(decoding: line.map { UInt8(bitPattern: $0) }.prefix { $0 != 0 }, as: UTF8.self)
            .split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
        #else
        return 0
        #endif
    }
}
