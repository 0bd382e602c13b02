extension MigrationPlan {
    /// Compares two lists of validated tables, matched by canonical name.
    ///
    /// - Parameters:
    ///   - rebuilt: tables whose indexes and keys are new anyway; only their columns are compared.
    ///   - rowCount: the rows of an old table, asked of those that are to go.
    /// - Throws: all problems at once.
    package static func plan(
        from old: [TableSchema], to new: [TableSchema], rebuilt: Set<String> = [],
        rowCount: (String) -> Int = { _ in 0 }
    ) throws(MigrationProblems) -> MigrationPlan {
        var planner = MigrationPlanner()
        let oldTables = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
        let newNames = Set(new.map(\.name))
        for table in new {
            if let before = oldTables[table.name] {
                planner.compare(before, table, onlyColumns: rebuilt.contains(table.name))
            } else {
                planner.plan.steps.append(.addTable(table.name))
                planner.plan.fates[table.name] = .added
            }
        }
        for table in old where !newNames.contains(table.name) {
            let successors = new.filter { oldTables[$0.name] == nil }
            planner.remove(table, rowCount: rowCount(table.name), among: successors)
        }
        guard planner.problems.isEmpty else { throw MigrationProblems(problems: planner.problems) }
        // Stable, so that steps of one kind keep the order of the module.
        let ranked = planner.plan.steps.enumerated().sorted {
            ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
        }
        planner.plan.steps = ranked.map(\.element)
        return planner.plan
    }
}

/// Gathers steps and problems.
private struct MigrationPlanner {
    var plan = MigrationPlan()
    var problems: [MigrationProblems.Problem] = []

    mutating func refuse(
        _ rule: MigrationProblems.Problem.Rule, _ table: TableSchema, _ part: String? = nil, _ text: String
    ) {
        problems.append(.init(rule: rule, table: table.name, part: part, text: text))
    }

    /// - Parameter successors: new tables that nothing is known of; one of them may be the old one under another name.
    mutating func remove(_ table: TableSchema, rowCount: Int, among successors: [TableSchema]) {
        plan.steps.append(.removeTable(table.name))
        guard rowCount > 0 else { return }
        let alike = successors.first { MigrationPlan.fate(of: table, in: $0) != nil }
        let rows = rowCount == 1 ? "1 row" : "\(rowCount) rows"
        refuse(
            .removeTable, table, nil,
            "the module no longer has the table, which still holds \(rows); "
                + (alike.map {
                    "if it is '\($0.name)' now, list Migration.rename(\"\(table.name)\", to: \"\($0.name)\"); "
                }
                    ?? "")
                + "keep it, delete its rows first, or list a migration with new.drop(\"\(table.name)\")")
    }

    mutating func compare(_ old: TableSchema, _ new: TableSchema, onlyColumns: Bool) {
        if old.kind != new.kind {
            refuse(.changeTableType, new, nil, "a table cannot become one of the host's own; give it another name")
        }
        if old.isEvent != new.isEvent {
            refuse(
                .changeTableEventFlag, new, nil,
                "a table cannot become an event table or stop being one; give the new one another name, or list a "
                    + "migration with new.drop(\"\(old.name)\"), which begins anew")
        }
        var columns = ColumnRules()
        columns.compare(old, new)
        plan.steps += columns.steps
        plan.fates[new.name] = columns.fate
        problems += columns.problems
        if onlyColumns { return }
        compareIndexes(old, new)
        compareConstraints(old, new)
        compareSequences(old, new)
        compareSchedule(old, new)
        if old.access != new.access { plan.steps.append(.changeAccess(table: new.name, to: new.access)) }
        if old.primaryKey != new.primaryKey { plan.steps.append(.changePrimaryKey(table: new.name)) }
        if old.sourceName != new.sourceName || sourcesDiffer(old, new) {
            plan.steps.append(.renameSource(table: new.name))
        }
    }

    private func sourcesDiffer(_ old: TableSchema, _ new: TableSchema) -> Bool {
        zip(old.columns, new.columns).contains { $0.name == $1.name && $0.sourceName != $1.sourceName }
            || old.indexes.contains { index in
                // Nothing that is stored knows an index by its accessor, so that may change freely.
                new.indexes.contains {
                    $0.name == index.name
                        && ($0.sourceName != index.sourceName || $0.accessorName != index.accessorName)
                }
            }
    }

    // MARK: Indexes, constraints, sequences, schedules

    private mutating func compareIndexes(_ old: TableSchema, _ new: TableSchema) {
        for index in old.indexes {
            guard let same = new.indexes.first(where: { $0.name == index.name }) else {
                plan.steps.append(.removeIndex(table: new.name, index: index.name))
                continue
            }
            if index.algorithm != same.algorithm || index.columns != same.columns {
                plan.steps.append(.removeIndex(table: new.name, index: index.name))
                plan.steps.append(.addIndex(table: new.name, index: index.name))
            }
        }
        for index in new.indexes where !old.indexes.contains(where: { $0.name == index.name }) {
            plan.steps.append(.addIndex(table: new.name, index: index.name))
        }
    }

    private mutating func compareConstraints(_ old: TableSchema, _ new: TableSchema) {
        for constraint in old.uniqueConstraints {
            guard let same = new.uniqueConstraints.first(where: { $0.name == constraint.name }) else {
                plan.steps.append(.removeConstraint(table: new.name, constraint: constraint.name))
                continue
            }
            if ColumnSet(constraint.columns) != ColumnSet(same.columns) {
                refuse(
                    .changeUniqueConstraint, new, constraint.name,
                    "the constraint has other columns than before; give the new one another name")
            }
        }
        for constraint in new.uniqueConstraints
        where !old.uniqueConstraints.contains(where: { $0.name == constraint.name }) {
            plan.steps.append(.addConstraint(table: new.name, constraint: constraint.name))
        }
    }

    private mutating func compareSequences(_ old: TableSchema, _ new: TableSchema) {
        for sequence in old.sequences where !new.sequences.contains(sequence) {
            plan.steps.append(.removeSequence(table: new.name, sequence: sequence.name))
        }
        for sequence in new.sequences where !old.sequences.contains(sequence) {
            plan.steps.append(.addSequence(table: new.name, sequence: sequence.name))
        }
    }

    private mutating func compareSchedule(_ old: TableSchema, _ new: TableSchema) {
        guard old.schedule != new.schedule else { return }
        if old.schedule != nil { plan.steps.append(.removeSchedule(table: new.name)) }
        if let schedule = new.schedule {
            plan.steps.append(.addSchedule(table: new.name, function: schedule.functionName))
        }
    }
}
