package import SpacetimeSchema

/// What replacing a database's module would do.
package struct UpdatePlan: Sendable {
    /// What becomes of the tables.
    package let migration: MigrationPlan
    /// What connected clients cannot go on with; then all of them are disconnected.
    package let clientBreaks: [String]

    package var breaksClients: Bool { !clientBreaks.isEmpty }

    /// For people, a line for each step.
    ///
    /// - Parameter isColoured: with the colours of terminals: removals red, additions green, what concerns clients yellow.
    package func text(isColoured: Bool) -> String {
        var lines = migration.steps.map { Self.line("\($0)", isColoured ? Self.colour(of: $0) : nil) }
        lines += clientBreaks.map { Self.line("clients are disconnected: \($0)", isColoured ? 33 : nil) }
        return lines.isEmpty ? "no table changes\n" : lines.joined()
    }

    private static func line(_ text: String, _ colour: Int?) -> String {
        colour.map { "\u{1B}[\($0)m- \(text)\u{1B}[0m\n" } ?? "- \(text)\n"
    }

    private static func colour(of step: MigrationPlan.Step) -> Int? {
        switch step {
        case .removeIndex, .removeConstraint, .removeSequence, .removeSchedule, .removeTable: 31
        case .addColumns, .addTable, .addIndex, .addConstraint, .addSequence, .addSchedule: 32
        default: nil
        }
    }

    /// Why an update that may not break clients is not made.
    package var refusal: DatabaseError {
        DatabaseError(
            .migrationRefused,
            "the new module would break clients, and all of them would be disconnected; publish it with the plan's token if that is "
                + "meant:\n\(text(isColoured: false))")
    }
}
