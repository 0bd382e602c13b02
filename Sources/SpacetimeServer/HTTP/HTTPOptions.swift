public import SpacetimeHost

/// What HTTP requests may ask for.
public struct HTTPOptions: Sendable {
    /// The largest body of a request, in bytes; 2 MiB, as clients expect.
    public var bodyByteLimit = 2 << 20
    /// The largest body of a request to a module's own handler, in bytes: it is in memory as a whole.
    public var handlerBodyByteLimit = 64 << 20
    /// How much one SQL statement may do: it answers with all rows at once, which take several times their size as JSON.
    public var sql = QueryLimits(bytes: 64 << 20, time: .seconds(60))

    public init() {}
}
