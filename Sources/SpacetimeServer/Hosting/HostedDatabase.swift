import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

/// A database that a server serves: native, or of a module that was uploaded.
final class HostedDatabase: Sendable {
    /// Everything about the database; the server uses the host's interface alone, not the typed one of Kit.
    let core: DatabaseCore

    /// The number that names the database in addresses.
    var identity: Identity { core.catalog.identity }
    /// Whose it is: who may do everything.
    var owner: Identity { core.owner.identity }

    init(_ core: DatabaseCore) { self.core = core }
}
