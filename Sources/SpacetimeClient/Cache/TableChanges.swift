public import SpacetimeSATS

/// What one message of the server changed in one table, as bytes. See ``RowChanges`` for values.
public struct TableChanges: Sendable, Hashable {
    /// The name of the table.
    public let table: String
    /// Rows that were not there before. Rows of an event table are only ever here.
    public internal(set) var inserted = PackedRows()
    /// Rows that are not there any more.
    public internal(set) var deleted = PackedRows()
    /// Rows of a table with a primary key that were replaced by one of the same key: old and new at equal places.
    public internal(set) var updated = Updated()

    /// Rows, and what has come in their place.
    public struct Updated: Sendable, Hashable {
        /// The rows that went.
        public internal(set) var old = PackedRows()
        /// The rows that came, each with the primary key of the old one at its place.
        public internal(set) var new = PackedRows()
    }

    /// How many rows it tells of; an update is one.
    public var count: Int { inserted.count + deleted.count + updated.new.count }

    init(table: String) { self.table = table }

    /// What of it somebody hears who is interested in some rows only: an update that makes a row one of them is an insert.
    func filtered(by isWanted: (UnsafeRawBufferPointer) -> Bool) -> TableChanges {
        var changes = TableChanges(table: table)
        for row in 0..<inserted.count {
            inserted.withBytes(row) { if isWanted($0) { changes.inserted.append($0) } }
        }
        for row in 0..<deleted.count { deleted.withBytes(row) { if isWanted($0) { changes.deleted.append($0) } } }
        for row in 0..<updated.new.count {
            updated.old.withBytes(row) { old in
                updated.new.withBytes(row) { new in
                    switch (isWanted(old), isWanted(new)) {
                    case (true, true):
                        changes.updated.old.append(old)
                        changes.updated.new.append(new)
                    case (true, false): changes.deleted.append(old)
                    case (false, true): changes.inserted.append(new)
                    case (false, false): break
                    }
                }
            }
        }
        return changes
    }
}

/// What one message of the server changed in one table.
public struct RowChanges<Row: SpacetimeType>: Sendable {
    /// Rows that were not there before. Rows of an event table are only ever here.
    public var inserted: [Row]
    /// Rows that are not there any more.
    public var deleted: [Row]
    /// Rows that were replaced by one of the same primary key.
    public var updated: [(old: Row, new: Row)]

    /// How many rows it tells of; an update is one.
    public var count: Int { inserted.count + deleted.count + updated.count }

    /// Makes values of the bytes.
    ///
    /// - Throws: if a row is no `Row`.
    public init(_ changes: TableChanges) throws(BSATNError) {
        inserted = try changes.inserted.decoded(as: Row.self)
        deleted = try changes.deleted.decoded(as: Row.self)
        let old = try changes.updated.old.decoded(as: Row.self)
        let new = try changes.updated.new.decoded(as: Row.self)
        updated = Array(zip(old, new)).map { (old: $0.0, new: $0.1) }
    }
}

extension RowChanges: Equatable where Row: Equatable {
    /// Whether the same rows changed in the same way and order.
    public static func == (left: RowChanges, right: RowChanges) -> Bool {
        left.inserted == right.inserted && left.deleted == right.deleted
            && left.updated.elementsEqual(right.updated) { $0.old == $1.old && $0.new == $1.new }
    }
}
