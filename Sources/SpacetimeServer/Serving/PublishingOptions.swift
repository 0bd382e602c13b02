public import SpacetimeHost
import SpacetimeSATS

/// How a server takes modules that are published to it, and where it keeps their databases.
///
/// ```swift
/// var options = ServerOptions(port: 3000)
/// options.publishing.runtime = runtime
/// options.publishing.directory = "/var/lib/spacetime"
/// ```
public struct PublishingOptions: Sendable {
    /// What runs the programs. Nil: the server has the databases of its own program only, and publishing is refused.
    public var runtime: ModuleRuntime?
    /// The directory for the databases and for what the server knows of them: names, owners, locks. It is made if there is
    /// none, and belongs to one server alone. Nil: they are in memory, and gone when the server ends.
    public var directory: String?
    /// How the files of each database are kept.
    public var storage = StorageOptions()
    /// What is kept of the log of each module.
    public var log = ModuleLogOptions()
    /// Sends the requests of procedures and handlers. Nil: they can send none.
    public var http: (any HTTPExecutor)?
    /// The largest program that is taken, in bytes: it is in memory as a whole.
    public var programByteLimit = 256 << 20
    /// Where the time of the databases comes from.
    public var clock: any HostClock = SystemClock()

    public init() {}

    /// With what a published database is opened.
    func openingOptions(_ identity: Identity, _ owner: Identity) -> OpeningOptions {
        var opening = OpeningOptions(name: identity.hex)
        opening.identity = identity
        opening.owner = owner
        opening.clock = clock
        opening.log = log
        opening.procedures.http = http
        return opening
    }
}
