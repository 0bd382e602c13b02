import BenchHarness
import SpacetimeKit
import SpacetimeTestSupport

@Table struct Document {
    @PrimaryKey var id: UInt64
    var visits: UInt64
    var text: String
}

/// Rows of a chosen size, of which little changes at a time.
@Module enum Documents {
    static let tables = Tables(Document.self)

    @Reducer static func write(_ context: borrowing Context, id: UInt64, byteCount: UInt32) throws {
        var random = SplitMix64(seed: id)
        let text = String(decoding: (0..<byteCount).map { _ in UInt8(97 + random.next() % 26) }, as: UTF8.self)
        try context.db.document.insert(Document(id: id, visits: 0, text: text))
    }

    @Reducer static func visit(_ context: borrowing Context, id: UInt64) throws {
        try context.db.document.id.update(id) { $0.visits += 1 }
    }

    @Reducer static func append(_ context: borrowing Context, id: UInt64) throws {
        try context.db.document.id.update(id) { $0.text += "and a few words more" }
    }
}

extension StorageBenches {
    /// Small changes of rows of several sizes: how many calls a second, and what each takes in the log.
    func edits() throws {
        for byteCount in [50, 100, 200, 500, 2_000, 20_000] as [UInt32] {
            try edits("counter", byteCount) { try $0.call(Documents.visit, $1) }
            try edits("append", byteCount) { try $0.call(Documents.append, $1) }
        }
    }

    private func edits(
        _ variant: String, _ rowByteCount: UInt32, _ call: (Database<Documents>, UInt64) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/documents"
        func open() throws -> Database<Documents> {
            try Database.open(.directory(path, WideRows.storage), module: Documents.self)
        }
        let calls = UInt64(sizes.callsPerPass / 10)
        // Each row is changed ten times.
        let rows = calls / 10
        var database = try open()
        for id in 0..<rows { try database.call(Documents.write, id, rowByteCount) }
        try database.close()
        // An open log has space reserved at its end.
        let before = try byteCount(of: path)
        database = try open()
        let time = try seconds {
            for i in 0..<calls { try call(database, i % rows) }
            try database.flush()
        }
        try database.close()
        report(
            "edits", "spacetimekit", "\(variant)-\(rowByteCount)",
            [
                ("calls_per_second", Double(calls) / time),
                ("log_bytes_per_call", Double(try byteCount(of: path) - before) / Double(calls)),
            ])
    }
}
