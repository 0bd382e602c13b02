import SpacetimeEngine
import SpacetimeSATS
import SpacetimeTestSupport

/// What the rows of a result consist of, and how they are bytes: values in BSATN one behind the other, options where they
/// may be missing.
struct ResultShape {
    private let types: [(type: AlgebraicType, isOptional: Bool)]

    /// - Parameter tables: the types of the columns of the query's tables, by slot.
    init(_ query: BoundQuery, tables: [[AlgebraicType]]) {
        switch query.output {
        case .rows(let slot): types = tables[slot].map { ($0, false) }
        case .columns(let columns):
            types = columns.map { ($0.value.type, $0.value.isNullable && $0.value.type.optionPayload == nil) }
        }
    }

    init(_ query: TestQuery, _ schema: RandomSchema) {
        // Which tables they are is no matter here.
        let ids = schema.tables.indices.map { TableID(UInt32($0)) }
        self.init(query.bound(ids), tables: query.sources.map { schema.types($0.table) })
    }

    func bytes(_ row: [AlgebraicValue?]) -> [UInt8] {
        zip(row, types).flatMap { value, type in
            if !type.isOptional { return value?.bsatn() ?? AlgebraicValue.none.bsatn() }
            return (value.map { AlgebraicValue.some($0) } ?? AlgebraicValue.none).bsatn()
        }
    }

    func values(_ row: [UInt8]) throws -> [AlgebraicValue?] {
        var reader = BSATNReader(row.span.bytes)
        let values: [AlgebraicValue?] = try types.map { type in
            if !type.isOptional { return try AlgebraicValue(from: &reader, type: type.type) }
            guard case .sum(tag: 0, let payload) = try AlgebraicValue(from: &reader, type: .option(type.type)) else {
                return nil
            }
            return payload
        }
        try reader.finish()
        return values
    }
}
