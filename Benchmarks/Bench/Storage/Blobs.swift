import SpacetimeKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Table struct Blob {
    @PrimaryKey var id: UInt64
    var count: UInt64
    var bytes: [UInt8]
}

/// Rows of four kilobytes, to make a database large.
@Module enum Blobs {
    static let tables = Tables(Blob.self)
    static let byteCount = 4_096

    @Reducer static func fill(_ context: borrowing Context, first: UInt64, count: UInt64) throws {
        for id in first..<(first + count) {
            var random = SplitMix64(seed: id)
            let bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() & 15) }
            try context.db.blob.insert(Blob(id: id, count: 0, bytes: bytes))
        }
    }

    @Reducer static func touch(_ context: borrowing Context, id: UInt64) throws {
        guard var blob = context.db.blob.id.find(id) else { return }
        blob.count += 1
        try context.db.blob.id.update(blob)
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
