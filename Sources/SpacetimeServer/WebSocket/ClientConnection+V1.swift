import SpacetimeHost
import SpacetimeProtocol

extension ClientConnection {
    func receiveV1(_ payload: UnsafeRawBufferPointer, isText: Bool) throws(ProtocolError) {}
    func encodeV1(_ event: SessionEvent) {}
}
