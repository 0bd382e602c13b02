import SpacetimeSATS

/// When rows of some columns are rows of other columns, possibly with more bytes at their end.
extension MigrationPlan {
    /// What becomes of the rows of a table if its columns become those of another; keys and indexes are not looked at.
    ///
    /// - Returns: nil if rows cannot follow: names, order or types differ in more than new columns at the end that have
    ///   default values, and new cases at the end of enums.
    package static func fate(of old: TableSchema, in new: TableSchema) -> TableFate? {
        var rules = ColumnRules()
        rules.compare(old, new)
        return rules.problems.isEmpty ? rules.fate : nil
    }

    /// The first place where the columns of two tables part in a way that rows cannot follow, as a clause; nil if they
    /// can.
    ///
    /// - Parameters:
    ///   - oldName: what the message calls the table that the rows come from.
    ///   - newName: what it calls the table that they go to.
    package static func firstDifference(
        of old: TableSchema, _ oldName: String, from new: TableSchema, _ newName: String
    ) -> String? {
        for position in 0..<max(old.columns.count, new.columns.count) {
            let before = position < old.columns.count ? old.columns[position] : nil
            let after = position < new.columns.count ? new.columns[position] : nil
            switch (before, after) {
            case (let before?, let after?):
                if before.name == after.name, ColumnRules.incompatibility(before.type, after.type) == nil { continue }
                return "column \(position + 1) is '\(before.swiftText)' in \(oldName) and '\(after.swiftText)' in "
                    + newName
            case (let before?, nil):
                return "column \(position + 1) of \(oldName), '\(before.swiftText)', is not in \(newName)"
            case (nil, let after?):
                if new.defaults.contains(where: { $0.column.index == position }) { continue }
                return "column \(position + 1) of \(newName), '\(after.swiftText)', is not in \(oldName) and has no "
                    + "@Default"
            case (nil, nil): break
            }
        }
        return nil
    }
}

/// Compares the columns of two versions of a table.
struct ColumnRules {
    var steps: [MigrationPlan.Step] = []
    var fate = MigrationPlan.TableFate.kept
    var problems: [MigrationProblems.Problem] = []

    typealias Rule = MigrationProblems.Problem.Rule

    private mutating func refuse(_ rule: Rule, _ table: TableSchema, _ column: String, _ text: String) {
        problems.append(.init(rule: rule, table: table.name, part: column, text: text))
    }

    mutating func compare(_ old: TableSchema, _ new: TableSchema) {
        if old.columns.map(\.name) == new.columns.map(\.name), old.columns.map(\.type) == new.columns.map(\.type) {
            if new.isEvent { fate = .added }
            return
        }
        if new.isEvent {
            steps.append(.reschemaEventTable(new.name))
            fate = .added
            return
        }
        var changed: [String] = []
        for (position, column) in old.columns.enumerated() {
            guard let place = new.columns.firstIndex(where: { $0.name == column.name }) else {
                refuse(.removeColumn, new, column.name, Self.whereTo(column, position, old, new))
                continue
            }
            if place != position {
                refuse(
                    .reorderTable, new, column.name,
                    "the column moved from place \(position + 1) to \(place + 1); put it back and new columns at the "
                        + "end, or list a migration that inserts the rows anew")
            }
            let type = new.columns[place].type
            if let (rule, text) = Self.incompatibility(column.type, type) {
                refuse(rule, new, column.name, text + "; keep the type, or list a migration that inserts the rows anew")
            } else if column.type != type {
                changed.append(column.name)
            }
        }
        if !changed.isEmpty {
            steps.append(.changeColumns(table: new.name, columns: changed))
            // The bytes stay, but pages are cut by whether rows have one size, and that may have changed.
            fate = .extended(by: [])
        }
        add(old, new)
    }

    /// What to do about a column that is gone.
    private static func whereTo(
        _ column: ColumnSchema, _ position: Int, _ old: TableSchema, _ new: TableSchema
    ) -> String {
        let successor = position < new.columns.count ? new.columns[position] : nil
        let byHand = "list a migration that inserts the rows without it"
        guard let successor, successor.type == column.type,
            !old.columns.contains(where: { $0.name == successor.name })
        else { return "the column is gone; keep it, or \(byHand)" }
        return "the column is gone; if it is '\(successor.name)' now, list Migration.renameColumn(\"\(column.name)\", "
            + "to: \"\(successor.name)\", of: \"\(new.name)\"); if not, keep it, or \(byHand)"
    }

    private mutating func add(_ old: TableSchema, _ new: TableSchema) {
        let known = Set(old.columns.map(\.name))
        var added: [String] = []
        var bytes: [UInt8] = []
        for (position, column) in new.columns.enumerated() where !known.contains(column.name) {
            guard let value = new.defaults.first(where: { $0.column.index == position }) else {
                refuse(
                    .addColumn, new, column.name,
                    "a new column needs a value for the rows that exist; write @Default(…) before it, or list a "
                        + "migration that inserts the rows with it")
                continue
            }
            added.append(column.name)
            bytes += value.bytes
        }
        guard !added.isEmpty else { return }
        steps.append(.addColumns(table: new.name, columns: added))
        fate = .extended(by: bytes)
    }

    /// Why values of the old type are not values of the new one; nil if they are, byte for byte.
    ///
    /// Sums may gain variants at the end, at any depth and of any size: rows are stored as their BSATN, so there is no
    /// layout in memory that would have to keep its size.
    static func incompatibility(_ old: AlgebraicType, _ new: AlgebraicType) -> (Rule, String)? {
        switch (old, new) {
        case (.sum(let before), .sum(let after)):
            guard after.variants.count >= before.variants.count else {
                return (.fewerVariants, "its type '\(old.swiftText)' lost cases and is '\(new.swiftText)'")
            }
            for (before, after) in zip(before.variants, after.variants) {
                guard before.name == after.name else {
                    return (
                        .renamedVariant,
                        "in its type, case '\(before.name ?? "")' stands where '\(after.name ?? "")' is now"
                    )
                }
                if let problem = incompatibility(before.algebraicType, after.algebraicType) { return problem }
            }
            return nil
        case (.product(let before), .product(let after)):
            guard after.elements.count == before.elements.count else {
                return (
                    .fewerFields,
                    "its type has \(after.elements.count) fields instead of \(before.elements.count)"
                )
            }
            for (before, after) in zip(before.elements, after.elements) {
                guard before.name == after.name else {
                    return (.renamedField, "in its type, field '\(before.name ?? "")' is now '\(after.name ?? "")'")
                }
                if let problem = incompatibility(before.algebraicType, after.algebraicType) { return problem }
            }
            return nil
        case (.array(let old), .array(let new)): return incompatibility(old, new)
        default:
            return old == new
                ? nil : (.changeColumnType, "its type was \(old.swiftText) and is \(new.swiftText)")
        }
    }
}
