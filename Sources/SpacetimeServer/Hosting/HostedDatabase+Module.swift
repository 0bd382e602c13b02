import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// The module of a database, as clients are told of it.
extension HostedDatabase {
    /// The definition as JSON, of version 9 or 10. Made once.
    func schemaText(version: Int) throws(DatabaseError) -> [UInt8] {
        if let text = schemaTexts.withLock({ $0[version] }) { return text }
        let catalog = core.catalog
        let raw = try catalog.stored.rawDefinition()
        let json = version == 9 ? catalog.schema.publishedV9(raw).json : catalog.schema.published(raw).json
        let text = json.utf8
        schemaTexts.withLock { $0[version] = text }
        return text
    }

    /// Stands for the module's program: a native module has none, so it is the hash of its definition.
    var moduleHash: [UInt8] { Keccak256.hash(core.catalog.stored.definition) }
}
