import SpacetimeSATS

extension MigrationPlan {
    /// Compares two validated definitions. Tables are matched by canonical name.
    ///
    /// - Parameter exempt: tables of either definition that somebody else takes care of; they are left out.
    /// - Throws: all problems at once.
    package static func plan(
        from old: ModuleSchema, to new: ModuleSchema, exempt: Set<String> = []
    ) throws(MigrationProblems) -> MigrationPlan {
        var planner = MigrationPlanner()
        let oldTables = Dictionary(old.tables.map { ($0.name, $0) }) { first, _ in first }
        let newNames = Set(new.tables.map(\.name))
        for table in new.tables where !exempt.contains(table.name) {
            if let before = oldTables[table.name] {
                planner.compare(before, table)
            } else {
                planner.plan.steps.append(.addTable(table.name))
                planner.plan.fates[table.name] = .added
            }
        }
        for table in old.tables where !newNames.contains(table.name) && !exempt.contains(table.name) {
            planner.plan.steps.append(.removeTable(table.name))
        }
        guard planner.problems.isEmpty else { throw MigrationProblems(problems: planner.problems) }
        if planner.plan.steps.isEmpty, old != new { planner.plan.steps.append(.changeFunctions) }
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

    mutating func compare(_ old: TableSchema, _ new: TableSchema) {
        if old.kind != new.kind { refuse(.changeTableType, new, nil, "a table cannot become the host's own") }
        if old.isEvent != new.isEvent {
            refuse(
                .changeTableEventFlag, new, nil,
                "a table cannot become an event table or stop being one; use another name for the new one")
        }
        plan.fates[new.name] = .kept
        compareColumns(old, new)
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
                new.indexes.contains { $0.name == index.name && $0.sourceName != index.sourceName }
            }
    }

    // MARK: Columns

    private mutating func compareColumns(_ old: TableSchema, _ new: TableSchema) {
        if old.columns.map(\.name) == new.columns.map(\.name), old.columns.map(\.type) == new.columns.map(\.type) {
            if new.isEvent { plan.fates[new.name] = .added }
            return
        }
        if new.isEvent {
            plan.steps.append(.reschemaEventTable(new.name))
            plan.fates[new.name] = .added
            return
        }
        var changed: [String] = []
        for (position, column) in old.columns.enumerated() {
            guard let place = new.columns.firstIndex(where: { $0.name == column.name }) else {
                refuse(
                    .removeColumn, new, column.name,
                    "the column is gone or has another name; keep it, or move the rows by a written migration")
                continue
            }
            if place != position {
                refuse(.reorderTable, new, column.name, "the column moved; new columns go to the end")
            }
            if let (rule, text) = incompatibility(column.type, new.columns[place].type) {
                refuse(rule, new, column.name, text + "; move the rows by a written migration")
            } else if column.type != new.columns[place].type {
                changed.append(column.name)
            }
        }
        if !changed.isEmpty {
            plan.steps.append(.changeColumns(table: new.name, columns: changed))
            // The bytes stay, but pages are cut by whether rows have one size, and that may have changed.
            plan.fates[new.name] = .extended(by: [])
        }
        addColumns(old, new)
    }

    private mutating func addColumns(_ old: TableSchema, _ new: TableSchema) {
        let known = Set(old.columns.map(\.name))
        var added: [String] = []
        var bytes: [UInt8] = []
        for (position, column) in new.columns.enumerated() where !known.contains(column.name) {
            guard let value = new.defaults.first(where: { $0.column.index == position }) else {
                refuse(
                    .addColumn, new, column.name,
                    "a new column needs a default value for the rows that exist, or a written migration")
                continue
            }
            added.append(column.name)
            bytes += value.bytes
        }
        guard !added.isEmpty else { return }
        plan.steps.append(.addColumns(table: new.name, columns: added))
        plan.fates[new.name] = .extended(by: bytes)
    }

    /// Why values of the old type are not values of the new one; nil if they are, byte for byte.
    ///
    /// Sums may gain variants at the end, at any depth and of any size: rows are stored as their BSATN, so there is no
    /// layout in memory that would have to keep its size.
    private func incompatibility(
        _ old: AlgebraicType, _ new: AlgebraicType
    ) -> (MigrationProblems.Problem.Rule, String)? {
        switch (old, new) {
        case (.sum(let old), .sum(let new)):
            guard new.variants.count >= old.variants.count else {
                return (.fewerVariants, "its type lost variants")
            }
            for (before, after) in zip(old.variants, new.variants) {
                guard before.name == after.name else {
                    return (.renamedVariant, "variant '\(before.name ?? "")' is now '\(after.name ?? "")'")
                }
                if let problem = incompatibility(before.algebraicType, after.algebraicType) { return problem }
            }
            return nil
        case (.product(let old), .product(let new)):
            guard new.elements.count == old.elements.count else {
                return (.fewerFields, "its type has \(new.elements.count) fields instead of \(old.elements.count)")
            }
            for (before, after) in zip(old.elements, new.elements) {
                guard before.name == after.name else {
                    return (.renamedField, "field '\(before.name ?? "")' is now '\(after.name ?? "")'")
                }
                if let problem = incompatibility(before.algebraicType, after.algebraicType) { return problem }
            }
            return nil
        case (.array(let old), .array(let new)): return incompatibility(old, new)
        default: return old == new ? nil : (.changeColumnType, "its type changed")
        }
    }

    // MARK: Indexes, constraints, sequences, schedules

    private mutating func compareIndexes(_ old: TableSchema, _ new: TableSchema) {
        for index in old.indexes {
            guard let same = new.indexes.first(where: { $0.name == index.name }) else {
                plan.steps.append(.removeIndex(table: new.name, index: index.name))
                continue
            }
            if index.accessorName != same.accessorName {
                refuse(
                    .changeIndexAccessor, new, index.name, "the index has another accessor; give it another name, too")
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
                    "the constraint has other columns; give the new one another name")
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
