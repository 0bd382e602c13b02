import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// The module of a database, as clients are told of it.
extension HostedDatabase {
    /// The definition as JSON, of version 9 or 10. Made once.
    func schemaText(version: Int) throws(DatabaseError) -> [UInt8] {
        let generation = generation
        if let text = generation.schemaTexts.withLock({ $0[version] }) { return text }
        let stored = generation.core.catalog.stored
        let (raw, schema) = (try stored.rawDefinition(), try stored.definedSchema())
        let json = version == 9 ? schema.publishedV9(raw).json : schema.published(raw).json
        let text = json.utf8
        generation.schemaTexts.withLock { $0[version] = text }
        return text
    }

    /// By what versions of the module are told apart: a native one has no program, so it is the hash of its definition.
    var moduleHash: [UInt8] { core.catalog.stored.programHash }
    /// Of the module that the database was created with, as far as that is known.
    var initialModuleHash: [UInt8] { publication?.initialProgram ?? moduleHash }
}
