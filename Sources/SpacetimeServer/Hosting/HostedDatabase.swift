import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// A database that a server serves: native, or of a module that was uploaded.
final class HostedDatabase: Sendable {
    /// Everything about the database; the server uses the host's interface alone, not the typed one of Kit.
    let core: DatabaseCore

    /// The number that names the database in addresses.
    var identity: Identity { core.catalog.identity }
    /// Whose it is: who may do everything.
    var owner: Identity { core.owner.identity }

    /// What the database holds while a slow reducer has it: nobody else can commit meanwhile, so that is what there is to be
    /// seen. Nil at other times.
    let picture = Mutex<DatabasePicture?>(nil)
    /// First rows that many clients get alike.
    let firstRowsFrames = FirstRowsFrames()
    /// The sessions that clients named.
    let sessions = ClientSessions()
    /// Who is connected.
    let clients = ClientCount()

    /// Which reducers are slow.
    let pace: ReducerPace
    /// The module's definition as JSON, by version; see ``schemaText(version:)``.
    let schemaTexts = Mutex<[Int: [UInt8]]>([:])

    init(_ core: DatabaseCore) {
        self.core = core
        // Somebody reads it from elsewhere, and may come after a restart.
        core.log.keepInFiles()
        pace = ReducerPace(reducerCount: core.catalog.schema.reducers.count)
    }

    /// Whether a table's rows are events, which are told once and stored nowhere.
    func isEvent(_ table: TableID?) -> Bool {
        guard let table else { return false }
        return core.catalog.schema(of: table)?.isEvent ?? false
    }
}
