import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// A database that a server serves: native, or of a module that was uploaded.
final class HostedDatabase: Sendable {
    /// The number that names the database in addresses.
    let identity: Identity
    /// Whose it is: who may do everything.
    let owner: Identity
    /// Nil if the module is a part of the server's own program.
    let publication: Publication?
    private let current: Mutex<ModuleGeneration>

    /// First rows that many clients get alike.
    let firstRowsFrames = FirstRowsFrames()
    /// The sessions that clients named.
    let sessions = ClientSessions()
    /// Who is connected.
    let clients = ClientCount()

    /// How often reducers that have a rate were called.
    let callRates = CallRates()

    init(_ core: DatabaseCore, _ publication: Publication? = nil) {
        identity = core.catalog.identity
        owner = core.owner.identity
        self.publication = publication
        current = Mutex(ModuleGeneration(core))
        // Somebody reads it from elsewhere, and may come after a restart.
        core.log.keepInFiles()
    }

    // MARK: The module

    /// The module as it is now, which may be replaced at any time: what belongs together is asked of one generation.
    var generation: ModuleGeneration { current.withLock { $0 } }
    var core: DatabaseCore { generation.core }

    /// The module was replaced. From now on the new one is found.
    func follow(_ core: DatabaseCore) { current.withLock { $0 = ModuleGeneration(core) } }

    /// Uses the database's core; and the next one, if the module is replaced at this very moment.
    func withCore<Value>(
        _ body: (DatabaseCore) async throws -> Value
    ) async throws -> Value {
        while true {
            do { return try await body(core) } catch {
                guard (error as? DatabaseError)?.code == .moduleReplaced else { throw error }
            }
        }
    }
}
