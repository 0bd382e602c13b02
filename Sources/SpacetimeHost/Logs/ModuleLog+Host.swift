import SpacetimeSATS
import SpacetimeSchema

/// Lines that the database itself writes. Where the original has such a line, its words are used: people and tests look for
/// them.
extension ModuleLog {
    /// A table has been made.
    func noteCreation(of table: String) { appendOfHost(.info, "Creating table `\(table)`") }

    /// The tables have become those of a new version of the module.
    func note(_ plan: MigrationPlan) {
        for step in plan.steps {
            if case .addTable(let table) = step { noteCreation(of: table) } else { appendOfHost(.info, "\(step)") }
        }
        appendOfHost(.info, "Database updated")
    }

    /// A call has failed, and was undone.
    func note(_ error: any Error, of function: String) {
        guard keeps(.error) else { return }
        let reason = (error as? DatabaseError)?.message ?? "\(error)"
        appendOfHost(.error, "'\(function)' failed: \(reason)")
    }
}

extension ModuleLog {
    /// The module's newest lines for an error's text, each on a line of its own; empty if there are none.
    var newest: String {
        let lines = last().filter { !$0.isOfHost }.suffix(3).map { record in
            let trace = record.trace.prefix(8).map { "\n        in \($0.function ?? "?")" }
            return "\n    the log: \(record.message.prefix(1_000))\(trace.joined())"
        }
        return lines.joined()
    }
}

/// What the running call writes with.
extension TransactionReference {
    /// The log. Stops the program if the transaction is over.
    package var log: ModuleLog { runner.log }

    /// What clients call the reducer that runs; nil if it is a read, or something else that is no reducer.
    package var reducerName: String? {
        let reducer = state.writableSerial == serial ? state.reducer : -1
        return reducer < 0 ? nil : runner.catalog.schema.reducers[reducer].name
    }
}

extension ProcedureCall {
    /// The log of the database.
    package var log: ModuleLog { runner.log }
}
