package import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

/// Rows as values: what tables and transactions do, without pages and indexes.
package struct ModelDatabase: Sendable {
    package typealias Row = [AlgebraicValue]

    /// One step of a transaction; rows in BSATN.
    package enum Change: Hashable, Sendable {
        case insert(table: Int, [UInt8])
        case delete(table: Int, [UInt8])
        /// By the primary key.
        case update(table: Int, [UInt8])
        case clear(table: Int)

        package var table: Int {
            switch self {
            case .insert(let table, _), .delete(let table, _), .update(let table, _), .clear(let table): table
            }
        }
    }

    package struct Refused: Error {}

    package let schema: RandomSchema
    /// In the order in which they were inserted.
    package private(set) var rows: [[(bytes: [UInt8], row: Row)]]

    package init(_ schema: RandomSchema) {
        self.schema = schema
        rows = schema.tables.map { _ in [] }
    }

    package func evaluator(_ ids: [TableID], parameters: [AlgebraicValue] = []) -> NaiveEvaluator {
        var tables: [TableID: NaiveEvaluator.Table] = [:]
        for (position, id) in ids.enumerated() {
            tables[id] = .init(types: schema.types(position), rows: rows[position].map(\.row))
        }
        return NaiveEvaluator(tables: tables, parameters: parameters)
    }

    package static func bytes(_ row: Row) -> [UInt8] { row.flatMap { $0.bsatn() } }

    package func row(_ bytes: [UInt8], _ table: Int) -> Row {
        guard
            case .product(let row)? = try? AlgebraicValue(bsatn: bytes, type: .product(schema.tables[table].rowType))
        else { return [] }
        return row
    }

    // MARK: Changes

    /// - Throws: if a key would be there twice, or there is no row to update.
    package mutating func apply(_ change: Change) throws(Refused) {
        let table = change.table
        switch change {
        case .insert(_, let bytes):
            if rows[table].contains(where: { $0.bytes == bytes }) { return }
            let row = row(bytes, table)
            try requireUnique(row, table, besides: nil)
            rows[table].append((bytes, row))
        case .delete(_, let bytes): rows[table].removeAll { $0.bytes == bytes }
        case .update(_, let bytes):
            let row = row(bytes, table)
            guard let key = schema.tables[table].primaryKey.first?.index,
                let position = rows[table].firstIndex(where: { $0.row[key] == row[key] })
            else { throw Refused() }
            try requireUnique(row, table, besides: position)
            rows[table][position] = (bytes, row)
        case .clear: rows[table] = []
        }
    }

    private func requireUnique(_ row: Row, _ table: Int, besides old: Int?) throws(Refused) {
        for index in schema.tables[table].indexes where index.isUnique {
            let isTaken = rows[table].enumerated().contains { position, other in
                position != old && index.columns.allSatisfy { other.row[$0.index] == row[$0.index] }
            }
            if isTaken { throw Refused() }
        }
    }

    /// Some changes that can be made one after the other, and have been made here.
    package mutating func randomTransaction(_ random: inout RandomValues, upTo limit: Int = 6) -> [Change] {
        var changes: [Change] = []
        for _ in 0..<1 + random.below(limit) {
            let change = randomChange(&random, after: changes)
            if (try? apply(change)) != nil { changes.append(change) }
        }
        return changes
    }

    private func randomChange(_ random: inout RandomValues, after changes: [Change]) -> Change {
        // Again what was just inserted or deleted, the other way round.
        if random.oneIn(5), let last = changes.last {
            switch last {
            case .insert(let table, let bytes): return .delete(table: table, bytes)
            case .delete(let table, let bytes): return .insert(table: table, bytes)
            case .update, .clear: break
            }
        }
        let table = random.below(schema.tables.count)
        if random.oneIn(60) { return .clear(table: table) }
        let there = rows[table]
        if there.isEmpty || there.count < 9 && !random.oneIn(3) || there.count < 14 && random.oneIn(4) {
            return .insert(table: table, Self.bytes(schema.row(table, &random)))
        }
        let old = random.one(of: there)
        guard random.oneIn(2) else { return .delete(table: table, old.bytes) }
        // Of the same key mostly, with one column or all of them changed.
        var new = schema.row(table, &random)
        new[0] = old.row[0]
        if random.oneIn(2) {
            let kept = random.below(new.count)
            for column in new.indices where column != kept { new[column] = old.row[column] }
        }
        if schema.tables[table].primaryKey.isEmpty { return .insert(table: table, Self.bytes(new)) }
        return .update(table: table, Self.bytes(new))
    }
}
