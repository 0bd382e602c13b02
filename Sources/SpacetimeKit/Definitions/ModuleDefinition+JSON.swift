import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

extension ModuleDefinition {
    /// What the module defines, as JSON: for programs that write code for its clients.
    ///
    /// `spacetimekit generate` and the original's command ask a program for it with the argument `extract-schema`:
    ///
    /// ```swift
    /// if CommandLine.arguments.dropFirst().first == "extract-schema" {
    ///     print(try Chat.definitionJSON())
    ///     exit(0)
    /// }
    /// ```
    ///
    /// Opens no database.
    ///
    /// - Throws: `DatabaseError` with the code `invalidModule` if the module breaks a rule.
    public static func definitionJSON() throws(DatabaseError) -> String {
        let raw = try wholeContent.rawDefinition()
        _ = try DatabaseCore.validate(raw)
        return JSON.object([.init("V10", raw.json)]).description
    }
}
