import SpacetimeEngine
package import SpacetimeSchema

/// What one written migration sees and does: the tables as they were before it, and what becomes of them.
package struct MigrationStep {
    /// The tables as they were before it.
    package let old: OldMigrationTables
    /// The tables as it leaves them, but for those that it fills.
    private var tables: [MigrationTable]
    /// What each of them was called before; by the name it has now.
    private var oldNames: [String: String]
    /// By canonical name.
    private var filled: [String: FilledTable] = [:]
    /// Tables whose old rows are no longer wanted, by their old names.
    private var dropped: Set<String> = []
    /// Tables that the migration says it leaves; they come before those of the module.
    private let declared: [TableSchema]
    /// The module's tables, if no other migration comes after.
    private let module: [TableSchema]?
    private let hashSeed: UInt64

    /// - Parameters:
    ///   - tables: what the migration before it left.
    ///   - from: tables that the migration says it begins with. They follow by themselves, or it is refused.
    ///   - to: tables that it says it leaves.
    ///   - isFirst: whether no other migration ran before, in this opening.
    ///   - module: the module's tables, if this is the last migration.
    init(
        _ tables: [MigrationTable], from: [TableSchema], to: [TableSchema], isFirst: Bool, module: [TableSchema]?,
        hashSeed: UInt64
    ) throws(DatabaseError) {
        var tables = tables
        try tables.follow(from, "begins with", "list the migration that makes it so before this one")
        old = OldMigrationTables(tables, mayLack: !isFirst)
        self.tables = tables
        oldNames = Dictionary(tables.map { ($0.schema.name, $0.schema.name) }) { first, _ in first }
        declared = to
        self.module = module
        self.hashSeed = hashSeed
    }

    // MARK: Names

    /// What a table is to become, if that is known, and how messages call whoever says so.
    private func target(_ name: String) -> (schema: TableSchema, name: String)? {
        if let table = declared.first(named: name) {
            return (table, "table '\(table.name)', as the migration leaves it")
        }
        return module?.first(named: name).map { ($0, "table '\($0.name)' of the module") }
    }

    /// The canonical name that a new name stands for.
    private func canonical(_ name: String) -> String { target(name)?.schema.name ?? CaseConversion.snake(name) }

    private func find(_ name: String) -> Int? {
        func first(_ matches: (TableSchema) -> Bool) -> Int? {
            tables.firstIndex { !$0.isGone && matches($0.schema) }
        }
        return first { $0.name == name } ?? first { $0.sourceName == name }
            ?? first { $0.name == CaseConversion.snake(name) }
    }

    /// Nil if there is no such table, and may be none.
    private func position(_ name: String) throws(DatabaseError) -> Int? {
        let position = find(name)
        if position == nil, !old.mayLack { throw OldMigrationTables.noSuchTable(name, tables) }
        return position
    }

    // MARK: Rows

    /// A table that this migration fills with rows of a type.
    ///
    /// - Parameters:
    ///   - row: the table of the type, which says what the columns are.
    ///   - rowType: the type's name, for messages.
    /// - Throws: if the rows would not fit what the table is to become.
    package mutating func fill(
        _ name: String, with row: TableSchema, rowType: String
    ) throws(DatabaseError) -> FilledTable {
        let target = try requireTarget(name)
        if let target,
            let difference = MigrationPlan.firstDifference(of: row, "'\(rowType)'", from: target.schema, target.name)
        {
            throw DatabaseError(
                .migrationRefused,
                "rows of '\(rowType)' do not fit \(target.name): \(difference); insert rows of a type that has its "
                    + "columns: \(target.schema.columnText)")
        }
        var schema = row
        schema.name = canonical(name)
        // The module's own declaration says more: constraints, and what is numbered.
        if let target, target.schema.hasColumns(of: row) { schema = target.schema }
        if let known = filled[schema.name] {
            guard known.schema.hasColumns(of: row) else {
                throw DatabaseError(
                    .migrationRefused,
                    "table '\(schema.name)' is filled with rows of '\(known.rowType ?? "no type")' already, which has "
                        + "other columns than '\(rowType)'; use one of them for all rows")
            }
            return known
        }
        return try begin(schema, rowType)
    }

    /// A table that this migration fills with rows without a type: with the columns that it is to have, or has.
    package mutating func fill(_ name: String) throws(DatabaseError) -> FilledTable {
        let schema: TableSchema
        if let target = try requireTarget(name) {
            schema = target.schema
        } else {
            guard let position = find(name) else { throw OldMigrationTables.noSuchTable(name, tables) }
            schema = tables[position].schema
        }
        if let known = filled[schema.name] { return known }
        return try begin(schema, nil)
    }

    private func requireTarget(_ name: String) throws(DatabaseError) -> (schema: TableSchema, name: String)? {
        if let target = target(name) { return target }
        guard module != nil else { return nil }
        throw DatabaseError(
            .noSuchTable,
            "the module has no table '\(name)'; check the name, or list the row type among the module's tables")
    }

    private mutating func begin(_ schema: TableSchema, _ rowType: String?) throws(DatabaseError) -> FilledTable {
        if schema.isEvent {
            throw DatabaseError(
                .migrationRefused,
                "table '\(schema.name)' is an event table: it keeps no rows, and nobody listens to a migration; do not "
                    + "insert into it")
        }
        let before = tables.first { $0.schema.name == schema.name }
        do throws(EngineError) {
            let table = try FilledTable(schema, rowType: rowType, after: before?.numbering ?? [:], hashSeed: hashSeed)
            filled[schema.name] = table
            return table
        } catch { throw DatabaseError(error) }
    }

    // MARK: Tables

    /// Gives a table another name. Its rows stay where they are.
    package mutating func rename(_ old: String, to new: String) throws(DatabaseError) {
        try requireUnfilled(canonical(old), "rename it first")
        guard let position = try position(old) else { return }
        let (before, name) = (tables[position].schema.name, canonical(new))
        try requireUnfilled(name, "rename first, or move the rows by hand")
        try requireIdentifier(name)
        if before == name { return }
        if let taken = tables.firstIndex(where: { $0.schema.name == name }) {
            let oldName = oldNames[name] ?? name
            guard tables[taken].rowCount == 0 || dropped.contains(oldName) else {
                throw DatabaseError(
                    .migrationRefused,
                    "table '\(before)' cannot be renamed to '\(name)', which holds \(rows(tables[taken].rowCount)); call "
                        + "new.drop(\"\(oldName)\") first if they may go, or insert the rows of both")
            }
            oldNames[name] = nil
            oldNames[name] = oldNames.removeValue(forKey: before)
            tables[position].rename(to: name)
            tables.remove(at: taken)
        } else {
            oldNames[name] = oldNames.removeValue(forKey: before)
            tables[position].rename(to: name)
        }
    }

    /// Gives a column another name. The rows stay where they are.
    package mutating func renameColumn(_ old: String, to new: String, of table: String) throws(DatabaseError) {
        try requireUnfilled(canonical(table), "rename the column first")
        guard let position = try position(table), !tables[position].isOpen else { return }
        let schema = tables[position].schema
        guard let column = schema.columns.firstIndex(named: old) else {
            throw DatabaseError(
                .migrationRefused,
                "table '\(schema.name)' has no column '\(old)'; its columns are \(schema.columnText)")
        }
        let known = target(schema.name)?.schema.columns
        let name = known?.firstIndex(named: new).flatMap { known?[$0].name } ?? CaseConversion.snake(new)
        try requireIdentifier(name)
        if schema.columns[column].name == name { return }
        guard !schema.columns.contains(where: { $0.name == name }) else {
            throw DatabaseError(
                .migrationRefused,
                "column '\(old)' of table '\(schema.name)' cannot be renamed to '\(name)', which is there already; its "
                    + "columns are \(schema.columnText)")
        }
        tables[position].renameColumn(at: column, to: name)
    }

    /// Lets the old rows of a table go, and the table, unless it is filled.
    package mutating func drop(_ name: String) throws(DatabaseError) {
        if let table = try old.table(name) { dropped.insert(table.schema.name) }
    }

    private func rows(_ count: Int) -> String { count == 1 ? "1 row" : "\(count) rows" }

    private func requireUnfilled(_ name: String, _ advice: String) throws(DatabaseError) {
        guard filled[name] != nil else { return }
        throw DatabaseError(
            .migrationRefused, "table '\(name)' has got rows by this migration already; \(advice)")
    }

    private func requireIdentifier(_ name: String) throws(DatabaseError) {
        guard let problem = Identifier.problem(with: name) else { return }
        throw DatabaseError(.migrationRefused, "'\(name)' cannot be a name (\(problem)); use letters, digits and '_'")
    }

    // MARK: The end

    /// The tables that this migration leaves.
    ///
    /// - Throws: if rows would be lost that it neither read nor dropped, or if the tables are not what it says it leaves.
    func finish() throws(DatabaseError) -> [MigrationTable] {
        var result: [MigrationTable] = []
        for var table in tables {
            let name = table.schema.name
            let oldName = oldNames[name] ?? name
            if let filled = filled[name] {
                guard table.rowCount == 0 || dropped.contains(oldName) || old.wasRead(oldName) else {
                    throw DatabaseError(
                        .migrationRefused,
                        "it fills table '\(name)' and would lose what was there, \(rows(table.rowCount)) that it did not read; "
                            + "insert them as well, or call new.drop(\"\(oldName)\")")
                }
                result.append(MigrationTable(filled, replacing: table))
                continue
            }
            if dropped.contains(oldName) {
                table.letGo()
            } else if old.wasRead(oldName) {
                table.open()
            }
            result.append(table)
        }
        // In a fixed order, since ids follow from it.
        let new = filled.filter { name, _ in !tables.contains { $0.schema.name == name } }
        for (_, filled) in new.sorted(by: { $0.key < $1.key }) {
            result.append(MigrationTable(filled, replacing: nil))
        }
        try result.follow(declared, "leaves", "insert its rows anew, or rename what has another name")
        return result
    }
}

extension [TableSchema] {
    /// By canonical name, or else by source name.
    fileprivate func first(named name: String) -> TableSchema? {
        first { $0.name == name } ?? first { $0.sourceName == name }
    }
}

extension [ColumnSchema] {
    /// By canonical name, or else by source name.
    fileprivate func firstIndex(named name: String) -> Int? {
        firstIndex { $0.name == name } ?? firstIndex { $0.sourceName == name }
            ?? firstIndex { $0.name == CaseConversion.snake(name) }
    }
}

extension TableSchema {
    /// The columns as they are written in Swift.
    var columnText: String { columns.map(\.swiftText).joined(separator: ", ") }

    fileprivate func hasColumns(of other: TableSchema) -> Bool {
        columns.map(\.name) == other.columns.map(\.name) && columns.map(\.type) == other.columns.map(\.type)
    }
}

extension [MigrationTable] {
    /// Brings tables to the form that a migration states, as a module that changed does; adds those that are not there.
    fileprivate mutating func follow(
        _ stated: [TableSchema], _ verb: String, _ advice: String
    ) throws(DatabaseError) {
        for schema in stated {
            guard let position = firstIndex(where: { $0.schema.name == schema.name }) else {
                append(MigrationTable(empty: schema))
                continue
            }
            let before = self[position].schema
            if self[position].follow(schema) { continue }
            let difference = MigrationPlan.firstDifference(
                of: before, "the database", from: schema, "what the migration says it \(verb)")
            throw DatabaseError(
                .migrationRefused,
                "table '\(schema.name)' is not what the migration says it \(verb): \(difference ?? ""); \(advice)")
        }
    }
}
