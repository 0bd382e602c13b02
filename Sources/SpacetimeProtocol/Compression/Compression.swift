/// How the body of a server's binary payload is compressed. The raw value is the tag in front of it.
public enum Compression: UInt8, Hashable, Sendable, CaseIterable {
    /// Not at all. A server may always send this, whatever the client asked for.
    case none = 0
    /// A Brotli stream (RFC 7932).
    case brotli = 1
    /// One gzip member (RFC 1952), whose trailer holds the true length: one client allocates by it.
    case gzip = 2

    /// As the parameter `compression` of the upgrade spells it.
    public var parameter: String {
        switch self {
        case .none: "None"
        case .brotli: "Brotli"
        case .gzip: "Gzip"
        }
    }

    /// Nil for any other spelling, also for one of other case.
    public init?(parameter: String) {
        guard let found = Self.allCases.first(where: { $0.parameter == parameter }) else { return nil }
        self = found
    }

    /// The longest body that is sent as it is although the client asked for compression.
    public static let threshold = 1_024
}
