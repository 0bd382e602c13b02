public import SpacetimeHost

/// How a server takes modules that are published to it.
public struct PublishingOptions: Sendable {
    /// What runs the programs. Nil: the server has the databases of its own program only, and publishing is refused.
    public var runtime: ModuleRuntime?
    /// The largest program that is taken, in bytes: it is in memory as a whole.
    public var programByteLimit = 256 << 20

    public init() {}
}
