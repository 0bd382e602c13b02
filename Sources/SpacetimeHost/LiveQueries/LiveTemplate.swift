import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What queries have in common that differ only in the values that they ask for: `room = 'lobby'` and `room = 'kitchen'`.
/// Guarded by the database's lock.
///
/// Where such queries compare a field with their value, a changed row finds those that it concerns by a look-up of its own
/// value. So a commit costs as much as the queries that it touches, and not as much as there are.
final class LiveTemplate {
    /// With parameters in place of values.
    let query: BoundQuery
    let table: TableID
    let schema: TableSchema
    /// Tells which deleted and inserted row are one that was updated.
    let pairs: KeyLocator?
    /// All conditions on the table, with parameters.
    private let condition: RowPredicate
    /// The fields that are compared with parameters for equality; nil if there are none.
    let keys: FieldKeys?
    /// For each of them its parameter. At most one is a list, of which the field must have one value.
    private let keyParameters: [(number: Int, isList: Bool)]
    private let rest: Rest

    /// What a row must meet besides having the right key.
    private enum Rest {
        case nothing
        /// The same for all queries.
        case fixed(CompiledPredicate)
        /// With parameters.
        case bound(RowPredicate)
    }

    private(set) var index = QueryIndex()
    /// The queries that every changed row is tested for.
    private(set) var others: [LiveQuery] = []
    /// Those that have no key: because the template has no key fields, or because there is none that could match, as in
    /// `room IN ()`.
    private var byValues: [[UInt8]: LiveQuery] = [:]
    /// The fields of which an interval is asked for, if there are no keys.
    private let areas: QueryAreas?
    private var areaIndex = AreaIndex()
    private(set) var count = 0
    /// Changed rows that were looked at.
    var rowsExamined = 0

    init(_ query: BoundQuery, _ facts: TableFacts) throws(EngineError) {
        self.query = query
        table = facts.id
        schema = facts.schema
        pairs = KeyLocator(schema)
        condition = RowPredicate.and(
            query.conditions.map { if case .rows(_, let predicate) = $0 { predicate } else { .all } })
        var fields: [FieldPath] = []
        var parameters: [(number: Int, isList: Bool)] = []
        var rest: [ArraySlice<RowPredicate.Term>] = []
        for part in RowPredicate.conjuncts(of: condition.normalTerms()) {
            switch part.first {
            case .compareParameter(let path, .equal, let number)? where part.count == 1:
                fields.append(path)
                parameters.append((number, false))
            case .isInParameter(let path, let number)? where part.count == 1 && !parameters.contains { $0.isList }:
                fields.append(path)
                parameters.append((number, true))
            default: rest.append(part)
            }
        }
        keys = fields.isEmpty ? nil : try FieldKeys(fields, for: schema)
        keyParameters = parameters
        areas = fields.isEmpty ? QueryAreas(rest, schema) : nil
        let remaining = RowPredicate(joining: rest)
        if rest.isEmpty {
            self.rest = .nothing
        } else if remaining.hasParameters {
            self.rest = .bound(remaining)
        } else {
            self.rest = .fixed(try CompiledPredicate(remaining, for: schema))
        }
    }

    // MARK: Queries

    /// The query with some values, made if nobody subscribed to it yet.
    func query(_ values: [[UInt8]]) throws(EngineError) -> LiveQuery {
        guard let keys else {
            let packed = LiveQuery.pack(values)
            if let known = byValues[packed] { return known }
            return LiveQuery(self, keys: [], values: packed, rest: try compiledRest(values))
        }
        let made = try made(values, keys)
        guard let first = made.first else {
            let packed = LiveQuery.pack(values)
            return byValues[packed] ?? LiveQuery(self, keys: [], values: packed, rest: nil)
        }
        let packed: [UInt8]
        if case .bound = rest { packed = LiveQuery.pack(values) } else { packed = [] }
        var known: LiveQuery?
        first.withUnsafeBytes { key in
            index.forEach(key) { query in
                if query.keys == made, query.values == packed { known = query }
            }
        }
        if let known { return known }
        return LiveQuery(self, keys: made, values: packed, rest: try compiledRest(values))
    }

    private func compiledRest(_ values: [[UInt8]]) throws(EngineError) -> CompiledPredicate? {
        switch rest {
        case .nothing: nil
        case .fixed(let predicate): predicate
        case .bound(let predicate):
            try CompiledPredicate(predicate.binding(values, table: schema.name), for: schema)
        }
    }

    private func made(_ values: [[UInt8]], _ fields: FieldKeys) throws(EngineError) -> [[UInt8]] {
        var made: [[UInt8]] = [[]]
        for (position, parameter) in keyParameters.enumerated() {
            do throws(BSATNError) {
                let value = values[parameter.number]
                if parameter.isList {
                    guard let list = ValueList(array: value) else { throw .truncated(at: 0, needed: 4) }
                    let parts = try fields.keys(of: list, at: position)
                    made = made.flatMap { head in parts.map { head + $0 } }
                } else {
                    let part = try fields.key(of: value, at: position)
                    for number in made.indices { made[number] += part }
                }
            } catch {
                throw .malformedKey(index: "the condition on '\(schema.name)'", cause: error)
            }
        }
        return made
    }

    /// The condition of a query with these values.
    func condition(_ values: [[UInt8]]) throws(EngineError) -> RowPredicate {
        try condition.binding(values, table: schema.name)
    }

    /// All of them, in no particular order.
    var queries: [LiveQuery] { Array(byValues.values) + index.queries }

    func add(_ query: LiveQuery, _ values: [[UInt8]]) {
        count += 1
        if !query.keys.isEmpty { return index.insert(query) }
        byValues[query.values] = query
        if keys != nil { return }
        if let area = areas?.area(values) {
            query.areaEntry = areaIndex.insert(query, area)
        } else {
            others.append(query)
        }
    }

    func remove(_ query: LiveQuery) {
        count -= 1
        if !query.keys.isEmpty { return index.remove(query) }
        byValues[query.values] = nil
        if let entry = query.areaEntry { areaIndex.remove(entry) } else { others.removeAll { $0 === query } }
    }

    // MARK: Following commits

    /// Finds the queries that a commit's changes of the table concern, and notes with each the rows that are its.
    ///
    /// - Parameter touched: gets each query that has rows now and had none before.
    func collect(_ changes: TableChanges, _ scratch: inout KeyScratch, into touched: inout [LiveQuery]) {
        rowsExamined += changes.deletes.count + changes.inserts.count
        guard keys != nil || areas != nil else {
            for query in others { collect(changes, for: query, into: &touched) }
            return
        }
        changes.deletes.forEach { row in
            find(row, &scratch) { query in
                if query.changes == nil { touched.append(query) }
                query.changes = query.changes ?? LiveQuery.Changes()
                query.changes?.deletes.append(row)
            }
        }
        changes.inserts.forEach { row in
            find(row, &scratch) { query in
                if query.changes == nil { touched.append(query) }
                query.changes = query.changes ?? LiveQuery.Changes()
                query.changes?.inserts.append(row)
            }
        }
    }

    /// Calls `body` with the queries that a row belongs to.
    @inline(__always)
    private func find(_ row: UnsafeRawBufferPointer, _ scratch: inout KeyScratch, _ body: (LiveQuery) -> Void) {
        if let keys {
            keys.withKey(of: row, in: &scratch) { key in
                index.forEach(key) { query in if query.matches(row) { body(query) } }
            }
            return
        }
        for query in others where query.matches(row) { body(query) }
        guard areaIndex.count > 0, let place = areas?.place(of: row) else { return }
        areaIndex.forEach(place) { query in if query.matches(row) { body(query) } }
    }

    private func collect(_ changes: TableChanges, for query: LiveQuery, into touched: inout [LiveQuery]) {
        let deletes = Self.filtered(changes.deletes, by: query.rest)
        let inserts = Self.filtered(changes.inserts, by: query.rest)
        guard deletes.count > 0 || inserts.count > 0 else { return }
        query.changes = LiveQuery.Changes(deletes: deletes, inserts: inserts)
        touched.append(query)
    }

    private static func filtered(_ rows: RowBatch, by predicate: CompiledPredicate?) -> RowBatch {
        // A query for all rows shares the bytes of the commit.
        guard let predicate, rows.count > 0 else { return rows }
        var matching = RowBatch()
        rows.forEach { row in
            if predicate.matches(row) { matching.append(row) }
        }
        return matching
    }
}
