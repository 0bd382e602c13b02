import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeHost

/// What a guest's operations on one table must do, by rows as values: knows no pages and no indexes.
struct GuestModel {
    typealias Row = [AlgebraicValue]

    let schema: TableSchema
    /// By their bytes.
    var rows: [[UInt8]: Row] = [:]

    /// Why an operation is refused.
    struct Refusal: Error, Equatable {
        var code: DatabaseError.Code
        init(_ code: DatabaseError.Code) { self.code = code }
    }

    var images: [[UInt8]] { rows.keys.sorted { $0.lexicographicallyPrecedes($1) } }

    /// The values of some columns, if the bytes are these and nothing else.
    func decode(_ bytes: [UInt8], _ columns: [ColumnID]) -> Row? {
        let type = ProductType(columns.map { ("c\($0.index)", schema.columns[$0.index].type) })
        var reader = BSATNReader(bytes.span.bytes)
        guard case .product(let values)? = try? AlgebraicValue(from: &reader, type: .product(type)),
            (try? reader.finish()) != nil
        else { return nil }
        return values
    }

    func row(_ bytes: [UInt8]) throws(Refusal) -> Row {
        guard let row = decode(bytes, schema.columns.indices.map { ColumnID($0) }) else { throw Refusal(.malformedRow) }
        return row
    }

    private func key(_ row: Row, _ index: IndexSchema) -> Row { index.columns.map { row[$0.index] } }

    // MARK: Writes

    mutating func insert(_ bytes: [UInt8]) throws(Refusal) {
        let row = try row(bytes)
        if rows[bytes] != nil { return }
        try requireUnique(row, besides: nil)
        rows[bytes] = row
    }

    mutating func update(_ bytes: [UInt8], by index: IndexSchema) throws(Refusal) {
        let row = try row(bytes)
        // The code for an index that cannot name one row.
        guard index.isUnique else { throw Refusal(.noSuchIndex) }
        guard let old = rows.first(where: { key($0.value, index) == key(row, index) })?.key else {
            throw Refusal(.noSuchRow)
        }
        if old == bytes { return }
        try requireUnique(row, besides: old)
        rows[old] = nil
        rows[bytes] = row
    }

    private func requireUnique(_ row: Row, besides old: [UInt8]?) throws(Refusal) {
        for index in schema.indexes where index.isUnique {
            if rows.contains(where: { $0.key != old && key($0.value, index) == key(row, index) }) {
                throw Refusal(.uniqueViolation)
            }
        }
    }

    mutating func delete(_ images: [[UInt8]]) -> Int {
        images.count { rows.removeValue(forKey: $0) != nil }
    }

    // MARK: Finding

    func images(_ index: IndexSchema, key bytes: [UInt8]) throws(Refusal) -> [[UInt8]] {
        guard let wanted = decode(bytes, index.columns) else { throw Refusal(.malformedKey) }
        return rows.filter { key($0.value, index) == wanted }.map(\.key)
    }

    func images(_ index: IndexSchema, range: IndexRange) throws(Refusal) -> [[UInt8]] {
        // The code for an index without order.
        if index.algorithm == .hash { throw Refusal(.noSuchIndex) }
        guard range.prefixColumns >= 0, range.prefixColumns < index.columns.count,
            let prefix = decode(range.prefix, Array(index.columns[..<range.prefixColumns]))
        else { throw Refusal(.malformedKey) }
        let column = index.columns[range.prefixColumns]
        func bound(_ bound: IndexRange.Bound) throws(Refusal) -> AlgebraicValue? {
            switch bound {
            case .unbounded: return nil
            case .included(let bytes), .excluded(let bytes):
                guard let value = decode(bytes, [column])?.first else { throw Refusal(.malformedKey) }
                return value
            }
        }
        let (lower, upper) = (try bound(range.lower), try bound(range.upper))
        return rows.filter { _, row in
            guard zip(index.columns, prefix).allSatisfy({ row[$0.index] == $1 }) else { return false }
            let value = row[column.index]
            if let lower, value < lower { return false }
            if let upper, upper < value { return false }
            if case .excluded = range.lower, value == lower { return false }
            if case .excluded = range.upper, value == upper { return false }
            return true
        }.map(\.key)
    }
}
