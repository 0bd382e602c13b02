import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS

/// What the host puts into a snapshot file: a header block with the schema and, for each table, the number of its rows
/// and the state of its sequences; then blocks tagged with a table's id, holding the pages that have rows, each after its
/// length `u32`. Earlier versions wrote a length of 0 for a page number without a page; it is skipped.
struct SnapshotContent {
    struct Table {
        var id: TableID
        var rowCount: UInt64
        var sequences: [Int128]
    }

    var schema: [UInt8]
    var tables: [Table]

    private static let blockByteCount = 1 << 20
    /// A smaller file is read before threads would have begun.
    private static let smallestForThreads: UInt64 = 8 << 20

    func encoded() -> [UInt8] {
        var writer = BSATNWriter()
        writer.write(schema)
        writer.writeCount(tables.count)
        for table in tables {
            writer.write(table.id.rawValue)
            writer.write(table.rowCount)
            table.sequences.encode(to: &writer)
        }
        return writer.toArray()
    }

    init(schema: [UInt8], tables: [Table]) {
        self.schema = schema
        self.tables = tables
    }

    init(decoding bytes: [UInt8]) throws(BSATNError) {
        var reader = BSATNReader(bytes.span.bytes)
        schema = try reader.readBytes()
        tables = []
        for _ in 0..<(try reader.readCount(minimumElementSize: 16)) {
            tables.append(
                Table(
                    id: TableID(try reader.readU32()), rowCount: try reader.readU64(),
                    sequences: try [Int128](from: &reader)))
        }
        try reader.finish()
    }

    /// Writes a snapshot of the whole database.
    static func write(
        _ snapshot: DatastoreSnapshot, schema: StoredSchema, to writer: inout SnapshotFileWriter
    ) throws(StorageError) {
        let kept = snapshot.keptTableIDs
        let tables = kept.map {
            Table(id: $0, rowCount: UInt64(snapshot.count($0)), sequences: snapshot.sequencePositions(of: $0))
        }
        try writer.writeHeader(SnapshotContent(schema: schema.encoded(), tables: tables).encoded())
        for table in kept {
            var block = BSATNWriter(reservingCapacity: blockByteCount + (1 << 17))
            func flush(_ writer: inout SnapshotFileWriter) throws(StorageError) {
                let bytes = block.withUnsafeBytes { $0 }
                if bytes.count > 0 { try writer.writeBlock(tag: table.rawValue, bytes) }
                block.removeAll(keepingCapacity: true)
            }
            try snapshot.forEachPage(of: table) { (page) throws(StorageError) in
                block.write(UInt32(page.count))
                block.append(page)
                if block.count >= blockByteCount { try flush(&writer) }
            }
            try flush(&writer)
        }
    }

    /// Reads the rows of a snapshot file into a fresh datastore.
    ///
    /// Threads read blocks and make pages of them, and then make one index each; what comes of it, errors included, does not
    /// depend on their number.
    static func read(
        _ disk: any Disk, directory: String, nextOffset: UInt64, into datastore: Datastore, threads: Int?
    ) throws -> (schema: StoredSchema, databaseID: [UInt8]) {
        var reader = try SnapshotFileReader(disk, directory: directory, nextOffset: nextOffset)
        let content = try SnapshotContent(decoding: try reader.readHeader())
        let schema = try StoredSchema(decoding: content.schema)
        try schema.makeTables(in: datastore)
        let threads = threads ?? (reader.byteCount < smallestForThreads ? 1 : coreCount)
        let loader = datastore.pageLoader()
        try reader.forEachBlock(threads: threads) { tag, bytes in
            try pages(in: bytes, of: TableID(tag), loader)
        } deliver: { pages in
            for page in pages { try datastore.add(page) }
        }
        // The longest first, so that none is left for one thread in the end.
        let builds = try content.tables.flatMap { try datastore.indexBuilds(of: $0.id) }
            .sorted { $0.rowCount > $1.rowCount }
        doInParallel(threads: threads, builds.map { build in { build.run() } })
        for table in content.tables {
            guard datastore.count(table.id) == Int(table.rowCount) else {
                throw EngineError.malformedChanges("table #\(table.id.rawValue) lacks rows")
            }
            try datastore.restartSequences(of: table.id, at: table.sequences)
        }
        return (schema, reader.databaseID)
    }

    private static func pages(
        in block: UnsafeRawBufferPointer, of table: TableID, _ loader: PageLoader
    ) throws(EngineError) -> [LoadedPage] {
        var pages: [LoadedPage] = []
        var rest = block
        while rest.count >= 4 {
            let count = Int(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
            guard count <= rest.count - 4 else { break }
            let bytes = UnsafeRawBufferPointer(rebasing: rest[4..<(4 + count)])
            if count > 0, let page = try loader.load(bytes, into: table) { pages.append(page) }
            rest = UnsafeRawBufferPointer(rebasing: rest[(4 + count)...])
        }
        guard rest.isEmpty else { throw .malformedChanges("a page is cut off") }
        return pages
    }
}
