import SpacetimeHost
import SpacetimeSchema
import Synchronization

/// A database while it has one and the same module: its core, and what the server knows about that module.
final class ModuleGeneration: Sendable {
    /// Everything about the database; the server uses the host's interface alone, not the typed one of Kit.
    let core: DatabaseCore
    /// What the database holds while a slow reducer has it: nobody else can commit meanwhile, so that is what there is to be
    /// seen. Nil at other times.
    let picture = Mutex<DatabasePicture?>(nil)
    /// Which reducers are slow.
    let pace: ReducerPace
    /// The module's definition as JSON, by version; see ``HostedDatabase/schemaText(version:)``.
    let schemaTexts = Mutex<[Int: [UInt8]]>([:])

    init(_ core: DatabaseCore) {
        self.core = core
        pace = ReducerPace(reducerCount: core.catalog.schema.reducers.count)
    }

    /// Calls a reducer. Who only looks need not wait for one that takes long, and sees a picture meanwhile.
    func call(_ request: UInt32, _ reducer: Int, _ arguments: [UInt8], in batch: inout CallBatch) {
        let isSlow = pace.isSlow(reducer)
        if isSlow { picture.withLock { $0 = batch.picture() } }
        let nanoseconds = arguments.withUnsafeBytes { batch.call(request, reducer, arguments: $0) }
        if isSlow { picture.withLock { $0 = nil } }
        pace.note(reducer, nanoseconds)
    }
}
