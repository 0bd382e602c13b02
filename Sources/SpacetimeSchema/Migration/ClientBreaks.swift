import SpacetimeSATS

/// What clients that are connected, and programs that were generated for a module, cannot go on with.
extension ModuleSchema {
    /// What such clients lose if the module becomes another one: a line for each table, view or rule. Empty if they need not notice.
    ///
    /// - Parameter plan: what becomes of the tables.
    package func clientBreaks(becoming new: ModuleSchema, by plan: MigrationPlan) -> [String] {
        var breaks: [String] = []
        for step in plan.steps {
            switch step {
            case .removeTable(let table): breaks.append("table '\(table)' goes")
            case .addColumns(let table, _): breaks.append("rows of table '\(table)' get more columns")
            case .reschemaEventTable(let table): breaks.append("rows of event table '\(table)' get other columns")
            default: break
            }
        }
        for view in views {
            guard let same = new.views.first(where: { $0.name == view.name }) else {
                breaks.append("view '\(view.name)' goes")
                continue
            }
            if let difference = view.difference(from: same) { breaks.append("view '\(view.name)' \(difference)") }
        }
        if Set(rowLevelSecurity) != Set(new.rowLevelSecurity) {
            breaks.append("the rules change by which clients see rows")
        }
        return breaks
    }
}

extension ViewSchema {
    /// What clients would notice; nil if nothing.
    fileprivate func difference(from new: ViewSchema) -> String? {
        if isAnonymous != new.isAnonymous {
            return new.isAnonymous ? "is the same for all callers" : "depends on its caller"
        }
        if !Self.fit(parameters.map { ($0.name, $0.type) }, new.parameters.map { ($0.name, $0.type) }) {
            return "has other parameters"
        }
        if !Self.fit(columns.map { ($0.name, $0.type) }, new.columns.map { ($0.name, $0.type) }) {
            return "has other columns"
        }
        return primaryKey == new.primaryKey ? nil : "has another primary key"
    }

    /// Whether what was read by some fields can be read by others: the same, but for variants that sums got at their ends.
    private static func fit(_ old: [(String, AlgebraicType)], _ new: [(String, AlgebraicType)]) -> Bool {
        func table(_ fields: [(String, AlgebraicType)]) -> TableSchema {
            TableSchema(name: "", columns: fields.map { ColumnSchema(name: $0.0, type: $0.1) })
        }
        return old.count == new.count && MigrationPlan.fate(of: table(old), in: table(new)) == .kept
    }
}
