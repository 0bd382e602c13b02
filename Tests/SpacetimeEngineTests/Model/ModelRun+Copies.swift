import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeEngine

/// The bytes that a commit logs.
final class LogBuffer {
    private(set) var bytes: [UInt8] = []

    /// Must be called before the commit.
    func encode(_ datastore: Datastore) {
        var writer = BSATNWriter()
        datastore.encodeChanges(into: &writer)
        bytes = writer.toArray()
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes { try body($0) }
    }
}

extension Datastore {
    /// Adds a page that was saved.
    func loadPage(_ bytes: UnsafeRawBufferPointer, into table: TableID) throws(EngineError) {
        if let page = try pageLoader().load(bytes, into: table) { try add(page) }
    }
}

/// A datastore with the same tables, whose pages went through bytes.
func loadedCopy(of datastore: Datastore, _ tables: [TableID], _ schemas: [TableSchema]) throws -> Datastore {
    let snapshot = datastore.snapshot()
    let copy = Datastore(hashSeed: 7)
    for (table, schema) in zip(tables, schemas) {
        _ = try copy.createTable(schema, id: table)
        try snapshot.forEachPage(of: table) { page in
            try Array(page).withUnsafeBytes { try copy.loadPage($0, into: table) }
        }
        for build in try copy.indexBuilds(of: table) { build.run() }
        try copy.restartSequences(of: table, at: snapshot.sequencePositions(of: table))
    }
    return copy
}

extension ModelRun {
    /// That the replayed log, the saved pages and shared pages all give the same rows.
    func compareCopies() throws {
        let schemas = shapes.map(\.schema)
        let loaded = try loadedCopy(of: datastore, tables, schemas)
        let adopted = Datastore(hashSeed: 9)
        let snapshot = datastore.snapshot()
        for (table, schema) in zip(tables, schemas) {
            _ = try adopted.createTable(schema, id: table)
            try adopted.adoptRows(of: table, from: snapshot, table)
        }
        for (name, copy) in [("replica", replica), ("loaded copy", loaded), ("adopted copy", adopted)] {
            do { try copy.checkInvariants() } catch { throw ModelMismatch(description: "\(name): \(error)") }
            for (i, table) in tables.enumerated() {
                let expected = model[i].entries.map(\.bytes).sortedBytes()
                try require(
                    copy.memory(of: table)?.pageByteCount ?? 0 <= datastore.memory(of: table)?.pageByteCount ?? 0
                        || copy === replica, "the pages of table \(i) of the \(name)")
                try require(copy.count(table) == expected.count, "the count of table \(i) of the \(name)")
                try require(try copy.rows(table).sortedBytes() == expected, "rows of table \(i) of the \(name) differ")
            }
        }
        for table in tables {
            try require(
                loaded.sequencePositions(of: table) == datastore.sequencePositions(of: table), "loaded sequences")
        }
        // Writing to shared pages must not show in the original.
        adopted.begin()
        for table in tables { try adopted.clear(table) }
        adopted.commit()
        try adopted.checkInvariants()
        for (i, table) in tables.enumerated() {
            try require(try datastore.rows(table).count == model[i].count, "adopted pages were written")
        }
    }
}
