import SpacetimeSATS
import SpacetimeSchema

/// A sequence, written from the specification.
struct ModelSequence {
    let schema: SequenceSchema
    /// What it can hand out, zero aside.
    let range: ClosedRange<Int128>
    /// Nil once it is exhausted.
    private(set) var next: Int128?

    init(_ schema: SequenceSchema, of type: AlgebraicType) {
        self.schema = schema
        let ofType: ClosedRange<Int128> =
            switch type {
            case .i8: -128...127
            case .u8: 0...255
            case .i16: -32_768...32_767
            case .u16: 0...65_535
            case .i32: Int128(Int32.min)...Int128(Int32.max)
            case .u32: 0...Int128(UInt32.max)
            case .i64: Int128(Int64.min)...Int128(Int64.max)
            case .u64: 0...Int128(UInt64.max)
            default: (Int128.min + 1)...(Int128.max - 1)
            }
        range = (schema.minimum...schema.maximum).clamped(to: ofType)
        restart(at: schema.start)
    }

    mutating func restart(at value: Int128) {
        next = range.contains(value) ? value : nil
        if value == 0 { next = following(0) }
    }

    private func following(_ value: Int128) -> Int128? {
        let (sum, overflow) = value.addingReportingOverflow(schema.increment)
        guard !overflow, range.contains(sum) else { return nil }
        return sum == 0 ? following(0) : sum
    }

    mutating func take() -> Int128? {
        defer { next = next.flatMap(following) }
        return next
    }

    /// A row has a number of its own. The loop may only be long for sequences that count one by one.
    mutating func pass(_ value: Int128) {
        guard range.contains(value) else { return }
        if schema.increment == 1, let next, next <= value { return self.next = following(value) }
        while let next, schema.increment > 0 ? next <= value : next >= value { _ = take() }
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
    /// By the row's bytes, its position in `entries`; of equal events the last one's.
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
    /// An event table without a key for every row: equal rows are several events.
    var isLog: Bool { schema.isEvent && uniqueIndexes.allSatisfy { !optionals($0).isEmpty } }
    var uniqueIndexes: [Int] { schema.indexes.indices.filter { schema.indexes[$0].isUnique } }

    func contains(_ bytes: [UInt8]) -> Bool { positions[bytes] != nil }

    func key(_ index: Int, _ row: Row) -> Row { schema.indexes[index].columns.map { row[$0.index] } }

    /// Positions, in a unique key that is not the primary one, of columns whose nil exempts a row.
    private func optionals(_ index: Int) -> [Int] {
        let columns = schema.indexes[index].columns
        guard schema.indexes[index].isUnique, Set(columns) != Set(schema.primaryKey) else { return [] }
        return columns.indices.filter { schema.columns[columns[$0].index].type.optionPayload != nil }
    }

    /// Rows with nil in a unique key have no key: there may be many, and none is found.
    private func isExempt(_ index: Int, _ key: Row) -> Bool {
        optionals(index).contains { if case .sum(1, _) = key[$0] { true } else { false } }
    }

    func find(_ index: Int, _ key: Row) -> Entry? {
        if isExempt(index, key) { return nil }
        return keys[index][key].flatMap { positions[$0] }.map { entries[$0] }
    }

    mutating func add(_ row: Row) {
        let entry = Entry(bytes: image(row), row: row)
        touched.insert(entry.bytes)
        positions[entry.bytes] = entries.count
        entries.append(entry)
        for index in uniqueIndexes where !isExempt(index, key(index, row)) {
            keys[index][key(index, row)] = entry.bytes
        }
    }

    /// Of equal rows the last one.
    mutating func remove(_ bytes: [UInt8]) {
        if schema.isEvent { return removeEvent(bytes) }
        guard let position = positions.removeValue(forKey: bytes) else { return }
        touched.insert(bytes)
        for index in uniqueIndexes { keys[index][key(index, entries[position].row)] = nil }
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[last.bytes] = position
        }
    }

    /// Events keep their order.
    private mutating func removeEvent(_ bytes: [UInt8]) {
        guard let position = positions[bytes] else { return }
        touched.insert(bytes)
        let entry = entries.remove(at: position)
        for index in uniqueIndexes { keys[index][key(index, entry.row)] = nil }
        positions = [:]
        for (position, entry) in entries.enumerated() { positions[entry.bytes] = position }
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
        if contains(bytes), !isLog { return .success(false) }
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
