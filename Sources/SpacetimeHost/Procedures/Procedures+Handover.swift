import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Durable calls on their way from one module to the one that takes over.
///
/// A call goes on in the new module behind the last step that it finished in the old one. Its task stays: it runs the old code up to
/// the end of the step that it is in, has the new module run the rest, and gives the result to whoever waits for it. So a step never
/// runs in both at once.
extension Procedures {
    // MARK: Before

    /// Looks whether all durable calls that run could go on with another module. With the lock held.
    ///
    /// - Throws: `migrationRefused` with those that cannot.
    func requireSuccessors(in opening: Opening) throws(DatabaseError) {
        var problems: [String] = []
        for row in try lockedRows() where problem(of: row.id) == nil {
            guard let before = table.procedures.first(where: { $0.name == row.procedure }),
                let problem = Self.problem(of: before, in: opening)
            else { continue }
            problems.append(
                "- call \(row.id) of '\(row.procedure)', called by \(row.caller.identity) at \(row.timestamp), after "
                    + "\(row.steps.count) steps: \(problem)")
        }
        if problems.isEmpty { return }
        throw DatabaseError(
            .migrationRefused,
            "durable procedures are running that cannot go on in the new module:\n\(problems.joined(separator: "\n"))\nWait until "
                + "they have ended, remove the calls (Database.removeDurableCall), or keep the procedures as they are")
    }

    private static func problem(of procedure: ProcedureSchema, in opening: Opening) -> String? {
        guard let position = opening.schema.procedures.firstIndex(where: { $0.name == procedure.name }),
            opening.traits.durableProcedures.contains(position)
        else { return "there is no durable procedure of that name" }
        let new = opening.schema.procedures[position]
        if new.parametersType != procedure.parametersType { return "it has other parameters" }
        return new.returnType == procedure.returnType ? nil : "it returns something else"
    }

    /// All calls that have not ended. With the lock held.
    private func lockedRows() throws(DatabaseError) -> [DurableCallRow] {
        guard let tables = runner.catalog.systemTables.durable, runner.datastore.count(tables.calls) > 0 else {
            return []
        }
        return try durableCallRows(in: runner.datastore.snapshot())
    }

    // MARK: At the moment

    /// Has the calls that run go on elsewhere: no step is begun here any more. With the lock held.
    ///
    /// - Returns: calls that have not ended and do not run here, to be gone on with as after a restart.
    func handOver(to successor: Procedures) -> [DurableCallRow] {
        // What cannot be read has been noted when it was met first.
        let rows = (try? lockedRows()) ?? []
        let running = takeSuccessor(successor)
        var carried: Set<UInt64> = []
        for (journal, task) in running {
            if let row = journal.row { carried.insert(row) }
            // Whoever is in a step finishes it: what it does to the world is not to be done twice.
            if journal.handOver() { task.cancel() }
        }
        return rows.filter { !carried.contains($0.id) }
    }

    // MARK: Behind

    /// Goes on with a call that another module began, and waits for its end.
    func goOn(withRow row: UInt64) async throws -> Outcome {
        var procedures = self
        while true {
            do {
                return try await procedures.resumed(row).value
            } catch let error as DatabaseError where error.code == .moduleReplaced {
                guard let next = procedures.successor else { throw error }
                procedures = next
            }
        }
    }
}
