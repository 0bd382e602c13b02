import SpacetimeSATS
import SpacetimeSchema

/// A sequence, written from the specification.
struct ModelSequence {
    let schema: SequenceSchema
    var next: Int128

    init(_ schema: SequenceSchema) {
        self.schema = schema
        next = schema.start
    }

    mutating func take() -> Int128 {
        defer {
            let (sum, overflow) = next.addingReportingOverflow(schema.increment)
            if overflow || sum > schema.maximum || sum < schema.minimum {
                next = schema.increment > 0 ? schema.minimum : schema.maximum
            } else {
                next = sum
            }
        }
        return next
    }
}

/// A table as a list of rows and a dictionary for each unique index. A value: a savepoint is a copy.
struct ModelTable {
    struct Entry {
        var bytes: [UInt8]
        var row: Row
    }

    let schema: TableSchema
    private(set) var entries: [Entry] = []
    /// By the row's bytes, its position in `entries`.
    private(set) var positions: [[UInt8]: Int] = [:]
    /// For each index of the schema that is unique: by its key, the row's bytes.
    private var keys: [[Row: [UInt8]]]
    /// Rows that were added or removed since the transaction began.
    var touched: Set<[UInt8]> = []

    init(_ schema: TableSchema) {
        self.schema = schema
        keys = Array(repeating: [:], count: schema.indexes.count)
    }

    var count: Int { entries.count }
    var uniqueIndexes: [Int] { schema.indexes.indices.filter { schema.indexes[$0].isUnique } }

    func contains(_ bytes: [UInt8]) -> Bool { positions[bytes] != nil }

    func key(_ index: Int, _ row: Row) -> Row { schema.indexes[index].columns.map { row[$0.index] } }

    func find(_ index: Int, _ key: Row) -> Entry? {
        keys[index][key].flatMap { positions[$0] }.map { entries[$0] }
    }

    mutating func add(_ row: Row) {
        let entry = Entry(bytes: image(row), row: row)
        touched.insert(entry.bytes)
        positions[entry.bytes] = entries.count
        entries.append(entry)
        for index in uniqueIndexes { keys[index][key(index, row)] = entry.bytes }
    }

    mutating func remove(_ bytes: [UInt8]) {
        guard let position = positions.removeValue(forKey: bytes) else { return }
        touched.insert(bytes)
        for index in uniqueIndexes { keys[index][key(index, entries[position].row)] = nil }
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[last.bytes] = position
        }
    }

    mutating func removeAll() {
        for entry in entries { remove(entry.bytes) }
    }

    enum Refusal: Equatable {
        case duplicate(index: Int)
        case noRow
    }

    /// Set semantics and unique constraints, in the order of the indexes.
    mutating func insert(_ row: Row) -> Result<Bool, ModelRefusal> {
        let bytes = image(row)
        for index in uniqueIndexes {
            guard let present = find(index, key(index, row)) else { continue }
            return present.bytes == bytes ? .success(false) : .failure(ModelRefusal(.duplicate(index: index)))
        }
        if contains(bytes) { return .success(false) }
        add(row)
        return .success(true)
    }

    /// Replaces `old`, which is present.
    mutating func replace(_ old: Entry, by row: Row) -> ModelRefusal? {
        if old.bytes == image(row) { return nil }
        for index in uniqueIndexes {
            if let present = find(index, key(index, row)), present.bytes != old.bytes {
                return ModelRefusal(.duplicate(index: index))
            }
        }
        remove(old.bytes)
        add(row)
        return nil
    }
}

struct ModelRefusal: Error {
    let refusal: ModelTable.Refusal
    init(_ refusal: ModelTable.Refusal) { self.refusal = refusal }
}
