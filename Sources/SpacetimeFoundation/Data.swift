public import SpacetimeSATS

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension Data {
    /// The 32 bytes of an identity in the order in which they are displayed.
    public init(_ identity: Identity) { self.init(identity.bsatn().reversed()) }

    /// The 16 bytes of a connection id in the order in which they are displayed.
    public init(_ connectionId: ConnectionId) { self.init(connectionId.bsatn().reversed()) }
}

extension Identity {
    /// From 32 bytes in the order in which they are displayed; nil for another number of bytes.
    public init?(_ data: Data) {
        guard let identity = try? Identity(bsatn: data.reversed()) else { return nil }
        self = identity
    }
}

extension ConnectionId {
    /// From 16 bytes in the order in which they are displayed; nil for another number of bytes.
    public init?(_ data: Data) {
        guard let connectionId = try? ConnectionId(bsatn: data.reversed()) else { return nil }
        self = connectionId
    }
}

extension SpacetimeType {
    /// Reads a value that takes up all of `bsatn`; bytes left over are an error.
    public init(bsatn: Data) throws(BSATNError) { try self.init(bsatn: [UInt8](bsatn)) }
}
