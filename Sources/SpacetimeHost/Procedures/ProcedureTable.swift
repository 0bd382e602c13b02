import SpacetimeSATS
import SpacetimeSchema

/// The procedures of a module by name, and who may call them.
struct ProcedureTable: Sendable {
    let procedures: [ProcedureSchema]
    private let positions: [String: Int]
    private let owner: Identity

    init(_ schema: ModuleSchema, owner: Identity) {
        procedures = schema.procedures
        self.owner = owner
        // Canonical names win over the names that the module wrote.
        var positions: [String: Int] = [:]
        for (position, procedure) in procedures.enumerated() { positions[procedure.name] = position }
        for (position, procedure) in procedures.enumerated() where positions[procedure.sourceName] == nil {
            positions[procedure.sourceName] = position
        }
        self.positions = positions
    }

    /// The procedure with a canonical name, else with that name in the module's code.
    ///
    /// - Throws: `noSuchProcedure` also if the caller may not call it: to clients a private one does not exist.
    func position(of name: String, calledBy caller: Caller) throws(DatabaseError) -> Int {
        guard let position = positions[name] else { throw noSuchProcedure(name) }
        return try callable(position, name, by: caller)
    }

    /// The procedure that typed code names as the module does; another one's canonical name must not shadow it.
    func position(ofSource name: String, calledBy caller: Caller) throws(DatabaseError) -> Int {
        guard let position = procedures.firstIndex(where: { $0.sourceName == name }) else {
            throw noSuchProcedure(name)
        }
        return try callable(position, name, by: caller)
    }

    private func callable(_ position: Int, _ name: String, by caller: Caller) throws(DatabaseError) -> Int {
        guard procedures[position].isClientCallable || caller.identity == owner else { throw noSuchProcedure(name) }
        return position
    }

    private func noSuchProcedure(_ name: String) -> DatabaseError {
        DatabaseError(.noSuchProcedure, "there is no procedure '\(name)'; check the name, or add it to the module")
    }
}
