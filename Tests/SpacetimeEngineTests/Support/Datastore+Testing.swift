import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeEngine

/// What an operation of the engine did.
func outcome<Value>(_ body: () throws -> Value) -> Result<Value, EngineError> {
    do { return .success(try body()) } catch let error as EngineError { return .failure(error) } catch {
        preconditionFailure("the engine threw \(error)")
    }
}

/// The rows that a scan has still to show.
func collect(_ scan: RowScan) -> [[UInt8]] {
    var rows: [[UInt8]] = []
    while true {
        let count = scan.refill()
        if count == 0 { return rows }
        for i in 0..<count { rows.append(Array(scan.batch[i])) }
    }
}

extension Array where Element == [UInt8] {
    func sortedBytes() -> [[UInt8]] { sorted { $0.lexicographicallyPrecedes($1) } }
}

extension RowBatch {
    var rows: [[UInt8]] {
        var rows: [[UInt8]] = []
        forEach { rows.append(Array($0)) }
        return rows
    }
}

extension DatastoreSnapshot {
    func rows(_ table: TableID) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        forEachRow(of: table) { rows.append(Array($0)) }
        return rows
    }
}

/// Operations on rows of dynamic values.
extension Datastore {
    func make(
        _ name: String, _ columns: [(String, AlgebraicType)], primaryKey: [ColumnID] = [], indexes: [IndexSchema] = [],
        unique: [[ColumnID]] = [], sequences: [SequenceSchema] = [], isEvent: Bool = false
    ) throws -> TableID {
        let constraints = unique.enumerated().map { UniqueConstraintSchema(name: "\(name)_unique_\($0)", columns: $1) }
        return try createTable(
            TableSchema(
                name: name, columns: columns, primaryKey: primaryKey, indexes: indexes, uniqueConstraints: constraints,
                sequences: sequences, isEvent: isEvent))
    }

    @discardableResult
    func insert(_ table: TableID, _ row: Row) throws -> Bool {
        var bytes = image(row)
        return try insert(table, bytes: &bytes)
    }

    @discardableResult
    func insert(_ table: TableID, bytes: inout [UInt8]) throws -> Bool {
        try bytes.withUnsafeMutableBytes { try insert(table, row: $0) }
    }

    func insert(_ table: TableID, validatingBytes bytes: inout [UInt8]) throws -> Bool {
        try bytes.withUnsafeMutableBytes { try insert(table, validating: $0) }
    }

    func update(_ index: IndexID, _ row: Row) throws {
        var bytes = image(row)
        try update(index, bytes: &bytes)
    }

    func update(_ index: IndexID, bytes: inout [UInt8]) throws {
        try bytes.withUnsafeMutableBytes { try update(index, row: $0) }
    }

    @discardableResult
    func delete(_ index: IndexID, _ key: Row) throws -> Int {
        try image(key).withUnsafeBytes { try delete(index, key: $0) }
    }

    @discardableResult
    func deleteRow(_ table: TableID, _ row: Row) throws -> Bool {
        try image(row).withUnsafeBytes { try deleteRow(table, equalTo: $0) }
    }

    func find(_ index: IndexID, _ key: Row) throws -> [UInt8]? {
        try image(key).withUnsafeBytes { try find(index, key: $0).map { Array($0) } }
    }

    func count(_ index: IndexID, _ key: Row) throws -> Int {
        try image(key).withUnsafeBytes { try count(index, key: $0) }
    }

    func scan(_ index: IndexID, _ key: Row) throws -> RowScan {
        try image(key).withUnsafeBytes { try scan(index, key: $0) }
    }

    func rows(_ table: TableID) throws -> [[UInt8]] { collect(try scan(table)) }

    func index(_ table: TableID, _ position: Int = 0) -> IndexID { indexIDs(of: table)[position] }

    /// Runs a transaction and commits it.
    @discardableResult
    func transact(collecting: CollectedTables = .all, _ body: () throws -> Void) rethrows -> ChangeSet? {
        begin()
        do { try body() } catch {
            rollback()
            throw error
        }
        return commit(collecting: collecting)
    }
}
