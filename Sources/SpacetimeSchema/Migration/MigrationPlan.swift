/// What has to be done to a database whose module's definition changed.
package struct MigrationPlan: Equatable, Sendable, CustomStringConvertible {
    package var steps: [Step] = []
    /// What becomes of the rows of each table of the new definition, by canonical name.
    package var fates: [String: TableFate] = [:]

    package init(steps: [Step] = []) { self.steps = steps }

    /// One change, in the order in which changes are made: removals first, so that remove-and-add works.
    package enum Step: Hashable, Sendable {
        case removeIndex(table: String, index: String)
        case removeConstraint(table: String, constraint: String)
        case removeSequence(table: String, sequence: String)
        case removeSchedule(table: String)
        /// Refused if the table has rows.
        case removeTable(String)
        /// Sums got more variants at their ends; rows stay as they are.
        case changeColumns(table: String, columns: [String])
        case reschemaEventTable(String)
        /// At the end, with default values; the rows are written anew.
        case addColumns(table: String, columns: [String])
        case renameSource(table: String)
        case addTable(String)
        case addIndex(table: String, index: String)
        case addConstraint(table: String, constraint: String)
        case addSequence(table: String, sequence: String)
        case addSchedule(table: String, function: String)
        case changeAccess(table: String, to: TableAccess)
        case changePrimaryKey(table: String)
        /// Reducers, procedures, views or types; nothing that is stored changes.
        case changeFunctions

        var rank: Int {
            switch self {
            case .removeIndex: 0
            case .removeConstraint: 1
            case .removeSequence: 2
            case .removeSchedule: 3
            case .removeTable: 4
            case .changeColumns: 5
            case .reschemaEventTable: 6
            case .addColumns: 7
            case .renameSource: 8
            case .addTable: 9
            case .addIndex: 10
            case .addConstraint: 11
            case .addSequence: 12
            case .addSchedule: 13
            case .changeAccess: 14
            case .changePrimaryKey: 15
            case .changeFunctions: 16
            }
        }
    }

    /// What becomes of a table's rows.
    package enum TableFate: Hashable, Sendable {
        /// They stay byte for byte; indexes and constraints may be new.
        case kept
        /// They are written anew, each with these bytes at its end: the defaults of new columns, if there are any.
        case extended(by: [UInt8])
        /// The table is new, or an event table, which holds none.
        case added
    }

    package var description: String {
        steps.isEmpty ? "nothing to do" : steps.map { "- \($0)" }.joined(separator: "\n")
    }
}

extension MigrationPlan.Step: CustomStringConvertible {
    package var description: String {
        func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
        return switch self {
        case .removeIndex(let table, let index): "remove index '\(index)' of table '\(table)'"
        case .removeConstraint(let table, let name): "remove unique constraint '\(name)' of table '\(table)'"
        case .removeSequence(let table, let name): "remove sequence '\(name)' of table '\(table)'"
        case .removeSchedule(let table): "stop running table '\(table)' as a schedule"
        case .removeTable(let table): "remove table '\(table)', which is empty"
        case .changeColumns(let table, let columns): "allow more variants in \(list(columns)) of table '\(table)'"
        case .reschemaEventTable(let table): "change the columns of event table '\(table)'"
        case .addColumns(let table, let columns):
            "add \(list(columns)) to table '\(table)'; existing rows get the default values"
        case .renameSource(let table): "change how the module's code calls table '\(table)', its columns or its indexes"
        case .addTable(let table): "add table '\(table)'"
        case .addIndex(let table, let index): "add index '\(index)' to table '\(table)'"
        case .addConstraint(let table, let name): "add unique constraint '\(name)' to table '\(table)'"
        case .addSequence(let table, let name):
            "add sequence '\(name)' to table '\(table)', behind the numbers that are there"
        case .addSchedule(let table, let function): "run '\(function)' by the rows of table '\(table)'"
        case .changeAccess(let table, let access): "make table '\(table)' \(access)"
        case .changePrimaryKey(let table): "change the primary key of table '\(table)'"
        case .changeFunctions: "replace reducers, views or types"
        }
    }
}

/// Everything that keeps a definition from following another by itself.
package struct MigrationProblems: Error, Equatable, CustomStringConvertible {
    package var problems: [Problem]

    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        /// The rule, by the name that publishers of modules know it by.
        package enum Rule: String, Sendable {
            case changeTableType = "ChangeTableType"
            case changeTableEventFlag = "ChangeTableEventFlag"
            case removeTable = "RemoveTable"
            case removeColumn = "RemoveColumn"
            case reorderTable = "ReorderTable"
            case addColumn = "AddColumn"
            case changeColumnType = "ChangeColumnType"
            case fewerVariants = "ChangeColumnTypeFewerVariants"
            case renamedVariant = "ChangeColumnTypeRenamedVariant"
            case fewerFields = "ChangeColumnTypeFewerFields"
            case renamedField = "ChangeColumnTypeRenamedField"
            case changeUniqueConstraint = "ChangeUniqueConstraint"
        }

        package let rule: Rule
        package let table: String
        /// A column, an index or a constraint.
        package let part: String?
        package let text: String

        package var description: String {
            "table '\(table)'" + (part.map { ", '\($0)'" } ?? "") + ": \(text) (\(rule.rawValue))"
        }
    }

    package var description: String { problems.map { "- \($0)" }.joined(separator: "\n") }
}
