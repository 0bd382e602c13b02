import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// Runs scripts on rows as values: the binder, nested loops, and changes as the language describes them. What the database
/// does must be this.
final class ReferenceEngine: ScriptEngine {
    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private final class Watched {
        let select: BoundSelect
        let values: [AlgebraicValue]
        var rows: [String: Int] = [:]

        init(_ select: BoundSelect, _ values: [AlgebraicValue]) {
            self.select = select
            self.values = values
        }
    }

    private let tables: [TableSchema]
    private let catalog: SQLCatalog
    private var rows: [[[AlgebraicValue]]]
    /// Gets the rows of all tables before and after each statement that changed some.
    var onCommit: ((_ before: [[[UInt8]]], _ after: [[[UInt8]]]) throws -> Void)?
    private var nextNumbers: [[ColumnID: Int]]
    private var sets: [String: [UInt32: [Watched]]] = [:]
    private var news: [String: [String]] = [:]

    init(_ tables: [TableSchema]) {
        self.tables = tables
        catalog = SQLCatalog(tables.enumerated().map { SQLCatalog.Table(TableID(UInt32($0)), $1) })
        rows = tables.map { _ in [] }
        nextNumbers = tables.map { _ in [:] }
    }

    // MARK: Statements

    func offers(_ language: Script.Language) -> Bool { true }

    func run(_ text: String, _ language: Script.Language, as speaker: String) throws -> ScriptOutcome {
        let isOwner = speaker == "owner"
        let bound = try SQLBinder.statement(text, in: catalog, language: language.language, isOwner: isOwner)
        let values = try parameters(bound.parameters, speaker)
        switch bound {
        case .select(let select): return ScriptOutcome(rows: try rows(select, values))
        case .explain, .set, .show: throw Refused(description: "not here")
        case .insert, .update, .delete: break
        }
        guard isOwner else { throw Refused(description: "only the owner changes rows by SQL") }
        let before = rows
        do {
            let outcome: ScriptOutcome =
                switch bound {
                case .insert(let insert): try self.insert(insert, values)
                case .update(let update): try self.update(update, values)
                case .delete(let delete): try self.delete(delete, values)
                default: ScriptOutcome()
                }
            try onCommit?(Self.bytes(before), Self.bytes(rows))
            try tell()
            for position in tables.indices where tables[position].isEvent { rows[position] = [] }
            return outcome
        } catch {
            rows = before
            throw error
        }
    }

    private static func bytes(_ rows: [[[AlgebraicValue]]]) -> [[[UInt8]]] {
        rows.map { $0.map { ModelDatabase.bytes($0) } }
    }

    private func parameters(_ parameters: [QueryParameter], _ speaker: String) throws -> [AlgebraicValue] {
        try parameters.map { parameter in
            guard parameter.name == "sender" else { throw Refused(description: "a parameter has no value") }
            let identity = ScriptValues.identity(speaker)
            return parameter.type == .bytes ? .bytes(identity.number.bigEndianBytes) : AlgebraicValue(identity)
        }
    }

    private func evaluator(_ values: [AlgebraicValue]) -> NaiveEvaluator {
        var all: [TableID: NaiveEvaluator.Table] = [:]
        for (position, table) in tables.enumerated() {
            all[TableID(UInt32(position))] = .init(types: table.columns.map(\.type), rows: rows[position])
        }
        return NaiveEvaluator(tables: all, parameters: values)
    }

    private func rows(_ select: BoundSelect, _ values: [AlgebraicValue]) throws -> [String] {
        let types = select.columns.elements.map(\.algebraicType)
        let isOptional: [Bool]
        if case .columns(let columns) = select.query.output {
            isOptional = columns.map { $0.value.isNullable && $0.value.type.optionPayload == nil }
        } else {
            isOptional = types.map { _ in false }
        }
        return try evaluator(values).run(select.query).map { row in
            let whole = zip(row, isOptional).map { value, isOptional in
                isOptional ? value.map { AlgebraicValue.some($0) } ?? AlgebraicValue.none : value
            }
            return try ScriptValues.text(whole, types)
        }
    }

    // MARK: Changes

    private func value(
        _ expression: Expression, of row: [AlgebraicValue]?, _ table: TableID, _ values: [AlgebraicValue]
    )
        throws -> AlgebraicValue?
    {
        // A query of one row, or of none.
        var evaluator = evaluator(values)
        let types = tables[Int(table.rawValue)].columns.map(\.type)
        evaluator.tables[table] = .init(types: types, rows: row.map { [$0] } ?? [])
        let query = BoundQuery(
            tables: row == nil ? [] : [.init(table)], output: .columns([QueryColumn("value", expression)]))
        return try evaluator.run(query).first?.first ?? nil
    }

    private func stored(_ value: AlgebraicValue?, _ type: AlgebraicType, isPayload: Bool) -> AlgebraicValue {
        guard isPayload else { return value ?? .none }
        return value.map { AlgebraicValue.some($0) } ?? .none
    }

    private func returned(_ returning: BoundReturning?, _ rows: [[AlgebraicValue]], _ table: TableID) throws -> [String]
    {
        guard let returning else { return [] }
        let query = BoundQuery(tables: [.init(table)], output: returning.output)
        var evaluator = evaluator([])
        let types = tables[Int(table.rawValue)].columns.map(\.type)
        return try rows.flatMap { row in
            evaluator.tables[table] = .init(types: types, rows: [row])
            let columns = returning.columns.elements.map(\.algebraicType)
            return try evaluator.run(query).map { row in
                try ScriptValues.text(
                    zip(row, columns).map { value, type in
                        value.map { type.optionPayload == nil || $0.isOption ? $0 : .some($0) }
                    }, columns)
            }
        }
    }

    private func add(_ row: [AlgebraicValue], to table: Int) throws -> (row: [AlgebraicValue], isNew: Bool) {
        var row = row
        for sequence in tables[table].sequences where row[sequence.column.index].wholeNumber == .zero {
            let type = tables[table].columns[sequence.column.index].type
            let next = nextNumbers[table][sequence.column] ?? 1
            nextNumbers[table][sequence.column] = next + 1
            row[sequence.column.index] = AlgebraicValue(wholeNumber: Int256(Int128(next)), type) ?? .unit
        }
        if rows[table].contains(where: { zip($0, row).allSatisfy { $0.hasSameBytes(as: $1) } }) { return (row, false) }
        for index in tables[table].indexes where index.isUnique {
            if rows[table].contains(where: { other in index.columns.allSatisfy { other[$0.index] == row[$0.index] } }) {
                throw Refused(description: "the key of a unique index is there already")
            }
        }
        rows[table].append(row)
        return (row, true)
    }

    private func insert(_ insert: BoundInsert, _ values: [AlgebraicValue]) throws -> ScriptOutcome {
        let table = Int(insert.table.rawValue)
        var outcome = ScriptOutcome()
        var added: [[AlgebraicValue]] = []
        for expressions in insert.rows {
            let row = try expressions.enumerated().map { column, expression in
                let type = tables[table].columns[column].type
                return stored(
                    try value(expression, of: nil, insert.table, values), type, isPayload: type != expression.type)
            }
            let (new, isNew) = try add(row, to: table)
            if isNew { outcome.inserted += 1 }
            added.append(new)
        }
        outcome.rows = try returned(insert.returning, added, insert.table)
        return outcome
    }

    private func update(_ update: BoundUpdate, _ values: [AlgebraicValue]) throws -> ScriptOutcome {
        let id = update.query.tables[0].id
        let table = Int(id.rawValue)
        let matching = try matching(update.query, values)
        var outcome = ScriptOutcome(updated: matching.count)
        var changed: [[AlgebraicValue]] = []
        for row in matching {
            var new = row
            for (column, expression) in update.assignments {
                let type = tables[table].columns[column.index].type
                new[column.index] = stored(
                    try value(expression, of: row, id, values), type, isPayload: type != expression.type)
            }
            changed.append(new)
        }
        remove(matching, from: table)
        changed = try changed.map { try add($0, to: table).row }
        outcome.rows = try returned(update.returning, changed, id)
        return outcome
    }

    private func delete(_ delete: BoundDelete, _ values: [AlgebraicValue]) throws -> ScriptOutcome {
        let id = delete.query.tables[0].id
        let matching = try matching(delete.query, values)
        remove(matching, from: Int(id.rawValue))
        return ScriptOutcome(rows: try returned(delete.returning, matching, id), deleted: matching.count)
    }

    private func matching(_ query: BoundQuery, _ values: [AlgebraicValue]) throws -> [[AlgebraicValue]] {
        try evaluator(values).run(query).map { $0.compactMap(\.self) }
    }

    private func remove(_ gone: [[AlgebraicValue]], from table: Int) {
        rows[table].removeAll { row in
            gone.contains { zip($0, row).allSatisfy { $0.hasSameBytes(as: $1) } }
        }
    }

    // MARK: Subscriptions

    func subscribe(
        _ set: UInt32, to texts: [String], isOriginal: Bool, as speaker: String
    ) throws -> [String] {
        if sets[speaker]?[set] != nil { throw Refused(description: "the set is there already") }
        var list: [Watched] = []
        for text in texts {
            let select = try SQLBinder.select(
                text, in: catalog, language: isOriginal ? .originalSubscription : .subscription,
                isOwner: speaker == "owner")
            let watched = Watched(select, try parameters(select.query.parameters, speaker))
            for row in try rows(select, watched.values) { watched.rows[row, default: 0] += 1 }
            list.append(watched)
        }
        sets[speaker, default: [:]][set] = list
        return list.flatMap { $0.rows.flatMap { Array(repeating: $0.key, count: $0.value) } }
    }

    func unsubscribe(_ set: UInt32, as speaker: String) throws {
        guard sets[speaker]?.removeValue(forKey: set) != nil else { throw Refused(description: "there is no such set") }
    }

    func told(_ speaker: String) -> [String] {
        defer { news[speaker] = [] }
        return news[speaker] ?? []
    }

    private func tell() throws {
        for (speaker, sets) in sets {
            var lines: [String] = []
            for (set, list) in sets.sorted(by: { $0.key < $1.key }) {
                for watched in list {
                    var after: [String: Int] = [:]
                    for row in try rows(watched.select, watched.values) { after[row, default: 0] += 1 }
                    for row in Set(after.keys).union(watched.rows.keys).sorted() {
                        let change = (after[row] ?? 0) - (watched.rows[row] ?? 0)
                        let line = "\(set) \(change < 0 ? "-" : "+") \(row)"
                        lines += Array(repeating: line, count: abs(change))
                    }
                    let isEvent = tables[Int(watched.select.query.tables[0].id.rawValue)].isEvent
                    watched.rows = isEvent ? [:] : after
                }
            }
            if lines.isEmpty { continue }
            let earlier = news[speaker] ?? []
            news[speaker] = earlier + (earlier.isEmpty ? [] : [";"]) + lines.sorted()
        }
    }
}

extension AlgebraicValue {
    /// Whether the value may be one of an option.
    fileprivate var isOption: Bool {
        switch self {
        case .sum(tag: 0, _), .sum(tag: 1, .product([])): true
        default: false
        }
    }
}
