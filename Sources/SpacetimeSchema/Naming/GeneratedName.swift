/// Names of the parts that a module does not name itself.
///
/// They are built from the canonical name of the table and the converted names of the columns, and are not converted
/// again.
package enum GeneratedName {
    package static func index(table: String, columns: [String], algorithm: IndexAlgorithm) -> String {
        let suffix =
            switch algorithm {
            case .btree: "btree"
            case .hash: "hash"
            case .direct: "direct"
            }
        return join(table, columns) + "_idx_" + suffix
    }

    /// The columns in the order in which the constraint lists them.
    package static func uniqueConstraint(table: String, columns: [String]) -> String {
        join(table, columns) + "_key"
    }

    package static func sequence(table: String, column: String) -> String {
        table + "_" + column + "_seq"
    }

    package static func schedule(table: String) -> String {
        table + "_sched"
    }

    /// What stands for the name of a column that has none.
    package static func namelessColumn(_ column: ColumnID) -> String {
        "col_\(column.rawValue)"
    }

    private static func join(_ table: String, _ columns: [String]) -> String {
        var name = table
        for column in columns {
            name += "_"
            name += column
        }
        return name
    }
}
