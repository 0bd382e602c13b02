import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Statements that change rows: each is one transaction of the caller.
extension Statements {
    /// Runs a statement that writes, with the lock held, which is released.
    func changeAndRelease(_ prepared: Prepared) throws(DatabaseError) -> StatementResult {
        var outcome = Changes()
        let end: CommitEnd
        do {
            end = try runner.runAndRelease(
                .host, reducer: nil, arguments: [], as: prepared.request.caller,
                before: { transaction in outcome = try change(prepared, transaction) })
        } catch {
            throw DatabaseError(any: error)
        }
        return StatementResult(
            columns: outcome.columns, rows: outcome.rows, changes: outcome.counts,
            duration: prepared.duration(until: runner.clock.now()), cost: outcome.cost, offset: end.offset)
    }

    private struct Changes {
        var columns = ProductType([] as [ProductType.Element])
        var rows = RowBatch()
        var counts = StatementChanges()
        var cost = QueryCost()
    }

    private func change(_ prepared: Prepared, _ transaction: TransactionReference) throws(DatabaseError) -> Changes {
        guard case .other(let statement) = prepared.entry else {
            throw DatabaseError(.internalInconsistency, "a query was taken for a statement that writes")
        }
        let values = try prepared.values(statement.parameters, [])
        switch statement {
        case .insert(let insert): return try self.insert(insert, values, prepared, transaction)
        case .update(let update): return try self.update(update, values, prepared, transaction)
        case .delete(let delete): return try self.delete(delete, values, prepared, transaction)
        case .set(let variable, let value):
            try set(variable, to: value, transaction)
            return Changes()
        case .select, .explain, .show:
            throw DatabaseError(.internalInconsistency, "a query was taken for a statement that writes")
        }
    }

    /// The tables that describe the module are made of it, and changes would be gone at the next opening. Those that say who is
    /// connected and what is under way are the database's own notes, which others must not forge.
    private func requireKept(_ table: TableID) throws(DatabaseError) {
        let tables = runner.catalog.systemTables
        if table == tables.variables { return }
        let schema = try runner.catalog.facts(of: table).schema
        guard schema.kind == .system || tables.describes(table) else { return }
        let reason =
            tables.describes(table)
            ? "describes the module, and changes with the module only"
            : "is written by the database alone, which relies on it"
        throw DatabaseError(.readOnly, "'\(schema.name)' \(reason)")
    }

    // MARK: INSERT

    private func insert(
        _ insert: BoundInsert, _ values: [[UInt8]], _ prepared: Prepared, _ transaction: TransactionReference
    ) throws(DatabaseError) -> Changes {
        try requireKept(insert.table)
        var changes = Changes()
        var inserted = RowBatch()
        for row in insert.rows {
            var image: [UInt8] = []
            for value in row {
                switch value {
                case .literal(let bytes, _): image += bytes
                case .parameter(let number, _): image += values[number]
                default: throw DatabaseError(.internalInconsistency, "an inserted value is no constant")
                }
            }
            if try self.insert(&image, into: insert.table, transaction) {
                changes.counts.inserted += 1
                if insert.returning != nil { image.withBytes { inserted.append($0) } }
            }
        }
        try answer(insert.returning, inserted, insert.table, values, prepared, &changes)
        return changes
    }

    /// Inserts a row, whose numbers are drawn in the image. False if it is there already.
    private func insert(
        _ image: inout [UInt8], into table: TableID, _ transaction: TransactionReference
    ) throws(DatabaseError) -> Bool {
        let outcome = image.withUnsafeMutableBytes { buffer in
            Result { () throws(DatabaseError) in try transaction.insert(table, trusted: buffer) }
        }
        return try outcome.get()
    }

    // MARK: UPDATE

    private func update(
        _ update: BoundUpdate, _ values: [[UInt8]], _ prepared: Prepared, _ transaction: TransactionReference
    ) throws(DatabaseError) -> Changes {
        let table = update.query.tables[0].id
        try requireKept(table)
        var changes = Changes()
        let old = try rows(of: update.query, values, prepared, &changes)
        changes.counts.updated = old.count
        let facts = try runner.catalog.facts(of: table)
        let new = try mapped(
            old, of: table, update.newRow(facts.schema), update.query.parameters, values, prepared)
        if let key = Self.untouchedKey(facts, update) {
            // Rows that keep all of their unique keys do not meet each other, and stay the rows that they are.
            try new.forEach { (row) throws(DatabaseError) in
                var image = Array(row)
                let outcome = image.withUnsafeMutableBytes { buffer in
                    Result { () throws(DatabaseError) in try transaction.update(key, trusted: buffer) }
                }
                try outcome.get()
            }
            try answer(update.returning, new, table, values, prepared, &changes)
            return changes
        }
        try old.forEach { (row) throws(DatabaseError) in _ = try transaction.delete(table, equalTo: row) }
        var made = RowBatch()
        try new.forEach { (row) throws(DatabaseError) in
            var image = Array(row)
            _ = try self.insert(&image, into: table, transaction)
            image.withBytes { made.append($0) }
        }
        try answer(update.returning, made, table, values, prepared, &changes)
        return changes
    }

    /// A unique index in which every row has a key, if the update changes no column of a unique index, and none that is
    /// numbered.
    private static func untouchedKey(_ facts: TableFacts, _ update: BoundUpdate) -> IndexID? {
        let changed = Set(update.assignments.map(\.column))
        let unique = zip(facts.schema.indexes, facts.indexes).filter { $0.0.isUnique }
        guard changed.isDisjoint(with: unique.flatMap { $0.0.columns }),
            changed.isDisjoint(with: facts.schema.sequences.map(\.column))
        else { return nil }
        return unique.first { index, _ in
            index.columns.allSatisfy { facts.schema.columns[$0.index].type.optionPayload == nil }
        }?.1
    }

    // MARK: DELETE

    private func delete(
        _ delete: BoundDelete, _ values: [[UInt8]], _ prepared: Prepared, _ transaction: TransactionReference
    ) throws(DatabaseError) -> Changes {
        let table = delete.query.tables[0].id
        try requireKept(table)
        var changes = Changes()
        // In one go, which cannot be stopped at a limit.
        if delete.returning == nil, prepared.request.limits == QueryLimits(),
            let condition = try Self.rowCondition(of: delete.query, values)
        {
            changes.counts.deleted = try transaction.delete(table, where: ScanCondition(condition))
            changes.cost.rowsExamined = changes.counts.deleted
            return changes
        }
        let old = try rows(of: delete.query, values, prepared, &changes)
        changes.counts.deleted = old.count
        try answer(delete.returning, old, table, values, prepared, &changes)
        try old.forEach { (row) throws(DatabaseError) in _ = try transaction.delete(table, equalTo: row) }
        return changes
    }

    /// The condition of a query on one table, if it is one on its rows alone.
    private static func rowCondition(
        of query: BoundQuery, _ values: [[UInt8]]
    ) throws(DatabaseError) -> RowPredicate? {
        switch query.conditions.first {
        case nil: return .all
        case .rows(_, let predicate) where query.conditions.count == 1:
            do throws(EngineError) { return try predicate.binding(values, table: "") } catch {
                throw DatabaseError(error)
            }
        default: return nil
        }
    }

    // MARK: SET

    private func set(
        _ variable: SystemVariable, to value: UInt64, _ transaction: TransactionReference
    ) throws(DatabaseError) {
        let tables = runner.catalog.systemTables
        let key = variable.rawValue.bsatn()
        _ = try key.withBytes { key throws(DatabaseError) in try transaction.delete(tables.variablesKey, key: key) }
        var row = key + AlgebraicValue.sum(tag: SystemSchemas.tagOfU64, .u64(value)).bsatn()
        _ = try insert(&row, into: tables.variables, transaction)
    }

    // MARK: Rows

    /// The rows that a statement is about, all of them before the first is changed.
    private func rows(
        of query: BoundQuery, _ values: [[UInt8]], _ prepared: Prepared, _ changes: inout Changes
    ) throws(DatabaseError) -> RowBatch {
        let plan = runner.catalog.planner.plan(query, runner.datastore)
        let run = PlanRun(
            try PreparedSelect.compile(plan, PlanTables(runner.datastore)), values: values, prepared,
            clock: runner.clock)
        let result = try run.run(over: runner.datastore)
        changes.cost = result.cost
        return result.rows
    }

    /// What is computed of each of the rows, in their order.
    private func mapped(
        _ rows: RowBatch, of table: TableID, _ columns: [QueryColumn], _ parameters: [QueryParameter],
        _ values: [[UInt8]], _ prepared: Prepared
    ) throws(DatabaseError) -> RowBatch {
        if rows.isEmpty { return rows }
        let plan = Plan(
            steps: [Plan.Step(slot: 0, table: table, source: .changes)], output: .columns(columns),
            parameters: parameters)
        let run = PlanRun(
            try PreparedSelect.compile(plan, PlanTables(runner.datastore)), values: values, prepared,
            clock: runner.clock)
        return try run.run(over: runner.datastore, changes: PlanChanges(table, inserts: rows)).rows
    }

    /// Answers a statement with `RETURNING`.
    private func answer(
        _ returning: BoundReturning?, _ rows: RowBatch, _ table: TableID, _ values: [[UInt8]], _ prepared: Prepared,
        _ changes: inout Changes
    ) throws(DatabaseError) {
        guard let returning else { return }
        changes.columns = returning.columns
        switch returning.output {
        case .rows: changes.rows = rows
        case .columns(let columns):
            guard case .other(let statement) = prepared.entry else { return }
            changes.rows = try mapped(rows, of: table, columns, statement.parameters, values, prepared)
        }
    }
}

extension BoundUpdate {
    /// The columns of a row as they are to be.
    fileprivate func newRow(_ schema: TableSchema) -> [QueryColumn] {
        var columns: [QueryColumn] = []
        for (position, column) in schema.columns.enumerated() {
            let id = ColumnID(position)
            guard let assigned = assignments.first(where: { $0.column == id })?.value else {
                columns.append(
                    QueryColumn(
                        column.name, .field(QueryField(slot: 0, path: FieldPath(id), type: column.type))))
                continue
            }
            // A plain value for an option: the byte that says that there is one, and the value.
            if assigned.resultType != column.type { columns.append(QueryColumn("", .literal([0], .u8))) }
            columns.append(QueryColumn(column.name, assigned))
        }
        return columns
    }
}
